import { createHash, randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import {
  RESTIC_PASSWORD,
  type RepositoryServer,
  restic,
  startDoor,
  startRestServer,
} from '#bench/door-servers.ts'
import { type Comparison, measure, type Side } from '#bench/measure.ts'
import { type Figure, ratioFigure } from '#bench/report.ts'
import { writeRandomTree } from '#bench/sources.ts'
import { type BenchVault, requirePrograms } from '#bench/vault.ts'

const BACKUP = 'restic backup through the door / through rest-server'
const RESTORE = 'restic restore through the door / through rest-server'
const MEMORY = 'peak memory of serve, restic backups and restores'
const LIST = 'list of 100,000 objects through the door'
const FAR = 'restic backup through the door, at the pace of a channel'

const LISTED_OBJECTS = 100_000
/** Puts at a time while the objects of the list are made. */
const PUTS_AT_A_TIME = 64
/** The pace of a bot in one chat. */
const MESSAGES_PER_MINUTE = 20

/** restic through the door against restic through Debian's rest-server, on the same disk. */
export async function doorCosts(
  vault: BenchVault,
  of: {
    mebibytes: number
    isWanted: (what: string) => boolean
    against: (
      what: string,
      sides: { ours: Side; theirs: Side },
      figureOf: (comparison: Comparison) => Figure,
    ) => Promise<void>
  },
): Promise<Figure[]> {
  if (![BACKUP, RESTORE, MEMORY, LIST, FAR].some(of.isWanted)) return []
  await requirePrograms('restic', 'restic-rest-server')
  const source = join(vault.folder, 'doors-source')
  await writeRandomTree(source, of.mebibytes)
  const figures: Figure[] = []
  const door = await startDoor(vault, { pace: 0 })
  const restServer = await startRestServer(vault.folder)
  try {
    const ours = repositoryOn(door, join(vault.folder, 'restic-ours'))
    const theirs = repositoryOn(restServer, join(vault.folder, 'restic-theirs'))
    await of.against(BACKUP, { ours: ours.backup(source), theirs: theirs.backup(source) }, comparison =>
      ratioFigure(comparison, 1.6),
    )
    // Without a bench of the backup there may be nothing to restore yet.
    for (const side of [ours.backup(source), theirs.backup(source)]) await measure(side)
    // What serve sent a moment ago lies in its cache; a restore on another day reads the chat.
    const forget = (): Promise<void> =>
      rm(join(vault.folder, 'home', 'cache', 'packs'), { recursive: true, force: true })
    await of.against(RESTORE, { ours: ours.restore(forget), theirs: theirs.restore() }, comparison =>
      ratioFigure(comparison, 2),
    )
    if (of.isWanted(LIST)) figures.push(await listFigure(await door.newPlace()))
    const peak = await door.peakMebibytes()
    figures.push({
      what: MEMORY,
      value: `${peak.toFixed(0)} MiB`,
      target: 'under 350 MiB',
      reached: peak < 350,
    })
  } finally {
    await restServer.stop()
    await door.stop()
  }
  if (of.isWanted(FAR)) figures.push(await farFigure(vault, source))
  return figures
}

/** A repository of its own for each backup, and restores of the newest one. */
function repositoryOn(
  server: RepositoryServer,
  folder: string,
): { backup(source: string): Side; restore(prepare?: () => Promise<void>): Side } {
  const file = join(folder, 'repository')
  const cache = join(folder, 'cache')
  const target = join(folder, 'restored')
  const side = (args: readonly string[], prepare: () => Promise<void>): Side => ({
    command: 'restic',
    args: ['--quiet', ...args],
    env: { RESTIC_REPOSITORY_FILE: file, RESTIC_PASSWORD, RESTIC_CACHE_DIR: cache },
    prepare,
  })
  return {
    backup: source =>
      side(['backup', source], async () => {
        await rm(cache, { recursive: true, force: true })
        await mkdir(cache, { recursive: true })
        const place = await server.newPlace()
        await writeFile(file, place)
        await restic(place, ['init'], cache)
      }),
    restore: prepare =>
      side(['restore', 'latest', '--target', target], async () => {
        await prepare?.()
        await rm(target, { recursive: true, force: true })
      }),
  }
}

async function listFigure(place: string): Promise<Figure> {
  const url = new URL(place.slice('rest:'.length))
  const agent = new Agent({ keepAlive: true, maxSockets: PUTS_AT_A_TIME })
  await ask(new URL(`${url}?create=true`), { method: 'POST', agent })
  let left = LISTED_OBJECTS
  const put = async (): Promise<void> => {
    while (left-- > 0) {
      const body = randomBytes(64)
      const name = createHash('sha256').update(body).digest('hex')
      await ask(new URL(`data/${name}`, url), { method: 'POST', agent, body })
    }
  }
  await Promise.all(Array.from({ length: PUTS_AT_A_TIME }, put))
  const seconds: number[] = []
  for (let times = 0; times < 5; times++) {
    const begun = performance.now()
    const answer = await ask(new URL('data/', url), { method: 'GET', agent })
    seconds.push((performance.now() - begun) / 1000)
    const { length } = JSON.parse(answer.toString('utf8')) as unknown[]
    if (length !== LISTED_OBJECTS) throw new Error(`The list has ${length} objects, not ${LISTED_OBJECTS}`)
  }
  agent.destroy()
  const median = seconds.sort((a, b) => a - b)[2] ?? 0
  return { what: LIST, value: `${median.toFixed(2)} s`, target: 'under 1 s', reached: median < 1 }
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

/** One backup at the pace of a bot in a channel: it should take what its messages take, and no more. */
async function farFigure(vault: BenchVault, source: string): Promise<Figure> {
  const door = await startDoor(vault, { pace: MESSAGES_PER_MINUTE })
  try {
    const repository = repositoryOn(door, join(vault.folder, 'restic-far'))
    const sent = (): number => vault.emulator.inspect.calls('senddocument')
    const side = repository.backup(source)
    await side.prepare?.()
    const before = sent()
    const { seconds } = await measure({ ...side, prepare: async () => {} })
    const messages = sent() - before
    // The first minute's messages go at once; init has used two of them.
    const paceSeconds = Math.floor((messages + 1) / MESSAGES_PER_MINUTE) * 60
    return {
      what: FAR,
      value: `${seconds.toFixed(0)} s for ${messages} messages`,
      target: `what the pace allows, ${paceSeconds} s, and the time near`,
      reached: seconds <= paceSeconds + 60,
    }
  } finally {
    await door.stop()
  }
}
