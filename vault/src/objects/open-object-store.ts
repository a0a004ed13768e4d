import { join } from 'node:path'
import {
  DEFAULT_PART_SIZE_BYTES,
  loadOrCreateSigningKey,
  PackThread,
  readIdentityFile,
} from '@telegram-backup/archive'
import type { Database } from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'
import type { CallWait, TelegramClient } from 'telegram-deployment-bot'
import type { TelegramConfig } from 'telegram-deployment-bot/config'
import { createCatalogVault } from '#ledger/catalog-vault.ts'
import { CatalogObjectStore } from '#objects/catalog-object-store.ts'
import { FillingPacks } from '#objects/fill/filling-packs.ts'
import { ObjectWriter } from '#objects/fill/object-writer.ts'
import { PackWriter } from '#objects/fill/pack-writer.ts'
import { PackChats } from '#objects/messages/pack-chats.ts'
import { PackSender } from '#objects/messages/pack-sender.ts'
import { Writer } from '#objects/messages/writer.ts'
import type { ObjectStore } from '#objects/object-store.ts'
import { ObjectReader } from '#objects/read/object-reader.ts'
import { OpenedPacks } from '#objects/read/opened-packs.ts'
import { PackCache } from '#objects/read/pack-cache.ts'
import { PackDocuments } from '#objects/read/pack-documents.ts'
import { SecondChat } from '#objects/reconcile/second-chat.ts'
import { BucketTender } from '#objects/tend/tend-buckets.ts'
import { UPKEEP_TIMES, type UpkeepTimes, type UpkeepTools } from '#objects/tend/upkeep.ts'
import { openSession } from '#session/open-session.ts'

export type ObjectStoreConfig = Pick<
  TelegramConfig,
  | 'chatId'
  | 'replicaChatId'
  | 'encryption'
  | 'identityFile'
  | 'signingKeyFile'
  | 'partSizeBytes'
  | 'stateFolder'
>

export interface ObjectStoreOptions {
  database: Database
  client: TelegramClient
  config: ObjectStoreConfig
  /** Of packs on disk, in bytes; 0 keeps none. */
  cacheBytes: number
  /** Ends all work at once. `close` is the orderly way. */
  signal: AbortSignal
  /** Called with a line of text. */
  log: (line: string) => void
  onWait?: ((wait: CallWait) => void) | undefined
  /** When `tend` does what. Default: `UPKEEP_TIMES`. */
  times?: UpkeepTimes | undefined
}

/** Packs that are read at once, or were just now. */
const OPENED_PACKS = 3

/**
 * Opens the store; makes no call yet. Throws `CONFIGURATION` without a chat, and `NO_KEY` without a public
 * key: nothing is stored unencrypted by mistake.
 */
export async function openObjectStore(options: ObjectStoreOptions): Promise<ObjectStore> {
  const { database, client, config, signal, log, onWait } = options
  const { chatId, encryption, identityFile } = config
  // A larger part is for servers of one's own; several packs are in memory at once.
  const packSizeBytes = Math.min(config.partSizeBytes ?? DEFAULT_PART_SIZE_BYTES, DEFAULT_PART_SIZE_BYTES)
  if (chatId === undefined) {
    throw new BackupError('There is no chat to store objects in', {
      code: 'CONFIGURATION',
      hint: 'Set TELEGRAM_CHAT_ID.',
    })
  }
  if (encryption === undefined) {
    throw new BackupError('There is no key to encrypt objects with', {
      code: 'NO_KEY',
      hint: hint`Run "${run('keygen')}", and set BACKUP_AGE_RECIPIENTS.`,
    })
  }
  const signingKey = await loadOrCreateSigningKey(config.signingKeyFile)
  const vault = createCatalogVault(database)
  const chats = new PackChats({ client, vault, encryption, signingKey, signal, onWait })
  const tools = { database, client, vault, chats, chatId, log, signal, onWait }
  const writer = new Writer(database)
  const sender = new PackSender({ ...tools, encryption, signingKey, writer, chat: chatId })
  const { replicaChatId } = config
  const secondChat =
    replicaChatId === undefined ? undefined : new SecondChat({ ...tools, writer, replicaChatId })
  const packWriter = new PackWriter({
    database,
    sender,
    signal,
    waitForCopy: async packId => await secondChat?.waitForPack(packId),
  })
  const work = new PackThread()
  const seal = { encryption, signingKey, packSizeBytes, work }
  const packs = new FillingPacks({
    takeTurn: () => sender.takeTurn({ signal }),
    send: (pack, turn) => packWriter.send(pack, turn),
    options: seal,
  })
  const folder = join(config.stateFolder, 'cache', 'packs')
  const cache = new PackCache({ folder, maxBytes: options.cacheBytes, log })
  const documents = new PackDocuments({ ...tools, cache })
  const opened = new OpenedPacks({
    atOnce: OPENED_PACKS,
    fetch: (pack, of) => documents.fetch(pack, of),
    identities: async () => (identityFile === undefined ? [] : await readIdentityFile(identityFile)),
    work,
  })
  const hasIdentity = identityFile !== undefined
  const reader = new ObjectReader({ database, packs: opened, hasIdentity })
  const objects = new ObjectWriter({ database, packs, writer, packSizeBytes, secondChat })
  const upkeep: UpkeepTools = {
    ...{ ...tools, sender, packs, reader, seal, hasIdentity, writer, packWriter, secondChat },
    times: options.times ?? UPKEEP_TIMES,
    openSession: () => openSession({ database, client, config, signal, say: log }),
  }
  const tender = new BucketTender(upkeep)
  return new CatalogObjectStore({ database, writer, packs, opened, objects, reader, tender, work })
}
