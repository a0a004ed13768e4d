import { setTimeout as sleep } from 'node:timers/promises'
import { loadOrCreateSigningKey, openIndex } from '@telegram-backup/archive'
import {
  beginUndelete,
  bucketsToTend,
  catalogClock,
  changeBucket,
  type Database,
  deadPacks,
  findObject,
  listObjects,
  removeBucket,
  undeletingTo,
} from '@telegram-backup/database'
import { openTestCatalog } from '@telegram-backup/test-support/vault.ts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { UPKEEP_TIMES } from '#objects/tend/upkeep.ts'
import { recover } from '#recover/recover.ts'
import { openSession } from '#session/open-session.ts'
import { refreshIndexes } from '#session/refresh-indexes.ts'
import { NEVER } from '#test/objects/bodies.ts'
import { type OpenStore, openStoreWorld, type StoreWorld } from '#test/objects/store-world.ts'

const TIMES = { ...UPKEEP_TIMES, everyMs: 30, tellAfterMs: 0, checkpointAfterPacks: 1, collectAfterMs: 0 }

let world: StoreWorld
let one: OpenStore
let replica: number
let at: Date

const bot = () => {
  const [first] = world.vault.emulator.inspect.bots()
  if (first === undefined) throw new Error('there is no bot')
  return first
}

/** An undelete has begun, the indexes of both chats say so, and the second chat is away. */
beforeEach(async () => {
  world = await openStoreWorld()
  const { emulator } = world.vault
  replica = emulator.createChat({
    ...{ type: 'channel', title: 'Second', administrators: [{ bot: bot() }] },
  }).id
  one = await world.open({ replicaChatId: String(replica), times: TIMES })
  await one.put('data/a', 'old')
  await one.put('data/b', 'b')
  await tendUntil(() => expect.poll(copies).toBeGreaterThanOrEqual(2))
  await sleep(5)
  at = await catalogClock(world.catalog)
  await sleep(5)
  await one.put('data/a', 'new')
  await one.store.delete(world.bucket, 'data/b')
  await tendUntil(() => expect.poll(isAllIndexed, { timeout: 5_000 }).toBe(true))
  await beginUndelete(world.catalog, { bucketId: world.bucket.id, at })
  await refresh(replica)
  expect((await indexed(replica))?.undeletingTo).toBe(at.toISOString())
  emulator.asHuman.kick(replica, bot())
})
afterEach(() => world.close())

async function refresh(...chats: number[]): Promise<void> {
  const { client } = world.vault
  const config = world.config({ replicaChatId: String(replica) })
  const session = await openSession({ database: world.catalog, client, config, signal: NEVER })
  expect(await refreshIndexes(session, chats.map(String))).toEqual([])
}

/** The newest checkpoint has all records, and both indexes name it. */
async function isAllIndexed(): Promise<boolean> {
  await refresh(world.vault.chatId, replica)
  const [work] = await bucketsToTend(world.catalog)
  return work?.packsSinceCheckpoint === 0 && work.untoldSince === null && !work.isCheckpointUnindexed
}

const packsIn = (chat: number) =>
  world.vault.emulator.inspect.messages(chat).filter(({ caption }) => caption?.includes(' pack='))
const copies = (): number => packsIn(replica).length

async function tendUntil(done: () => Promise<unknown>): Promise<void> {
  const stop = new AbortController()
  const tending = one.store.tend({ signal: stop.signal })
  await done()
  stop.abort()
  await tending
}

async function indexed(chat: number) {
  const { emulator, identity } = world.vault
  const pinned = emulator.inspect.messages(chat).findLast(message => message.pinned)
  const bytes = await emulator.inspect.documentBytes(chat, pinned?.message_id ?? 0)
  const { index } = await openIndex(bytes, { encrypted: true, identities: [identity] })
  return index.buckets?.find(({ id }) => id === world.bucket.id)
}

async function hashes(database: Database): Promise<Map<string, string>> {
  const of = { bucketId: world.bucket.id, prefix: '', limit: 100 }
  const live = new Map<string, string>()
  for (const { key } of await listObjects(database, of)) {
    const found = await findObject(database, { bucketId: world.bucket.id, key })
    if (found !== null) live.set(key, found.object.sha256)
  }
  return live
}

async function recovered(chat: number, replicaChat?: number): Promise<[Map<string, string>, Date | null]> {
  const database = await openTestCatalog()
  try {
    const { identity, recipient, client } = world.vault
    const signingKey = await loadOrCreateSigningKey(world.config().signingKeyFile)
    const report = await recover({
      ...{ client, database, chat: String(chat), identities: [identity], signers: [], signal: NEVER },
      ...(replicaChat !== undefined && { replicaChat: String(replicaChat) }),
      ...{ encryption: { recipients: [recipient] }, signingKey: async () => signingKey },
      ...{ nextRun: (_, after) => after, onPlan: () => {}, onLook: () => {} },
    })
    expect(report.buckets).toMatchObject([{ lost: 0 }])
    return [await hashes(database), await undeletingTo(database, world.bucket.id)]
  } finally {
    await database.discard()
  }
}

describe('an undelete with a second chat that is away at its end', () => {
  it('ends, and the second chat learns of the end before it gets any copy', async () => {
    await one.store.finishUndelete(world.bucket, { signal: NEVER })
    expect(await undeletingTo(world.catalog, world.bucket.id)).toBeNull()
    expect(await one.read('data/a')).toEqual(Buffer.from('old'))
    await one.put('data/c', 'stored since')
    const live = await hashes(world.catalog)
    const before = copies()
    world.vault.emulator.asHuman.promote(replica, bot())
    const marks: (string | undefined)[] = []
    const unwatch = world.vault.emulator.watch(async ({ method, phase, parameters }) => {
      const isCopy = method === 'senddocument' && parameters['chat_id'] === String(replica)
      if (isCopy && phase === 'arrived') marks.push((await indexed(replica))?.undeletingTo)
    })
    one = await world.open({ replicaChatId: String(replica), times: TIMES })
    await tendUntil(() => expect.poll(copies).toBeGreaterThan(before + 1))
    unwatch()
    expect(marks.length).toBeGreaterThan(1)
    expect(marks.filter(mark => mark !== undefined)).toEqual([])
    expect(await recovered(replica)).toEqual([live, null])
  })

  it('ends; a put that waits for the copy does not pass the old index', async () => {
    await one.store.finishUndelete(world.bucket, { signal: NEVER })
    await changeBucket(world.catalog, world.bucket.id, { replica: 'wait' })
    world.vault.emulator.asHuman.promote(replica, bot())
    const other = await world.open({ replicaChatId: String(replica) })
    const bucket = await other.store.bucket(world.bucket.name)
    const body = (async function* () {
      yield Buffer.from('stored since')
    })()
    await other.store.put(bucket, { key: 'data/c', body }, { signal: NEVER })
    expect((await indexed(replica))?.undeletingTo).toBeUndefined()
  })

  it('is over for a recovery that begins with the old index, if the other chat is there', async () => {
    await one.store.finishUndelete(world.bucket, { signal: NEVER })
    await one.put('data/c', 'stored since')
    const live = await hashes(world.catalog)
    world.vault.emulator.asHuman.promote(replica, bot())
    expect(await recovered(replica, world.vault.chatId)).toEqual([live, null])
  })

  it('keeps all messages that the old index needs, until it is drawn again', async () => {
    await one.store.finishUndelete(world.bucket, { signal: NEVER })
    await one.store.delete(world.bucket, 'data/a')
    await one.store.delete(world.bucket, 'data/b')
    await changeBucket(world.catalog, world.bucket.id, { undeleteMs: 0 })
    const there = packsIn(world.vault.chatId).map(({ message_id }) => message_id)
    const noCheckpoint = { ...TIMES, checkpointAfterPacks: 64, collectAfterMs: 600_000 }
    const alone = await world.open({ times: noCheckpoint })
    const stop = new AbortController()
    const tending = alone.store.tend({ signal: stop.signal })
    const due = async (): Promise<number> =>
      (await deadPacks(world.catalog, { bucketId: world.bucket.id, limit: 100 })).length
    await expect.poll(due).toBeGreaterThan(0)
    await sleep(300)
    stop.abort()
    await tending
    expect(packsIn(world.vault.chatId).map(({ message_id }) => message_id)).toEqual(
      expect.arrayContaining(there),
    )
    world.vault.emulator.asHuman.promote(replica, bot())
    const [, mark] = await recovered(replica)
    expect(mark).toEqual(at)
  })

  it('is no removal: what is removed later goes from no chat before its index says so', async () => {
    await one.store.finishUndelete(world.bucket, { signal: NEVER })
    await removeBucket(world.catalog, world.bucket.id)
    const there = packsIn(world.vault.chatId).length
    const alone = await world.open({ times: TIMES })
    const stop = new AbortController()
    const tending = alone.store.tend({ signal: stop.signal })
    await refresh(world.vault.chatId)
    await sleep(500)
    stop.abort()
    await tending
    expect(packsIn(world.vault.chatId)).toHaveLength(there)
  })
})
