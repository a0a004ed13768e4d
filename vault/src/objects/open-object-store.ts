import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DEFAULT_PART_SIZE_BYTES, loadOrCreateSigningKey, readIdentityFile } from '@telegram-backup/archive'
import {
  type Bucket,
  bucketByName,
  type Database,
  deleteObject,
  listObjects,
  type ObjectVersion,
} from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'
import type { CallWait, TelegramClient } from 'telegram-deployment-bot'
import type { TelegramConfig } from 'telegram-deployment-bot/config'
import { createCatalogVault } from '#ledger/catalog-vault.ts'
import { FillingPacks } from '#objects/filling-packs.ts'
import { ObjectReader } from '#objects/object-reader.ts'
import type { GetOptions, ListedObject, ObjectStore, PutObject } from '#objects/object-store.ts'
import { ObjectWriter } from '#objects/object-writer.ts'
import { OpenedPacks } from '#objects/opened-packs.ts'
import { PackCache } from '#objects/pack-cache.ts'
import { PackDocuments } from '#objects/pack-documents.ts'
import { PackSender } from '#objects/pack-sender.ts'
import { PackWriter } from '#objects/pack-writer.ts'
import { Writer } from '#objects/writer.ts'

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
}

/** Packs that are read at once, or were just now. */
const OPENED_PACKS = 4
/** A page of a list. */
const LISTED_AT_ONCE = 5_000

/**
 * Opens the store; makes no call yet. Throws `CONFIGURATION` without a chat, and `NO_KEY` without a public key:
 * nothing is stored unencrypted by mistake.
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
  const writer = new Writer(database)
  const sender = new PackSender({
    database,
    client,
    vault,
    encryption,
    signingKey,
    signal,
    onWait,
    writer,
    chat: chatId,
  })
  const packWriter = new PackWriter({ database, sender, signal, onCommitted: async () => {} })
  const packs = new FillingPacks({
    takeTurn: () => sender.takeTurn({ signal }),
    send: (pack, turn) => packWriter.send(pack, turn),
    options: { encryption, signingKey, packSizeBytes },
  })
  const cache = new PackCache({
    folder: join(config.stateFolder, 'cache', 'packs'),
    maxBytes: options.cacheBytes,
    log,
  })
  const documents = new PackDocuments({ database, client, vault, cache, log, signal })
  const identities = async (): Promise<readonly string[]> =>
    identityFile === undefined ? [] : await readIdentityFile(identityFile)
  const opened = new OpenedPacks({
    memoryBytes: OPENED_PACKS * packSizeBytes,
    fetch: pack => documents.fetch(pack),
    identities,
  })
  return new CatalogObjectStore({
    database,
    writer,
    packs,
    opened,
    objects: new ObjectWriter({ database, packs, writer, packSizeBytes }),
    reader: new ObjectReader({ database, packs: opened, hasIdentity: identityFile !== undefined }),
  })
}

interface StoreParts {
  database: Database
  writer: Writer
  packs: FillingPacks
  opened: OpenedPacks
  objects: ObjectWriter
  reader: ObjectReader
}

class CatalogObjectStore implements ObjectStore {
  readonly #parts: StoreParts
  #isClosing = false

  constructor(parts: StoreParts) {
    this.#parts = parts
  }

  async bucket(name: string): Promise<Bucket> {
    const bucket = await bucketByName(this.#parts.database, name)
    if (bucket !== null) return bucket
    throw new BackupError(`There is no bucket ${name}`, { code: 'NOT_FOUND' })
  }

  async put(bucket: Bucket, object: PutObject, { signal }: { signal: AbortSignal }): Promise<ObjectVersion> {
    if (this.#isClosing) throw new BackupError('The store of objects is closing', { code: 'CANCELLED' })
    return await this.#parts.objects.put(bucket, object, signal)
  }

  async head(bucket: Bucket, key: string): Promise<ObjectVersion> {
    return (await this.#parts.reader.find(bucket, key)).object
  }

  async get(
    bucket: Bucket,
    key: string,
    options: GetOptions,
  ): Promise<{ object: ObjectVersion; body: AsyncIterable<Buffer> }> {
    return await this.#parts.reader.get(bucket, key, options)
  }

  async *list(
    { id: bucketId }: Bucket,
    { prefix, after }: { prefix: string; after?: string | undefined },
  ): AsyncIterable<ListedObject[]> {
    let last = after
    for (;;) {
      const page = await listObjects(this.#parts.database, {
        ...{ bucketId, prefix, after: last, limit: LISTED_AT_ONCE },
      })
      if (page.length > 0) yield page
      if (page.length < LISTED_AT_ONCE) return
      last = page.at(-1)?.key
    }
  }

  async delete({ id: bucketId }: Bucket, key: string): Promise<boolean> {
    return (await deleteObject(this.#parts.database, { bucketId, key })) !== null
  }

  async close({ graceMs }: { graceMs: number }): Promise<void> {
    this.#isClosing = true
    const { packs, opened, writer } = this.#parts
    await withinGrace(packs.idle(), graceMs)
    opened.close()
    await writer.close()
  }
}

/** Resolves when `work` has ended, or the time has passed. */
async function withinGrace(work: Promise<unknown>, graceMs: number): Promise<void> {
  const ended = new AbortController()
  const limit = sleep(graceMs, undefined, { signal: ended.signal, ref: false }).catch(() => {})
  await Promise.race([work, limit])
  ended.abort()
}
