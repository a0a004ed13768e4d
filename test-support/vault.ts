import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateIdentity } from '@telegram-backup/archive'
import { type Emulator, startEmulator } from '@telegram-backup/bot-api-emulator'
import { type Database, migrate, openDatabase } from '@telegram-backup/database'
import { BackupService, createTelegramClient, type TelegramClient } from 'telegram-deployment-bot'
import { newCatalog } from '#catalog-server.ts'

/** A chat, keys and a folder for one test file. */
export interface TestVault {
  folder: string
  emulator: Emulator
  token: string
  chatId: number
  identity: string
  recipient: string
  /** Gives up soon, so that tests of outages are fast. */
  client: TelegramClient
  service: BackupService
  /** The messages in the chat, without its index. */
  messageIds(): number[]
  close(): Promise<void>
}

/** Parts of 64 KiB, so that small sources have several. */
export const TEST_PART_SIZE_BYTES: number = 64 * 1024

export async function openTestVault(): Promise<TestVault> {
  const folder = await mkdtemp(join(tmpdir(), 'vault-test-'))
  const emulator = await startEmulator({ dataDir: join(folder, 'telegram') })
  const bot = emulator.createBot()
  const chat = emulator.createChat({ type: 'channel', title: 'Vault', administrators: [{ bot }] })
  const { identity, recipient } = await generateIdentity()
  process.env['BACKUP_SIGNING_KEY_FILE'] = join(folder, 'signing-key.pem')
  const client = createTelegramClient({
    token: bot.token,
    apiRoot: emulator.url,
    policy: { maxTries: 2, transferTries: 2, retryPauseMs: 5 },
  })
  const service = new BackupService({
    telegramClient: client,
    defaultChatId: String(chat.id),
    encryption: { recipients: [recipient] },
    partSizeBytes: TEST_PART_SIZE_BYTES,
  })
  return {
    folder,
    emulator,
    token: bot.token,
    chatId: chat.id,
    identity,
    recipient,
    client,
    service,
    messageIds: () =>
      emulator.inspect
        .messages(chat.id)
        .filter(({ caption }) => !caption?.includes('\ntelegram-backup 1 index '))
        .map(message => message.message_id),
    close: async () => {
      await emulator.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A migrated catalog; `discard` closes and removes it. */
export interface TestCatalog extends Database {
  /** Makes the command line use this catalog. */
  env: Record<string, string>
  discard(): Promise<void>
}

/** A new catalog: under vitest a database of the shared server, elsewhere its own embedded server. */
export async function openTestCatalog(): Promise<TestCatalog> {
  const served = await newCatalog()
  if (served === undefined) return await openEmbeddedTestCatalog()
  const database = await openDatabase({ url: served.url })
  return {
    ...database,
    env: { DATABASE_URL: served.url },
    discard: async () => {
      await database.close()
      await served.drop()
    },
  }
}

async function openEmbeddedTestCatalog(): Promise<TestCatalog> {
  const folder = await mkdtemp(join(tmpdir(), 'catalog-test-'))
  const database = await openDatabase({ dataDir: folder })
  await migrate(database)
  return {
    ...database,
    env: { TELEGRAM_BACKUP_HOME: folder },
    discard: async () => {
      await database.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
