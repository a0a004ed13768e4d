import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoredMessage } from '@telegram-backup/bot-api-emulator'
import { type Bucket, type BucketSettings, createBucket } from '@telegram-backup/database'
import {
  openTestCatalog,
  openTestVault,
  TEST_PART_SIZE_BYTES,
  type TestCatalog,
  type TestVault,
} from '@telegram-backup/test-support/vault.ts'
import { createTelegramClient } from 'telegram-deployment-bot'
import type { ObjectStore, PutObject } from '#objects/object-store.ts'
import {
  type ObjectStoreConfig,
  type ObjectStoreOptions,
  openObjectStore,
} from '#objects/open-object-store.ts'
import { bodyOf, NEVER } from '#test/objects/bodies.ts'

/** A chat, a catalog and one bucket, for stores of several processes. */
export interface StoreWorld {
  vault: TestVault
  catalog: TestCatalog
  bucket: Bucket
  lines: string[]
  /** A store of another process: it shares nothing with the others but chat and catalog. */
  open(options?: StoreSettings): Promise<OpenStore>
  /** The configuration of another process. */
  config(settings?: StoreSettings): ObjectStoreConfig
  newBucket(name: string, settings?: BucketSettings): Promise<Bucket>
  /** Messages with packs, oldest first. */
  packsInChat(): StoredMessage[]
  close(): Promise<void>
}

export interface StoreSettings extends Partial<ObjectStoreOptions> {
  messagesPerMinute?: number | undefined
  partSizeBytes?: number | undefined
  withoutIdentity?: boolean | undefined
  replicaChatId?: string | undefined
}

/** A store, and short ways to use it. */
export interface OpenStore {
  store: ObjectStore
  /** Ends it as a crash would: nothing is sent or released. */
  stop: AbortController
  put(key: string, content: Buffer | string, more?: Partial<PutObject>): Promise<void>
  read(key: string, range?: { start: number; end: number }): Promise<Buffer>
  keys(prefix?: string): Promise<string[]>
}

export async function openStoreWorld(settings: BucketSettings = {}): Promise<StoreWorld> {
  const vault = await openTestVault()
  const catalog = await openTestCatalog()
  const database = catalog
  const identityFile = join(vault.folder, 'identity.txt')
  await writeFile(identityFile, `${vault.identity}\n`)
  const lines: string[] = []
  const opened: OpenStore[] = []
  let processes = 0
  const newBucket = (name: string, of: BucketSettings = {}): Promise<Bucket> =>
    createBucket(database, { name, kind: 'restic', projectId: 'shop', ...of })
  const bucket = await newBucket('photos', settings)
  const config = ({
    partSizeBytes,
    withoutIdentity,
    replicaChatId,
  }: StoreSettings = {}): ObjectStoreConfig => ({
    chatId: String(vault.chatId),
    replicaChatId,
    encryption: { recipients: [vault.recipient] },
    identityFile: withoutIdentity ? undefined : identityFile,
    signingKeyFile: join(vault.folder, 'signing-key.pem'),
    partSizeBytes: partSizeBytes ?? TEST_PART_SIZE_BYTES,
    stateFolder: join(vault.folder, `process-${++processes}`),
  })
  return {
    vault,
    catalog,
    config,
    bucket,
    lines,
    newBucket,
    open: async ({
      messagesPerMinute = 0,
      partSizeBytes,
      withoutIdentity,
      replicaChatId,
      ...options
    } = {}) => {
      const stop = new AbortController()
      const client = createTelegramClient({
        token: vault.token,
        apiRoot: vault.emulator.url,
        messagesPerMinute,
        policy: { maxTries: 2, transferTries: 2, retryPauseMs: 5 },
      })
      const store = await openObjectStore({
        database,
        client,
        config: config({ partSizeBytes, withoutIdentity, replicaChatId }),
        cacheBytes: 64 * 1024 * 1024,
        signal: stop.signal,
        log: line => lines.push(line),
        ...options,
      })
      const one = openStore(store, stop, bucket)
      opened.push(one)
      return one
    },
    packsInChat: () =>
      vault.emulator.inspect.messages(vault.chatId).filter(({ caption }) => caption?.includes(' pack=')),
    close: async () => {
      for (const { store, stop } of opened) {
        stop.abort()
        await store.close({ graceMs: 5_000 })
      }
      await catalog.discard()
      await vault.close()
    },
  }
}

function openStore(store: ObjectStore, stop: AbortController, bucket: Bucket): OpenStore {
  return {
    store,
    stop,
    put: async (key, content, more = {}) => {
      await store.put(bucket, { key, body: bodyOf(Buffer.from(content)), ...more }, { signal: NEVER })
    },
    read: async (key, range) => await whole((await store.get(bucket, key, { range, signal: NEVER })).body),
    keys: async (prefix = '') => {
      const keys: string[] = []
      for await (const page of store.list(bucket, { prefix })) keys.push(...page.map(({ key }) => key))
      return keys
    },
  }
}

export async function whole(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of body) pieces.push(piece)
  return Buffer.concat(pieces)
}

export function sha256(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex')
}
