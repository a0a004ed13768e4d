import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { BenchRun } from '#bench/bench-run.ts'
import type { RepositoryServer } from '#bench/door-servers.ts'
import { median } from '#bench/measure.ts'
import type { BenchVault } from '#bench/vault.ts'

export const LIST = 'list of 100,000 objects through the door'
const OBJECTS = 100_000
const OBJECT_BYTES = 64
/** Puts at a time while the objects of the list are made; a door takes 192 of one key. */
const PUTS_AT_A_TIME = 160
const LISTS = 5

/** Many small objects: what it takes to store and to list them. */
export async function listCosts(vault: BenchVault, run: BenchRun, door: RepositoryServer): Promise<void> {
  const url = new URL((await door.newPlace()).slice('rest:'.length))
  const agent = new Agent({ keepAlive: true, maxSockets: PUTS_AT_A_TIME })
  await ask(new URL(`${url}?create=true`), { method: 'POST', agent })
  const messages = (): number => vault.emulator.inspect.calls('senddocument')
  const before = {
    messages: messages(),
    catalog: await catalogMebibytes(vault),
    processor: await door.processorSeconds(),
    at: performance.now(),
  }
  await storeObjects(url, agent)
  const seconds = (performance.now() - before.at) / 1000
  const processor = (await door.processorSeconds()) - before.processor
  const catalog = (await catalogMebibytes(vault)) - before.catalog
  run.add({
    what: `${OBJECTS} objects of ${OBJECT_BYTES} bytes stored through the door`,
    value: `${seconds.toFixed(0)} s, ${processor.toFixed(0)} s of them processor time of serve; ${messages() - before.messages} messages; ${catalog.toFixed(0)} MiB in the catalog`,
    target: 'none; for the docs',
    reached: true,
  })
  const listSeconds: number[] = []
  for (let times = 0; times < LISTS; times++) listSeconds.push(await secondsOfList(url, agent))
  agent.destroy()
  const middle = median(listSeconds)
  run.add({
    what: LIST,
    value: `${middle.toFixed(2)} s (${Math.min(...listSeconds).toFixed(2)}–${Math.max(...listSeconds).toFixed(2)})`,
    target: 'under 1 s',
    reached: middle < 1,
  })
}

async function storeObjects(url: URL, agent: Agent): Promise<void> {
  let left = OBJECTS
  const put = async (): Promise<void> => {
    while (left-- > 0) {
      const body = randomBytes(OBJECT_BYTES)
      const name = createHash('sha256').update(body).digest('hex')
      await ask(new URL(`data/${name}`, url), { method: 'POST', agent, body })
    }
  }
  await Promise.all(Array.from({ length: PUTS_AT_A_TIME }, put))
}

async function secondsOfList(url: URL, agent: Agent): Promise<number> {
  const begun = performance.now()
  const answer = await ask(new URL('data/', url), { method: 'GET', agent })
  const seconds = (performance.now() - begun) / 1000
  const { length } = JSON.parse(answer.toString('utf8')) as unknown[]
  if (length !== OBJECTS) throw new Error(`The list has ${length} objects, not ${OBJECTS}`)
  return seconds
}

/** What the tables and indexes of the embedded catalog take on the disk. */
async function catalogMebibytes({ folder }: BenchVault): Promise<number> {
  const { stdout } = await promisify(execFile)('du', ['-sk', join(folder, 'home', 'pg18', 'base')])
  return Number.parseInt(stdout, 10) / 1024
}

function ask(url: URL, of: { method: string; agent: Agent; body?: Buffer }): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const call = request(
      url,
      {
        method: of.method,
        agent: of.agent,
        auth: `${url.username}:${url.password}`,
        headers: {
          accept: 'application/vnd.x.restic.rest.v2',
          ...(of.body ? { 'content-length': of.body.length } : {}),
        },
      },
      async response => {
        const body = Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>))
        if (response.statusCode === 200) resolve(body)
        else reject(new Error(`${of.method} ${url.pathname}: ${response.statusCode} ${body}`))
      },
    )
    call.on('error', reject)
    call.end(of.body)
  })
}
