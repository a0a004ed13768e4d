import { randomBytes, randomUUID } from 'node:crypto'
import {
  bucketsToTend,
  changeBucket,
  checkpointIndexed,
  deadPacks,
  newestCheckpoint,
  untoldDeletes,
} from '@telegram-backup/database'
import { createTelegramClient, writeIndexCaption } from 'telegram-deployment-bot'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createCatalogVault } from '#ledger/catalog-vault.ts'
import { NEVER } from '#test/objects/bodies.ts'
import { type OpenStore, openStoreWorld, type StoreWorld } from '#test/objects/store-world.ts'

const WEEK_MS = 7 * 86_400_000
/** Everything is due at once, but checkpoints only when packs wait for one. */
const TIMES = {
  everyMs: 50,
  tellAfterMs: 0,
  checkpointAfterPacks: 1_000,
  checkpointAfterMs: 600_000,
  collectAfterMs: 0,
}

let world: StoreWorld
beforeEach(async () => {
  world = await openStoreWorld()
})
afterEach(() => world.close())

/** As a service does: notes that the index names the newest checkpoint. */
async function nameCheckpoint(): Promise<void> {
  const { id, indexed_at } = (await newestCheckpoint(world.catalog, world.bucket.id))?.checkpoint ?? {}
  if (id !== undefined && indexed_at === null) await checkpointIndexed(world.catalog, id)
}

/** Deletes, and waits until the chat was told and the newest checkpoint, which the index names, has it. */
async function removeForGood(one: OpenStore, key: string): Promise<void> {
  await one.store.delete(world.bucket, key)
  await expect
    .poll(async () => {
      await nameCheckpoint()
      const [work] = await bucketsToTend(world.catalog)
      const untold = await untoldDeletes(world.catalog, { bucketId: world.bucket.id, limit: 1 })
      return untold.length === 0 && work?.packsSinceCheckpoint === 0 && !work.isCheckpointUnindexed
    })
    .toBe(true)
}

/** The index says another catalog from now on, as after a recovery on another machine. */
async function takeOver(): Promise<void> {
  const chatId = String(world.vault.chatId)
  const { index } = await createCatalogVault(world.catalog).knownChat(chatId)
  if (index === undefined) throw new Error('the chat has no index')
  const client = createTelegramClient({ token: world.vault.token, apiRoot: world.vault.emulator.url })
  await client.editDocument({
    ...{ chatId, messageId: index.messageId, fileName: 'index.zst.age', bytes: Buffer.from('theirs') },
    caption: writeIndexCaption({ catalog: { id: randomUUID(), generation: 1 }, edition: '1-00000000' }),
  })
}

it('a store erases no garbage in a chat that another catalog has taken over, where it may be needed', async () => {
  const { catalog, bucket, vault } = world
  const one = await world.open({ times: TIMES })
  void one.store.tend({ signal: NEVER })
  await changeBucket(catalog, bucket.id, { undeleteMs: 0 })
  await one.put('first', randomBytes(200_000))
  const before = world.packsInChat().length
  await removeForGood(one, 'first')
  // It has erased something before: so it has seen that the chat was its own.
  await expect
    .poll(async () => {
      await nameCheckpoint()
      return world.packsInChat().length
    })
    .toBeLessThan(before)

  await changeBucket(catalog, bucket.id, { undeleteMs: WEEK_MS })
  await one.put('second', randomBytes(200_000))
  await removeForGood(one, 'second')
  const dead = async () => {
    await nameCheckpoint()
    return await deadPacks(catalog, { bucketId: bucket.id, limit: 100 })
  }
  await expect.poll(async () => (await dead()).length).toBe(0)
  await takeOver()
  const there = world.packsInChat().map(({ message_id }) => message_id)
  const { inspect } = vault.emulator
  const calls = inspect.calls('deleteMessage') + inspect.calls('editMessageMedia')
  // The time for "undelete" ends for this catalog; the other one may have taken the object back.
  await changeBucket(catalog, bucket.id, { undeleteMs: 0 })
  await expect.poll(async () => (await dead()).length, { timeout: 20_000 }).toBeGreaterThan(3)
  world.lines.length = 0
  await expect.poll(() => world.lines.join('\n')).toContain('another catalog')
  expect(world.packsInChat().map(({ message_id }) => message_id)).toEqual(there)
  expect(inspect.calls('deleteMessage') + inspect.calls('editMessageMedia')).toBe(calls)
  for (const { state } of await dead()) expect(state).toBe('sent')
})
