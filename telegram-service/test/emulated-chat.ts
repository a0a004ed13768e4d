import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateIdentity, loadOrCreateSigningKey, type SigningKey } from '@telegram-backup/archive'
import {
  type Emulator,
  type EmulatorLimits,
  prepareWorld,
  type StoredMessage,
  startEmulator,
} from '@telegram-backup/bot-api-emulator'
import { onTestFinished } from 'vitest'
import {
  type BackupMetadata,
  BackupService,
  type BackupServiceOptions,
  createTelegramClient,
  type TelegramClient,
  type TelegramClientOptions,
} from '#index.ts'

/** Smaller parts make many of them out of little. */
export const PART_SIZE_BYTES: number = 64 * 1024

/**
 * A channel at the emulator, a bot that may do everything in it, and what belongs to sending and fetching.
 */
export interface EmulatedChat {
  readonly emulator: Emulator
  readonly token: string
  readonly botId: number
  readonly chatId: number
  /** For the test's own files; removed in the end. */
  readonly folder: string
  readonly identity: string
  readonly client: TelegramClient
  readonly service: BackupService
  createClient(options?: Partial<TelegramClientOptions>): TelegramClient
  createService(options?: Partial<BackupServiceOptions>): BackupService
  messages(): StoredMessage[]
  /** Fetches a backup as its metadata describes it. */
  fetch(metadata: BackupMetadata, signal?: AbortSignal): AsyncIterable<Buffer>
}

/** Starts an emulator for one test, which ends with it. */
export async function emulatedChat(limits: Partial<EmulatorLimits> = {}): Promise<EmulatedChat> {
  const emulator = await startEmulator({ limits })
  onTestFinished(() => emulator.close())
  const folder = await mkdtemp(join(tmpdir(), 'telegram-service-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const { bot, chat } = prepareWorld(emulator)
  const { identity, recipient } = await sharedIdentity()
  const signingKey = await sharedSigningKey()
  const createClient: EmulatedChat['createClient'] = options =>
    createTelegramClient({
      token: bot.token,
      apiRoot: emulator.url,
      messagesPerMinute: 0,
      policy: QUICK_POLICY,
      ...options,
    })
  const client = createClient()
  const createService: EmulatedChat['createService'] = options =>
    new BackupService({
      telegramClient: client,
      defaultChatId: String(chat.id),
      encryption: { recipients: [recipient] },
      signingKey,
      partSizeBytes: PART_SIZE_BYTES,
      ...options,
    })
  const service = createService()
  return {
    emulator,
    token: bot.token,
    botId: bot.id,
    chatId: chat.id,
    folder,
    identity,
    client,
    service,
    createClient,
    createService,
    messages: () => emulator.inspect.messages(chat.id),
    fetch: (metadata, signal) =>
      service.fetchBackup({ ...fetchable(metadata), identities: [identity], signal }),
  }
}

/** No test needs to wait as long as a network does. */
export const QUICK_POLICY = { maxTries: 4, transferTries: 4, retryPauseMs: 1 }

/** What `fetchBackup` needs to know of a backup. */
export function fetchable(metadata: BackupMetadata): {
  backupId: string
  parts: { number: number; fileId: string; size: number; sha256: string }[]
  encrypted: boolean
} {
  return { backupId: metadata.id, parts: metadata.parts ?? [], encrypted: metadata.encrypted ?? false }
}

/** All bytes of a stream of buffers. */
export async function collect(bytes: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of bytes) pieces.push(piece)
  return Buffer.concat(pieces)
}

let identityOfAll: ReturnType<typeof generateIdentity> | undefined
function sharedIdentity(): ReturnType<typeof generateIdentity> {
  identityOfAll ??= generateIdentity()
  return identityOfAll
}

let signingKeyOfAll: Promise<SigningKey> | undefined
/** One key for all tests of a file. */
export function sharedSigningKey(): Promise<SigningKey> {
  signingKeyOfAll ??= createSigningKey()
  return signingKeyOfAll
}

async function createSigningKey(): Promise<SigningKey> {
  const folder = await mkdtemp(join(tmpdir(), 'telegram-service-key-'))
  const key = await loadOrCreateSigningKey(join(folder, 'signing-key.pem'))
  await rm(folder, { recursive: true })
  return key
}
