import { randomBytes } from 'node:crypto'
import { TEST_PART_SIZE_BYTES } from '@telegram-backup/test-support/vault.ts'
import { BackupService, createTelegramClient } from 'telegram-deployment-bot'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { bodyOf, NEVER } from '#test/objects/bodies.ts'
import { openStoreWorld, type StoreWorld } from '#test/objects/store-world.ts'

const MESSAGES_PER_MINUTE = 30
const BACKUP_PARTS = 4

let world: StoreWorld
beforeEach(async () => {
  world = await openStoreWorld()
})
afterEach(() => world.close())

it('a bucket that stores more than the pace allows leaves their turns to another bucket and to a backup', async () => {
  const { vault, bucket } = world
  const { token, chatId, recipient, emulator } = vault
  const client = createTelegramClient({
    ...{ token, apiRoot: emulator.url },
    messagesPerMinute: MESSAGES_PER_MINUTE,
  })
  const { store } = await world.open({ client })
  const other = await world.newBucket('other')
  const gone = new AbortController()
  // Each object needs three packs of its own.
  const put = (into: typeof bucket, key: string, signal: AbortSignal): Promise<unknown> =>
    store.put(into, { key, body: bodyOf(randomBytes(2 * TEST_PART_SIZE_BYTES)) }, { signal })
  const flood = Array.from({ length: MESSAGES_PER_MINUTE }, (_, no) => put(bucket, `data/${no}`, gone.signal))
  const flooded = Promise.allSettled(flood)
  await expect.poll(() => world.packsInChat().length).toBeGreaterThanOrEqual(MESSAGES_PER_MINUTE - 3)

  const service = new BackupService({
    telegramClient: client,
    defaultChatId: String(chatId),
    encryption: { recipients: [recipient] },
    partSizeBytes: TEST_PART_SIZE_BYTES,
  })
  const file = randomBytes((BACKUP_PARTS - 0.5) * TEST_PART_SIZE_BYTES)
  const [backup] = await Promise.all([
    service.sendBackup({ projectId: 'shop', type: 'logs', file }),
    put(other, 'data/a', NEVER),
  ])
  expect(backup).toMatchObject({ success: true })
  const captions = emulator.inspect.messages(chatId).map(({ caption = '' }) => caption)
  gone.abort()
  await flooded

  const isOther = (caption: string): boolean => caption.includes(` bucket=${other.id} `)
  const isBackup = (caption: string): boolean =>
    / (part|manifest)/.test(caption) && !caption.includes(' pack=')
  // All doors are one flow, and each backup is one. Three packs of doors are under way at once, and a part of
  // the backup that is not made yet gives its turn away.
  expect(longestWait(captions, isBackup)).toBeLessThanOrEqual(6)
  // A bucket fills at most three of the five packs that there is memory for; the backup has its turns
  // besides.
  expect(longestWait(captions, isOther)).toBeLessThanOrEqual(10)
  expect(captions.findIndex(isOther) - captions.findIndex(isBackup)).toBeLessThanOrEqual(20)
  expect(captions.filter(isBackup).length).toBeGreaterThanOrEqual(BACKUP_PARTS)
  expect(captions.filter(isOther).length).toBeGreaterThanOrEqual(2)
})

/** Messages of others between two that are meant, at most. */
function longestWait(captions: readonly string[], isMeant: (caption: string) => boolean): number {
  const places = captions.flatMap((caption, at) => (isMeant(caption) ? [at] : []))
  return Math.max(...places.slice(1).map((at, no) => at - (places[no] ?? at) - 1))
}
