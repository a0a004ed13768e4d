import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Chance } from '#torture/chance.ts'
import { openJobs } from '#torture/judge/jobs-check.ts'
import { type Credentials, keysOn } from '#torture/objects/buckets.ts'
import { lastWords } from '#torture/play/calm.ts'
import { answerOf, startClient } from '#torture/play/client.ts'
import { touched, whatIsInTheChats } from '#torture/play/old-machine.ts'
import type { RoundOptions } from '#torture/play/round-options.ts'
import { begin } from '#torture/play/run.ts'
import { configOf, SOURCES, writeSources } from '#torture/service/sources.ts'
import type { Catalog } from '#torture/world/catalog.ts'
import type { Row } from '#torture/world/catalog-server.ts'

/**
 * What a service does by itself at its start, it does within that; what it does once a minute is the same.
 */
const WATCHED_MS = 5_000
const REST_WITHIN_MS = 60_000

/**
 * A machine whose chat another one has taken over runs a service that knows nothing of it, and is asked for a
 * backup and an erasure: neither may be done, and every message stays as it was, also by what the service
 * does by itself.
 */
export async function playOldService(chance: Chance, options: RoundOptions): Promise<string[]> {
  const { world, server, tally, tell } = options
  const catalog = chance.pick(world.former)
  await writeSources(world, chance.branch('sources'))
  const environment = { TELEGRAM_BACKUP_CONFIG: configOf(world) }
  const keyArguments = ['apikey', 'create', '--name', 'harness', '--scope', 'admin', '--json']
  const made = await startClient(keyArguments, {
    env: { ...world.environment(catalog), ...catalog.environment(), TELEGRAM_API_ROOT: world.apiRoot },
    cwd: world.folder,
  }).end
  const key = answerOf(made)?.['key']
  if (typeof key !== 'string') throw new Error(`No key was made: ${lastWords(made)}`)
  const doors = await keysOn(world, catalog)
  const before = await whatIsInTheChats(world)
  const doneBefore = new Set((await doneJobs(catalog)).map(({ id }) => id))
  const args = ['serve', '--json', '--port', '0', '--grace', '1s']
  const order = { operation: 'serve', args, catalog, environment, aim: { api: 0, sql: 0 } } as const
  const kill = { kind: 'none' } as const
  const { client, run } = await begin(order, { world, server, kill })
  const url = (await client.said(/"url": "(http:[^"]+)"/))?.[1]
  const since = performance.now()
  const ask = async (method: string, path: string, body?: object): Promise<void> => {
    const headers = {
      authorization: `Bearer ${key}`,
      ...(body ? { 'content-type': 'application/json' } : {}),
    }
    const answer = await fetch(`${url}/api/v1${path}`, {
      ...{ method, headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    tell(`  ${method} ${path} of an old machine: ${answer.status}`)
  }
  await ask('POST', '/backups', { source: chance.pick(Object.keys(SOURCES)) })
  const refused = await putOnOldMachine(chance, { url, doors, tell })
  const known = await catalog.rows(
    "select id from control_plane.backups where state = 'complete' order by created_at, id",
  )
  if (known.length > 0) await ask('DELETE', `/backups/${chance.pick(known)['id']}`)
  while (performance.now() - since < REST_WITHIN_MS && (await openJobs(catalog)).length > 0) await delay(250)
  await delay(Math.max(0, WATCHED_MS - (performance.now() - since)))
  client.terminate()
  const { api, end, met } = await run
  await api.close()
  tally.run({ operation: 'serve', kill, met, isOneOfTwo: false })
  const done = (await doneJobs(catalog)).filter(({ id }) => !doneBefore.has(id))
  return [
    ...(end.code === 0 ? [] : [`stop: a service of an old machine ends with ${end.code}: ${lastWords(end)}`]),
    ...refused,
    ...done.map(({ kind }) => `not refused: a ${kind} job on an old machine`),
    ...touched(before, await whatIsInTheChats(world)),
  ]
}

/**
 * What would have changed something in the chat; some of it may be of the time when the chat was this
 * machine's.
 */
async function doneJobs(catalog: Catalog): Promise<Row[]> {
  return await catalog.rows(
    "select id, kind from control_plane.jobs where kind in ('backup', 'erase') and state = 'done'",
  )
}

/** Nothing that such a machine is given may be answered with success. */
async function putOnOldMachine(
  chance: Chance,
  of: { url: string | undefined; doors: Credentials; tell: (words: string) => void },
): Promise<string[]> {
  if (of.doors.size === 0) return []
  const [bucket, credentials] = chance.pick([...of.doors])
  const bytes = chance.bytes(1_000)
  const key = `data/${createHash('sha256').update(bytes).digest('hex')}`
  const { status } = await fetch(`${of.url}/restic/${bucket}/${key}`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
    body: new Uint8Array(bytes),
  })
  of.tell(`  POST ${key.slice(0, 14)} to a door of an old machine: ${status}`)
  return status < 400 ? [`not refused: a put through a door of an old machine: ${status}`] : []
}
