import { randomUUID } from 'node:crypto'
import {
  assertRecipient,
  DEFAULT_PART_SIZE_BYTES,
  type Encryption,
  loadOrCreateSigningKey,
  MAX_PART_SIZE_BYTES,
  type Manifest,
  MIN_PART_SIZE_BYTES,
  type SigningKey,
} from '@telegram-backup/archive'
import { hint, run } from '@telegram-backup/errors'
import { PUBLIC_FETCH_LIMIT_BYTES, type TelegramClient } from '#bot-api/telegram-client.ts'
import { readTelegramConfig, type TelegramConfig } from '#config.ts'
import { cleanText } from '#messages/captions.ts'
import {
  type BackupLabels,
  type BackupSendResult,
  BackupType,
  type SendProgress,
} from '#services/backup-metadata.ts'
import { assertGivenFile, type GivenFile, givenSource } from '#services/backup-source.ts'
import { type IndexRefresh, refreshIndex } from '#services/chat-index.ts'
import {
  type FetchBackupOptions,
  type FetchIntoOptions,
  fetchPlainBytes,
  fetchPlainBytesInto,
} from '#services/fetch-backup.ts'
import { type FetchManifestOptions, fetchManifest } from '#services/fetch-manifest.ts'
import { openFile } from '#services/file-source.ts'
import type { PartLedger } from '#services/part-ledger.ts'
import { isFirstChat } from '#services/replica.ts'
import type { ResumedSend } from '#services/resumed-send.ts'
import { runSend } from '#services/send-run.ts'
import type { SendRunOptions } from '#services/send-run-options.ts'
import type { VaultLedger } from '#services/vault-ledger.ts'
import { TelegramError } from '#telegram-error.ts'

/** Defaults come from the environment (`contract.md`'s table). */
export interface BackupServiceOptions {
  telegramClient: TelegramClient
  /** Numeric or `@name`. */
  defaultChatId?: string | undefined
  /** A second chat, which gets a copy of every message of a recorded backup. */
  replicaChatId?: string | undefined
  /** Public keys, or `'off'` by name. Without either, sending is refused. */
  encryption?: Encryption
  signingKey?: SigningKey
  /** Of a part as sent, at most. */
  partSizeBytes?: number
  /** Parallel uploads, 1 to 4; default 3. */
  partsInFlight?: number
}

export interface SendBackupOptions {
  /** `[A-Za-z0-9][A-Za-z0-9._-]{0,63}` without `..`. */
  projectId: string
  type: BackupType
  /** A Readable is always destroyed, and a source closed, also when the send is refused. */
  file: GivenFile
  /** Of the plain bytes; default: that of the path or source. */
  filename?: string | undefined
  /** Cut to fit Telegram's 1024 characters. */
  caption?: string | undefined
  /** For the manifest. */
  labels?: BackupLabels | undefined
  chatId?: string | undefined
  expiresAt?: Date | undefined
  signal?: AbortSignal | undefined
  /** An error that it throws fails the send. */
  onProgress?: ((progress: SendProgress) => void) | undefined
  /** Records what is sent; without one, only the answer is known. */
  ledger?: PartLedger | undefined
  /** Resumes an unfinished backup; `file` is the same file, unchanged. Needs a ledger. */
  resume?: ResumedSend | undefined
}

/** Where and how a send goes. */
export type SendSettings = Pick<
  SendRunOptions,
  'chat' | 'replicaChat' | 'encryption' | 'partSizeBytes' | 'partsInFlight'
>

const PROJECT_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const DEFAULT_PARTS_IN_FLIGHT = 3
const MAX_PARTS_IN_FLIGHT = 4

export class BackupService {
  readonly #options: BackupServiceOptions

  constructor(options: BackupServiceOptions) {
    this.#options = options
  }

  /** Sends one backup, complete and proven, or nothing. Resolves also on failure. */
  async sendBackup(options: SendBackupOptions): Promise<BackupSendResult> {
    let source = givenSource(options.file, options)
    try {
      const plan = await this.#plan(options)
      source ??= await openFile(String(options.file), options)
      assertFilename(source.filename)
      return await runSend({ ...plan, source })
    } catch (error) {
      return { success: false, error: error instanceof Error ? error.message : String(error), cause: error }
    } finally {
      await source?.close()
    }
  }

  /**
   * The plain bytes of a backup. Each part is verified before its bytes come out. Leaving the loop ends the
   * downloads. Throws `NO_KEY` at the call; while iterating `INTEGRITY`, `WRONG_KEY`, `CANCELLED` and the
   * client's errors.
   */
  fetchBackup(options: FetchBackupOptions): AsyncIterable<Buffer> {
    return fetchPlainBytes(this.#options.telegramClient, options)
  }

  /**
   * The same into an open file, from its current position. Written bytes are right, but complete only when
   * this resolves: the caller then names the file, or else removes it.
   */
  fetchBackupInto(fd: number, options: FetchIntoOptions): Promise<{ plainSize: number }> {
    return fetchPlainBytesInto(this.#options.telegramClient, fd, options)
  }

  /**
   * A backup's manifest of the recorded size and SHA-256, and the fingerprint of its signer. Throws `NO_KEY`,
   * `INTEGRITY`, `WRONG_KEY`, `CANCELLED` and the client's errors.
   */
  fetchManifest(options: FetchManifestOptions): Promise<{ manifest: Manifest; signer: string }> {
    return fetchManifest(this.#options.telegramClient, options)
  }

  /**
   * S10: brings a chat's index up to date with the catalog. Throws the client's errors, `CONFIGURATION` when
   * the chat is not this catalog's, and the ledger's errors.
   */
  async refreshIndex(options: {
    /** Numeric, as text. */
    chatId: string
    vault: VaultLedger
    signal?: AbortSignal | undefined
  }): Promise<IndexRefresh> {
    const { vault, ...of } = options
    const config = readTelegramConfig()
    const encryption = this.#encryption(config)
    const signingKey = await this.#signingKey(config)
    return refreshIndex(this.#options.telegramClient, vault, { ...of, encryption, signingKey })
  }

  /** Throws `INVALID` and `CONFIGURATION`, as `sendBackup` does before it opens or asks anything. */
  async #plan(options: SendBackupOptions): Promise<Omit<SendRunOptions, 'source'>> {
    assertGivenFile(options.file)
    const checked = this.check(options)
    const signingKey = await this.#signingKey(readTelegramConfig())
    return {
      ...{ ...checked, signingKey },
      client: this.#options.telegramClient,
      ledger: options.ledger,
      id: options.resume?.backupId ?? randomUUID(),
      resume: options.resume,
      projectId: options.projectId,
      type: options.type,
      labels: options.labels ?? {},
      caption: options.caption === undefined ? undefined : cleanText(options.caption),
      expiresAt: options.expiresAt,
      signal: options.signal,
      onProgress: options.onProgress,
    }
  }

  /**
   * The settings of a send. Throws `INVALID` and `CONFIGURATION`, as `sendBackup` does before it opens or
   * asks anything. Makes nothing.
   */
  check(options: Omit<SendBackupOptions, 'file'>): SendSettings {
    const { telegramClient, defaultChatId } = this.#options
    const config = readTelegramConfig()
    const replicaChat = this.#options.replicaChatId || config.replicaChatId
    assertProjectId(options.projectId)
    assertType(options.type)
    assertTime(options.expiresAt)
    assertFilename(options.filename)
    assertCaption(options.caption)
    const chat = options.chatId || defaultChatId || config.chatId
    if (!chat) {
      throw new TelegramError('No chat is configured', {
        code: 'CONFIGURATION',
        hint: 'Set TELEGRAM_CHAT_ID.',
      })
    }
    if (replicaChat === chat) throw isFirstChat()
    const encryption = this.#encryption(config)
    const partSizeBytes = this.#options.partSizeBytes ?? config.partSizeBytes ?? DEFAULT_PART_SIZE_BYTES
    assertPartSize(partSizeBytes, telegramClient)
    const partsInFlight = this.#options.partsInFlight ?? DEFAULT_PARTS_IN_FLIGHT
    assertPartsInFlight(partsInFlight)
    return { chat, replicaChat, encryption, partSizeBytes, partsInFlight }
  }

  #encryption(config: TelegramConfig): Encryption {
    const encryption = this.#options.encryption ?? config.encryption
    if (encryption === undefined) {
      throw new TelegramError('No encryption key is configured, and clear text is never sent by default', {
        code: 'CONFIGURATION',
        hint: hint`Set BACKUP_AGE_RECIPIENTS to the public key that your key file names; "${run('keygen', { out: 'backup-key.txt' })}" makes one.`,
      })
    }
    if (encryption !== 'off') for (const recipient of encryption.recipients) assertRecipient(recipient)
    return encryption
  }

  async #signingKey(config: TelegramConfig): Promise<SigningKey> {
    return this.#options.signingKey ?? loadOrCreateSigningKey(config.signingKeyFile)
  }
}

/** Throws `INVALID` unless the id can be used in file names, captions and paths. */
export function assertProjectId(projectId: unknown): asserts projectId is string {
  if (typeof projectId === 'string' && PROJECT_ID.test(projectId) && !projectId.includes('..')) return
  throw new TelegramError('The project id is not a valid one', {
    code: 'INVALID',
    hint: 'Use 1 to 64 letters, digits, ".", "_" or "-", beginning with a letter or digit, without "..".',
  })
}

/** Throws `INVALID`. */
export function assertType(type: unknown): asserts type is BackupType {
  const types: unknown[] = Object.values(BackupType)
  if (types.includes(type)) return
  throw new TelegramError('The backup type is unknown', {
    code: 'INVALID',
    hint: `Use one of: ${types.join(', ')}.`,
  })
}

function assertCaption(caption: unknown): void {
  if (caption === undefined || typeof caption === 'string') return
  throw new TelegramError('The caption is not a text', { code: 'INVALID' })
}

function assertFilename(filename: unknown): void {
  const isName =
    typeof filename === 'string' && filename !== '' && filename.isWellFormed() && !/\p{Cc}/u.test(filename)
  if (filename === undefined || isName) return
  throw new TelegramError('The file name is empty, or holds control characters', { code: 'INVALID' })
}

/** ISO 8601 and PostgreSQL have no greater year without a sign. */
const LAST_YEAR = 9999

function assertTime(expiresAt: unknown): void {
  const isTime = expiresAt instanceof Date && Math.abs(expiresAt.getUTCFullYear()) <= LAST_YEAR
  if (expiresAt === undefined || isTime) return
  throw new TelegramError('The time of expiry is not a valid Date', { code: 'INVALID' })
}

function assertPartSize(partSizeBytes: number, client: TelegramClient): void {
  const maxBytes = client.usesPublicServer ? PUBLIC_FETCH_LIMIT_BYTES : MAX_PART_SIZE_BYTES
  const isTooLarge = partSizeBytes > maxBytes
  if (Number.isInteger(partSizeBytes) && partSizeBytes >= MIN_PART_SIZE_BYTES && !isTooLarge) return
  throw new TelegramError(
    isTooLarge
      ? `Parts of ${partSizeBytes} bytes could be uploaded, but never fetched back`
      : `A part cannot have ${partSizeBytes} bytes`,
    {
      code: 'CONFIGURATION',
      hint: `Set TELEGRAM_PART_SIZE to a number from ${MIN_PART_SIZE_BYTES} to ${maxBytes}, or unset it.`,
    },
  )
}

function assertPartsInFlight(partsInFlight: number): void {
  if (Number.isInteger(partsInFlight) && partsInFlight >= 1 && partsInFlight <= MAX_PARTS_IN_FLIGHT) return
  throw new TelegramError(`${partsInFlight} parts cannot be in flight at once`, {
    code: 'CONFIGURATION',
    hint: `Choose 1 to ${MAX_PARTS_IN_FLIGHT}: Telegram throttles more uploads of like size.`,
  })
}
