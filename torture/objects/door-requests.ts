import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Chance } from '#torture/chance.ts'
import type { Credentials } from '#torture/objects/buckets.ts'
import type { Fleet } from '#torture/service/fleet.ts'
import type { Catalog } from '#torture/world/catalog.ts'
import type { KnownObject } from '#torture/world/object-ledger.ts'
import { PART_SIZE_BYTES, type World } from '#torture/world/world.ts'

/** Who writes through which doors. */
export interface DoorClient {
  readonly world: World
  /** On which the fleet works. */
  readonly catalog: Catalog
  readonly fleet: Fleet
  readonly chance: Chance
  readonly credentials: Credentials
  readonly tell: (words: string) => void
  readonly violations: string[]
}

/** An object of several packs, now and then. */
const MOST_PACKS = 3
/** As in requests.ts: a catalog's server that was killed may be slow to come back. */
const PATIENT_FOR_MS = 120_000
const TRY_AGAIN_MS = 250
const ANSWERS_WITHIN_MS = 60_000

/** One thing that a client of the door does; resolves when it was answered, or never will be. */
export async function useDoor(client: DoorClient): Promise<void> {
  const { chance, world } = client
  const act = chance.weighted([
    ['put', 6],
    ['delete', 3],
    ['put again', 1],
    ['get', 2],
    ['list', 1],
    ['go away', 0.5],
  ] as const)
  const there = world.objects.free('there')
  const gone = world.objects.free('gone')
  const bucket = chance.pick([...client.credentials.keys()])
  if (act === 'delete' && there.length > 0) return await removeObject(client, chance.pick(there))
  if (act === 'get' && there.length > 0) return await getObject(client, chance.pick(there))
  if (act === 'put again' && gone.length > 0) return await put(client, chance.pick(gone))
  if (act === 'list') return await listObjects(client, bucket)
  const folder = chance.weighted([
    ['data', 6],
    ['index', 1],
    ['snapshots', 1],
    ['locks', 1],
  ] as const)
  const most = chance.weighted([
    [2_000, 6],
    [PART_SIZE_BYTES / 2, 3],
    [folder === 'locks' ? 2_000 : MOST_PACKS * PART_SIZE_BYTES, 1],
  ] as const)
  const bytes = chance.whole(1, most)
  await putNew(client, { bucket, folder, bytes, goesAway: act === 'go away' })
}

/** A new object of so many bytes. */
export async function putNew(
  client: DoorClient,
  of: { bucket: string; folder: string; bytes: number; goesAway?: boolean },
): Promise<KnownObject> {
  const { bucket, folder, goesAway = false } = of
  const bytes = client.chance.bytes(of.bytes)
  const key = `${folder}/${sha256Of(bytes)}`
  const object = client.world.objects.add({ bucket, key, bytes, inChat: folder !== 'locks' })
  await put(client, object, { goesAway })
  return object
}

async function put(
  client: DoorClient,
  object: KnownObject,
  { goesAway = false }: { goesAway?: boolean } = {},
): Promise<void> {
  const end = client.world.objects.begin(object)
  if (goesAway) {
    // What becomes of it nobody will know.
    await once(client, object, { method: 'POST', withinMs: client.chance.whole(1, 300) })
    return end(undefined)
  }
  const status = await insist(client, object, 'POST')
  // What was asked for and never answered may come true later.
  end(status === 200 ? 'there' : undefined)
}

export async function removeObject(client: DoorClient, object: KnownObject): Promise<void> {
  const end = client.world.objects.begin(object)
  const status = await insist(client, object, 'DELETE')
  end(status === 200 ? 'gone' : undefined)
}

/** Asks until somebody answers, as restic does; gives the status, or undefined when nobody ever did. */
async function insist(
  client: DoorClient,
  object: KnownObject,
  method: 'POST' | 'DELETE',
): Promise<number | undefined> {
  const until = performance.now() + PATIENT_FOR_MS
  while (performance.now() < until) {
    const answer = await once(client, object, { method, withinMs: ANSWERS_WITHIN_MS })
    // Another machine has the chat now: who has lost it may say no, for ever.
    if (typeof answer === 'object' && answer.status !== 200 && client.world.catalog !== client.catalog)
      return undefined
    if (typeof answer === 'object' && (answer.status < 500 || answer.status === 500)) {
      if (answer.status !== 200)
        client.violations.push(`answer: ${answer.status} to ${method} ${object.key}: ${answer.text}`)
      return answer.status
    }
    if (answer === 'none in time') client.violations.push(`hung: no answer to ${method} ${object.key}`)
    await delay(TRY_AGAIN_MS)
  }
  client.violations.push(`answer: nobody answers ${method} ${object.key} with anything but 5xx`)
  return undefined
}

interface Answer {
  readonly status: number
  readonly text: string
}

/** One request to a service that serves. How long that takes to start is the fleet's matter. */
async function once(
  { fleet, chance, credentials, tell }: DoorClient,
  { bucket, key, bytes }: KnownObject,
  { method, withinMs }: { method: 'POST' | 'DELETE'; withinMs: number },
): Promise<Answer | 'broken off' | 'none in time'> {
  const member = await fleet.anyone(chance)
  const what = `${method} ${bucket}/${key.slice(0, 14)} (${bytes.length}) at ${member.name}`
  const begunAt = performance.now()
  const signal = AbortSignal.timeout(withinMs)
  try {
    const response = await fetch(`${await member.url}/restic/${bucket}/${key}`, {
      method,
      headers: { authorization: basic(credentials.get(bucket)) },
      ...(method === 'POST' ? { body: new Uint8Array(bytes) } : {}),
      signal,
    })
    const text = (await response.text()).slice(0, 200)
    const ms = Math.round(performance.now() - begunAt)
    tell(`  ${what}: ${response.status} after ${ms} ms ${response.status === 200 ? '' : text}`)
    return { status: response.status, text }
  } catch {
    tell(`  ${what}: broken off after ${Math.round(performance.now() - begunAt)} ms`)
    return signal.aborted ? 'none in time' : 'broken off'
  }
}

/** What is there comes back byte for byte, if it comes at all: the chat may be out of order at the moment. */
export async function getObject(
  { world, fleet, chance, credentials, tell, violations }: DoorClient,
  object: KnownObject,
): Promise<void> {
  const { bucket, key, bytes, changes } = object
  const member = await fleet.anyone(chance)
  try {
    const response = await fetch(`${await member.url}/restic/${bucket}/${key}`, {
      headers: { authorization: basic(credentials.get(bucket)) },
      signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
    })
    const back = Buffer.from(await response.arrayBuffer())
    tell(`  GET ${bucket}/${key.slice(0, 14)} (${bytes.length}) at ${member.name}: ${response.status}`)
    // Somebody may have deleted it meanwhile.
    if (object.changes !== changes || world.objects.find(bucket, key)?.presence !== 'there') return
    if (response.status === 404) violations.push(`lost: ${bucket}/${key} was answered and is not found`)
    if (response.status === 200 && !back.equals(bytes))
      violations.push(`wrong: ${bucket}/${key} comes back with other bytes`)
  } catch {
    tell(`  GET ${bucket}/${key.slice(0, 14)} at ${member.name}: broken off`)
  }
}

/** A list has everything that is there, and nothing that is gone. */
export async function listObjects(
  { world, fleet, chance, credentials, tell, violations }: DoorClient,
  bucket: string,
): Promise<void> {
  const known = world.objects.all().filter(one => one.bucket === bucket && one.key.startsWith('data/'))
  const before = known.map(one => ({ one, presence: one.presence, changes: one.changes }))
  const member = await fleet.anyone(chance)
  try {
    const response = await fetch(`${await member.url}/restic/${bucket}/data/`, {
      headers: {
        authorization: basic(credentials.get(bucket)),
        accept: 'application/vnd.x.restic.rest.v2',
      },
      signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
    })
    tell(`  list of ${bucket} at ${member.name}: ${response.status}`)
    if (response.status !== 200) return
    const listed = (await response.json()) as Array<{ name: string; size: number }>
    const sizes = new Map(listed.map(({ name, size }) => [`data/${name}`, size]))
    for (const { one, presence, changes } of before) {
      if (one.changes !== changes || presence === 'either') continue
      const isRight = presence === 'there' ? sizes.get(one.key) === one.bytes.length : !sizes.has(one.key)
      if (!isRight) violations.push(`list: ${bucket}/${one.key} is ${presence}, the list says otherwise`)
    }
  } catch {
    tell(`  list of ${bucket} at ${member.name}: broken off`)
  }
}

/** The header that names a door key. */
export function basic(credentials = ''): string {
  return `Basic ${Buffer.from(credentials).toString('base64')}`
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
