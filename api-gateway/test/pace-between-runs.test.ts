import { randomBytes } from 'node:crypto'
import type { EmulatedBot } from '@telegram-backup/bot-api-emulator'
import { type Database, getBackupStats } from '@telegram-backup/database'
import {
  openTestCatalog,
  openTestVault,
  TEST_PART_SIZE_BYTES,
  type TestVault,
} from '@telegram-backup/test-support/vault.ts'
import { BackupService, createTelegramClient } from 'telegram-deployment-bot'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { BackupTelegramIntegration } from '#lib/backups/backup-telegram.integration.ts'

let vault: TestVault
let database: Database & { discard(): Promise<void> }

beforeAll(async () => {
  vault = await openTestVault()
  database = await openTestCatalog()
})

afterAll(async () => {
  await database.discard()
  await vault.close()
})

/** A run of its own, as another process would be: its client knows nothing of the one before. */
function run(messagesPerMinute = 5): BackupTelegramIntegration {
  const telegramClient = createTelegramClient({
    token: vault.token,
    apiRoot: vault.emulator.url,
    messagesPerMinute,
  })
  const service = new BackupService({
    telegramClient,
    defaultChatId: String(vault.chatId),
    encryption: { recipients: [vault.recipient] },
    partSizeBytes: TEST_PART_SIZE_BYTES,
  })
  return new BackupTelegramIntegration(service, { database })
}

it('a run keeps the pace of the chat together with the run before it', async () => {
  const first = await run().sendAndRecord({ projectId: 'p', type: 'storage', file: Buffer.from('small') })
  expect(first.success).toBe(true)
  // The part, the manifest, and the chat's index, which only the run that makes it counts.
  expect(vault.emulator.inspect.calls('sendDocument')).toBe(3)

  const stop = new AbortController()
  let sentAtWait: number | undefined
  const second = await run().sendAndRecord({
    projectId: 'p',
    type: 'storage',
    file: randomBytes(8 * TEST_PART_SIZE_BYTES),
    signal: stop.signal,
    onProgress: ({ wait }) => {
      if (wait?.reason !== 'pace') return
      sentAtWait ??= vault.emulator.inspect.calls('sendDocument')
      stop.abort()
    },
  })
  expect(second).toMatchObject({ success: false, code: 'CANCELLED' })
  expect(sentAtWait).toBeLessThanOrEqual(6)
  expect(vault.emulator.inspect.calls('sendDocument')).toBeLessThanOrEqual(6)
  expect((await getBackupStats(database)).total_backups).toBe(1)
})

it('a second run of one client does not count again what the first sent', async () => {
  const chatId = String(
    vault.emulator.createChat({
      type: 'channel',
      title: 'Other',
      administrators: [{ bot: vault.emulator.inspect.bots()[0] as EmulatedBot }],
    }).id,
  )
  const integration = run(6)
  const waits: string[] = []
  for (let backup = 0; backup < 2; backup++) {
    const sent = await integration.sendAndRecord({
      projectId: 'p',
      type: 'storage',
      file: Buffer.from('small'),
      chatId,
      onProgress: ({ wait }) => {
        if (wait) waits.push(wait.reason)
      },
    })
    expect(sent.success).toBe(true)
  }
  // Two parts, two manifests, the index and one look are what a minute holds.
  expect(waits).toEqual([])
})
