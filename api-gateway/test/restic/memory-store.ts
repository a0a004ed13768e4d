import { createHash, randomUUID } from 'node:crypto'
import { type Bucket, bucketByName, type Database, type ObjectVersion } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import type { ListedObject, PutObject } from '@telegram-backup/vault/objects/object-store.ts'
import type { FileStore } from '#restic/files.ts'

/** What the store is to do instead of its work. */
interface Faults {
  put?: (object: PutObject, signal: AbortSignal) => Promise<void>
  get?: (bytes: Buffer) => AsyncIterable<Buffer>
  list?: () => void
}

interface StoredObject {
  version: ObjectVersion
  bytes: Buffer
  where: PutObject['where']
}

/** Objects in memory, by the contract of `ObjectStore`: what the door does is tested without a chat. */
export class MemoryStore implements FileStore {
  readonly #database: Database
  readonly objects: Map<string, StoredObject> = new Map()
  faults: Faults = {}

  constructor(database: Database) {
    this.#database = database
  }

  async bucket(name: string): Promise<Bucket> {
    return (await bucketByName(this.#database, name)) ?? refuse('NOT_FOUND', 'There is no such bucket')
  }

  async put(bucket: Bucket, object: PutObject, { signal }: { signal: AbortSignal }): Promise<ObjectVersion> {
    await this.faults.put?.(object, signal)
    const chunks: Uint8Array[] = []
    for await (const chunk of object.body) chunks.push(Buffer.from(chunk))
    const bytes = Buffer.concat(chunks)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    if (object.size !== undefined && object.size !== bytes.length) refuse('INVALID', 'Another size')
    if (object.sha256 !== undefined && object.sha256 !== sha256) refuse('INVALID', 'Another SHA-256')
    const there = this.objects.get(object.key)
    if (there !== undefined && object.ifAbsent === true) {
      return there.version.sha256 === sha256 ? there.version : refuse('CONFLICT', 'The key exists')
    }
    const version: ObjectVersion = {
      ...{ id: randomUUID(), bucket_id: bucket.id, key: object.key, state: 'live', sha256 },
      ...{ size: bytes.length, etag: null, meta: null, in_chat: object.where !== 'catalog' },
      ...{ pack_id: null, sequence: 0, stored_at: new Date(), deleted_at: null },
    }
    this.objects.set(object.key, { version, bytes, where: object.where })
    return version
  }

  async head(_bucket: Bucket, key: string): Promise<ObjectVersion> {
    return this.#find(key).version
  }

  async get(
    _bucket: Bucket,
    key: string,
    { range }: { range?: { start: number; end: number } | undefined },
  ): Promise<{ object: ObjectVersion; body: AsyncIterable<Buffer> }> {
    const { version, bytes } = this.#find(key)
    const wanted = range === undefined ? bytes : bytes.subarray(range.start, range.end + 1)
    return { object: version, body: this.faults.get?.(wanted) ?? inPieces(wanted) }
  }

  async *list(_bucket: Bucket, { prefix }: { prefix: string }): AsyncGenerator<ListedObject[]> {
    const found = [...this.objects.values()].map(({ version }) => version)
    const sorted = found.filter(({ key }) => key.startsWith(prefix)).sort((a, b) => (a.key < b.key ? -1 : 1))
    for (let first = 0; first < sorted.length; first += 1_000) {
      yield sorted.slice(first, first + 1_000)
      this.faults.list?.()
    }
  }

  async delete(_bucket: Bucket, key: string): Promise<boolean> {
    return this.objects.delete(key)
  }

  #find(key: string): StoredObject {
    return this.objects.get(key) ?? refuse('NOT_FOUND', 'There is no such object')
  }
}

async function* inPieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let offset = 0; offset < bytes.length; offset += 65_536) {
    yield Buffer.from(bytes.subarray(offset, offset + 65_536))
  }
}

function refuse(code: string, message: string): never {
  throw new BackupError(message, { code })
}
