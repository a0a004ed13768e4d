import { randomBytes } from 'node:crypto'
import { openPack, type PackHeader, readCheckpoint } from '@telegram-backup/archive'
import {
  beginUndelete,
  bucketsToTend,
  changeBucket,
  checkpointIndexed,
  deadPacks,
  newestCheckpoint,
  packMessages,
  removalIndexed,
  removeBucket,
  untoldDeletes,
} from '@telegram-backup/database'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, NEVER } from '#test/objects/bodies.ts'
import { type OpenStore, openStoreWorld, type StoreWorld } from '#test/objects/store-world.ts'

/** Everything is due at once, but checkpoints only after packs. */
const TIMES = {
  everyMs: 50,
  tellAfterMs: 0,
  checkpointAfterPacks: 1_000,
  checkpointAfterMs: 600_000,
  collectAfterMs: 600_000,
}

let world: StoreWorld
let one: OpenStore
beforeEach(async () => {
  world = await openStoreWorld()
})
afterEach(() => world.close())

async function openTending(times: Partial<typeof TIMES> = {}): Promise<void> {
  one = await world.open({ times: { ...TIMES, ...times } })
  void one.store.tend({ signal: NEVER })
}

const untold = async (): Promise<number> =>
  (await untoldDeletes(world.catalog, { bucketId: world.bucket.id, limit: 100 })).length

async function headers(): Promise<PackHeader[]> {
  const { emulator, chatId, identity } = world.vault
  return await Promise.all(
    world.packsInChat().map(async ({ message_id }) => {
      const bytes = await emulator.inspect.documentBytes(chatId, message_id)
      return (await openPack(bytes, { encrypted: true, identities: [identity] })).header
    }),
  )
}

describe('upkeep', () => {
  it('tells the chat of deletions with the next pack, else with one of its own', async () => {
    one = await world.open()
    await one.put('a', 'a')
    await one.put('b', 'b')
    await one.store.delete(world.bucket, 'a')
    await one.put('c', 'c')
    expect(await untold()).toBe(0)
    await one.store.delete(world.bucket, 'b')
    await one.store.delete(world.bucket, 'c')
    expect(await untold()).toBe(2)
    await openTending()
    const records = async (): Promise<string[][]> =>
      (await headers()).map(({ records }) => records.flatMap(record => Object.keys(record)[0] ?? []))
    await expect.poll(async () => (await records()).slice(3).flat()).toEqual(['delete', 'delete'])
    expect(await untold()).toBe(0)
    expect((await records()).slice(0, 3)).toEqual([['put'], ['put'], ['put', 'delete']])
  })

  it('draws a checkpoint with all that can be read or brought back, once for two processes', async () => {
    one = await world.open()
    const large = randomBytes(200_000)
    await one.put('large', large)
    await Promise.all(Array.from({ length: 50 }, (_, no) => one.put(`data/${no}`, `${no}`)))
    await one.store.delete(world.bucket, 'data/7')
    await openTending({ checkpointAfterPacks: 1 })
    await openTending({ checkpointAfterPacks: 1 })
    const { database, id } = { database: world.catalog, id: world.bucket.id }
    await expect.poll(async () => (await bucketsToTend(database))[0]?.packsSinceCheckpoint).toBe(0)
    const newest = await newestCheckpoint(database, id)
    const parts = await Promise.all(
      (newest?.parts ?? []).map(async ({ messages, sha256, id: pack }) => {
        const bytes = await world.vault.emulator.inspect.documentBytes(
          world.vault.chatId,
          Number(messages[0]?.message_id),
        )
        return await openPack(bytes, {
          encrypted: true,
          identities: [world.vault.identity],
          expected: { pack, sha256, bucket: id },
        })
      }),
    )
    async function* inOrder() {
      yield* parts
    }
    const lines = await Array.fromAsync(readCheckpoint(inOrder()))
    const objects = lines.flatMap(line => ('object' in line ? [line.object] : []))
    expect(objects).toHaveLength(51)
    expect(objects.filter(({ deletedAt }) => deletedAt !== undefined).map(({ key }) => key)).toEqual([
      'data/7',
    ])
    const packs = new Set(lines.flatMap(line => ('pack' in line ? [line.pack.id] : [])))
    for (const { extents } of objects) for (const { pack } of extents) expect(packs.has(pack)).toBe(true)
  })

  it('erases what nothing needs any more, once the index names a checkpoint without it', async () => {
    await changeBucket(world.catalog, world.bucket.id, { undeleteMs: 0 })
    await openTending({ collectAfterMs: 0 })
    await one.put('kept', randomBytes(40_000))
    await one.put('gone', randomBytes(200_000))
    const before = world.packsInChat().length
    await one.store.delete(world.bucket, 'gone')
    // The packs of the object wait until the checkpoint that lacks it is in the index.
    const checkpoint = async () => (await newestCheckpoint(world.catalog, world.bucket.id))?.checkpoint
    await expect.poll(async () => (await checkpoint())?.id).toBeDefined()
    await expect.poll(untold).toBe(0)
    const index = async (): Promise<void> => {
      const { id, indexed_at } = (await checkpoint()) ?? {}
      if (id !== undefined && indexed_at === null) await checkpointIndexed(world.catalog, id)
    }
    await expect
      .poll(async () => {
        await index()
        const left = await deadPacks(world.catalog, { bucketId: world.bucket.id, limit: 100 })
        return left.length === 0 && world.packsInChat().length < before
      })
      .toBe(true)
    expect(await one.keys()).toEqual(['kept'])
    expect(await one.read('kept')).toHaveLength(40_000)
  })

  it('moves what is live out of packs that are mostly dead', async () => {
    await changeBucket(world.catalog, world.bucket.id, { undeleteMs: 0 })
    const writing = await world.open()
    const head = (key: string) => writing.store.head(world.bucket, key)
    const kept = new Map<string, { content: Buffer; id: string }>()
    for (let round = 0; round < 2; round++) {
      const contents = new Map<string, Buffer>()
      for (let no = 0; no < 60; no++) contents.set(`data/${round}/${no}`, randomBytes(500))
      await Promise.all([...contents].map(([key, content]) => writing.put(key, content)))
      const versions = await Promise.all([...contents.keys()].map(head))
      const [largest = []] = [...Map.groupBy(versions, ({ pack_id }) => pack_id).values()].toSorted(
        (one, other) => other.length - one.length,
      )
      expect(largest.length).toBeGreaterThan(4)
      const [{ id, key } = { id: '', key: '' }] = largest
      kept.set(key, { id, content: contents.get(key) ?? Buffer.alloc(0) })
      for (const key of contents.keys()) if (!kept.has(key)) await writing.store.delete(world.bucket, key)
    }
    await openTending()
    const isMoved = async ([key, { id }]: [string, { id: string }]): Promise<boolean> =>
      (await head(key)).id !== id
    await expect.poll(async () => (await Promise.all([...kept].map(isMoved))).every(Boolean)).toBe(true)
    for (const [key, { content }] of kept) expect(await one.read(key)).toEqual(content)
  })

  it('ends a removed bucket when its messages are gone', async () => {
    await openTending()
    await one.put('a', 'a')
    await removeBucket(world.catalog, world.bucket.id)
    await removalIndexed(world.catalog, world.bucket.id)
    await expect.poll(() => world.packsInChat().length).toBe(0)
    await expect.poll(async () => (await bucketsToTend(world.catalog)).length).toBe(0)
  })
})

describe('the second chat', () => {
  it('gets a copy later, or before the answer, as the bucket says', async () => {
    const { emulator, token } = world.vault
    const bot = emulator.inspect.bots()[0]
    if (bot === undefined) throw new Error(token)
    const replica = emulator.createChat({ type: 'channel', title: 'Second', administrators: [{ bot }] })
    const copies = (): number =>
      emulator.inspect.messages(replica.id).filter(({ caption }) => caption?.includes(' pack=')).length
    one = await world.open({ replicaChatId: String(replica.id), times: TIMES })
    await one.put('a', 'a')
    expect(copies()).toBe(0)
    void one.store.tend({ signal: NEVER })
    await expect.poll(copies).toBe(1)
    await changeBucket(world.catalog, world.bucket.id, { replica: 'wait' })
    const waiting = await one.store.bucket(world.bucket.name)
    const { pack_id } = await one.store.put(
      waiting,
      { key: 'b', body: bodyOf(Buffer.from('b')) },
      { signal: NEVER },
    )
    expect(copies()).toBe(2)
    const messages = await packMessages(world.catalog, pack_id ?? '')
    expect(messages.map(({ state }) => state)).toEqual(['sent', 'sent'])
  })

  it('gives what the first one has lost', async () => {
    const { emulator } = world.vault
    const bot = emulator.inspect.bots()[0]
    if (bot === undefined) throw new Error('no bot')
    const replica = emulator.createChat({ type: 'channel', title: 'Second', administrators: [{ bot }] })
    await changeBucket(world.catalog, world.bucket.id, { replica: 'wait' })
    one = await world.open({ replicaChatId: String(replica.id) })
    const content = randomBytes(100_000)
    const bucket = await one.store.bucket(world.bucket.name)
    await one.store.put(bucket, { key: 'a', body: bodyOf(content) }, { signal: NEVER })
    for (const { message_id } of world.packsInChat())
      emulator.asHuman.deleteMessage(world.vault.chatId, message_id)
    const other = await world.open({ replicaChatId: String(replica.id), cacheBytes: 0 })
    expect(await other.read('a')).toEqual(content)
  })
})

describe('undelete', () => {
  it('takes a bucket back to a moment, and forward again', async () => {
    one = await world.open()
    const old = new Map(Array.from({ length: 40 }, (_, no) => [`data/${no}`, `old ${no}`]))
    await Promise.all([...old].map(([key, content]) => one.put(key, content)))
    const large = randomBytes(200_000)
    await one.put('large', large)
    const read = async (): Promise<Map<string, string>> =>
      new Map(
        await Promise.all(
          (await one.keys('data/')).map(async key => [key, String(await one.read(key))] as const),
        ),
      )
    const moment = new Date((await one.store.head(world.bucket, 'large')).stored_at.getTime() + 1)
    await new Promise(resolve => setTimeout(resolve, 20))
    for (const key of [...old.keys()].slice(0, 30)) await one.store.delete(world.bucket, key)
    await one.store.delete(world.bucket, 'large')
    await one.put('data/39', 'new')
    await one.put('data/new', 'new')
    const later = await read()
    const before = world.packsInChat().length
    const undelete = async (): Promise<[restored: number, removed: number, unchanged: number]> => {
      const plan = await beginUndelete(world.catalog, { bucketId: world.bucket.id, at: moment })
      await one.store.finishUndelete(world.bucket, { signal: NEVER })
      return [plan.restore.length, plan.remove.length, plan.unchanged]
    }
    expect(await undelete()).toEqual([32, 1, 9])
    expect(world.packsInChat().length - before).toBe(1)
    expect(await read()).toEqual(old)
    expect(await one.read('large')).toEqual(large)
    expect(await undelete()).toEqual([0, 0, 41])
    expect(later.size).toBe(11)
  })
})
