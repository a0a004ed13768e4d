import { createHash } from 'node:crypto'
import {
  type Bucket,
  type Database,
  type FoundObject,
  findObject,
  findPack,
  keepContent,
  MAX_CONTENT_BYTES,
  type ObjectVersion,
} from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import type { ByteRange, GetOptions } from '#objects/object-store.ts'
import type { OpenedPacks } from '#objects/read/opened-packs.ts'
import { cancelled } from '#session/session.ts'

export interface ObjectReaderOptions {
  database: Database
  packs: OpenedPacks
  /** Without a private key only what the catalog keeps can be read. */
  hasIdentity: boolean
}

/** Bytes of a pack, in their order in the object. */
interface Stretch {
  packId: string
  offset: number
  length: number
}

/** Reads objects, whole or in part. */
export class ObjectReader {
  readonly #options: ObjectReaderOptions

  constructor(options: ObjectReaderOptions) {
    this.#options = options
  }

  /** Throws `NOT_FOUND`. */
  async find(bucket: Bucket, key: string): Promise<FoundObject> {
    const found = await findObject(this.#options.database, { bucketId: bucket.id, key })
    if (found !== null) return found
    throw new BackupError(`There is no object ${key} in the bucket ${bucket.name}`, { code: 'NOT_FOUND' })
  }

  /** See `ObjectStore.get`. */
  async get(
    bucket: Bucket,
    key: string,
    { range, keep = false, signal }: GetOptions,
  ): Promise<{ object: ObjectVersion; body: AsyncIterable<Buffer> }> {
    const found = await this.find(bucket, key)
    const { object } = found
    const asked = range ?? { start: 0, end: object.size - 1 }
    checkRange(asked, object)
    if (found.content !== null) {
      return { object, body: onePiece(found.content.subarray(asked.start, asked.end + 1)) }
    }
    if (object.size > 0) await this.#assertReadable(found)
    const body = this.#read(found, { ...asked, signal })
    if (asked.start > 0 || asked.end < object.size - 1) return { object, body }
    const whole = checkedWhole(body, object)
    if (!keep || object.size > MAX_CONTENT_BYTES) return { object, body: whole }
    const content = await joined(whole)
    await keepContent(this.#options.database, { bucketId: bucket.id, versionId: object.id, content })
    return { object, body: onePiece(content) }
  }

  /** All bytes of a small object. Throws what the body of `get` throws. */
  async readWhole(found: FoundObject, signal: AbortSignal): Promise<Buffer> {
    const { object, content } = found
    if (content !== null) return content
    const all = { start: 0, end: object.size - 1, signal }
    return await joined(checkedWhole(this.#read(found, all), object))
  }

  /** Whether a private key is needed, the pack says: a bucket may have been begun without encryption. */
  async #assertReadable({ extents }: FoundObject): Promise<void> {
    if (this.#options.hasIdentity) return
    const [first] = extents
    const pack = first === undefined ? null : await findPack(this.#options.database, first.packId)
    if (pack === null || !pack.encrypted) return
    throw new BackupError('Reading this object needs a private key, and none is configured', {
      code: 'NO_KEY',
      hint: 'Set BACKUP_AGE_IDENTITY_FILE to the file with the private key.',
    })
  }

  async *#read(
    first: FoundObject,
    { start, end, signal }: ByteRange & { signal: AbortSignal },
  ): AsyncGenerator<Buffer> {
    let found = first
    let at = start
    while (at <= end) {
      try {
        for (const stretch of stretchesOf(found, { start: at, end })) {
          for await (const piece of this.#readStretch(stretch, signal)) {
            if (signal.aborted) throw cancelled()
            at += piece.length
            yield piece
          }
        }
      } catch (error) {
        if (signal.aborted) throw error
        found = await this.#movedObject(found, error)
      }
    }
  }

  async *#readStretch({ packId, offset, length }: Stretch, signal: AbortSignal): AsyncGenerator<Buffer> {
    const pack = await findPack(this.#options.database, packId)
    if (pack === null || pack.state === 'erasing' || pack.state === 'erased') {
      throw new BackupError(`Pack ${packId} was erased`, { code: 'NOT_FOUND' })
    }
    yield* this.#options.packs.reading(pack, { offset, length }, signal)
  }

  /** Compaction may have moved the bytes since they were looked up. Throws `error` when it has not. */
  async #movedObject(before: FoundObject, error: unknown): Promise<FoundObject> {
    const { bucket_id: bucketId, key } = before.object
    const now = await findObject(this.#options.database, { bucketId, key })
    const isMoved =
      now !== null && now.object.id !== before.object.id && now.object.sha256 === before.object.sha256
    if (!isMoved) throw error
    return now
  }
}

/** Throws `INVALID`. */
function checkRange({ start, end }: ByteRange, { size }: ObjectVersion): void {
  if (size === 0 && start === 0 && end === -1) return
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end && end < size)
    return
  throw new BackupError(`The object has no bytes ${start} to ${end}: it has ${size}`, { code: 'INVALID' })
}

/** What of the object's pieces lies in a range of its bytes. */
function stretchesOf({ extents }: FoundObject, { start, end }: ByteRange): Stretch[] {
  const stretches: Stretch[] = []
  let at = 0
  for (const { packId, offset, length } of extents) {
    const from = Math.max(start, at)
    const to = Math.min(end + 1, at + length)
    if (from < to) stretches.push({ packId, offset: offset + from - at, length: to - from })
    at += length
  }
  return stretches
}

/** In memory of its own: the driver of the catalog may have given a view of more. */
async function* onePiece(bytes: Buffer): AsyncGenerator<Buffer> {
  if (bytes.length === 0) return
  const piece = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(piece)
  yield piece
}

async function joined(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}

/**
 * The last piece comes only when all of them are right, so that nobody takes a wrong object for a whole one.
 */
async function* checkedWhole(
  pieces: AsyncIterable<Buffer>,
  { key, sha256 }: ObjectVersion,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  let last: Buffer | undefined
  for await (const piece of pieces) {
    if (last !== undefined) yield last
    hash.update(piece)
    last = piece
  }
  if (hash.digest('hex') !== sha256) {
    throw new BackupError(`The bytes of the object ${key} are not those that were stored`, {
      code: 'INTEGRITY',
    })
  }
  if (last !== undefined) yield last
}
