import { type Bucket, type Database, noteSnapshot } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import type { ObjectStore } from '@telegram-backup/vault/objects/object-store.ts'
import type { Request, Response } from 'express'
import { askForBody, assertAsItIs, bodyChunks, freedChunks } from '#http/body-stream.ts'
import { readRange } from '#http/byte-range.ts'
import { exactly, sendBytes } from '#http/send-bytes.ts'
import type { ResticFile } from '#restic/paths.ts'

/** What the door does with objects. */
export type FileStore = Pick<ObjectStore, 'bucket' | 'put' | 'head' | 'get' | 'list' | 'delete'>

/** One request for a file of a bucket. */
export interface FileRequest {
  store: FileStore
  database: Database
  bucket: Bucket
  file: ResticFile
  request: Request
  response: Response
  /** Ends the request when the other side does nothing for so long. */
  stallMs: number
  /** Fires when the client leaves. */
  signal: AbortSignal
  /** Throws `UNAUTHENTICATED` when the key of the request is worth nothing any more. */
  assertStillGood: () => Promise<void>
}

const MIB = 1024 ** 2

/** Far more than restic sends: it begins a new file at `--pack-size`, which it bounds to 128 MiB. */
const MOST_BYTES = 512 * MIB
/**
 * A body holds memory that its bucket has only so much of: a client must not hold it for days with a byte now
 * and then. restic sends five files at once: together 160 kbit/s.
 */
const LEAST_BYTES_PER_SECOND = 4 * 1024
/** Locks lie in the catalog alone, which takes no more. restic's have some 200 bytes. */
const MOST_BYTES_OF_LOCK = 64 * 1024

/** Where the bytes of each type lie: small ones that are read often also in the catalog. */
const WHERE = {
  config: 'chat and catalog',
  keys: 'chat and catalog',
  snapshots: 'chat and catalog',
  index: 'chat and catalog',
  data: 'chat',
  // A lock that comes back after a recovery would block a bucket for nobody.
  locks: 'catalog',
} as const

/**
 * Stores the body as a file, and answers when the chat has it. The same bytes under the same name are a
 * success; nothing is overwritten. Throws what `ObjectStore.put` throws, `UNAUTHENTICATED` when the key was
 * revoked before the body had ended, and for a body that it does not read `LENGTH_NEEDED`, `TOO_LARGE`,
 * `UNSUPPORTED`.
 */
export async function putFile({ store, database, bucket, file, ...of }: FileRequest): Promise<void> {
  const { request, response, stallMs, signal } = of
  assertAsItIs(request)
  const size = announcedSize(request, file)
  askForBody({ request, response })
  const chunks = bodyChunks(request, { stallMs, leastBytesPerSecond: LEAST_BYTES_PER_SECOND })
  const { stored_at } = await store.put(
    bucket,
    {
      key: file.key,
      body: withLastLook(freedChunks(chunks), of.assertStillGood),
      size,
      sha256: file.type === 'config' ? undefined : file.sha256,
      where: WHERE[file.type],
      ifAbsent: true,
    },
    { signal },
  )
  if (file.type === 'snapshots') await noteSnapshot(database, bucket.id, stored_at)
  response.status(200).end()
}

/** A body may take hours. Its key counts once more at its end: before that, nothing of it is stored. */
async function* withLastLook(
  chunks: AsyncIterable<Buffer>,
  look: () => Promise<void>,
): AsyncGenerator<Buffer> {
  yield* chunks
  await look()
}

function announcedSize(request: Request, { type }: ResticFile): number {
  const length = request.get('Content-Length')
  if (length === undefined) {
    throw new BackupError('The request does not say how long its body is', {
      code: 'LENGTH_NEEDED',
      hint: 'Send Content-Length, as restic does.',
    })
  }
  const size = Number(length)
  const most = type === 'locks' ? MOST_BYTES_OF_LOCK : MOST_BYTES
  if (size <= most) return size
  throw new BackupError(`The file has ${size} bytes; ${most} are the most`, {
    code: 'TOO_LARGE',
    hint: 'restic makes no such files.',
  })
}

/** Answers GET and HEAD with a file or, for GET, with a range of it. */
export async function sendFile({ store, bucket, file, ...of }: FileRequest): Promise<void> {
  const { request, response, stallMs, signal } = of
  const { size } = await store.head(bucket, file.key)
  response.set('Accept-Ranges', 'bytes').type('application/octet-stream')
  if (request.method === 'HEAD' || size === 0) {
    // A range of nothing: clients that always send one get the whole.
    return void response.status(200).set('Content-Length', String(size)).end()
  }
  const range = rangeOf(request, response, size)
  // The store counts up to the last byte, HTTP's reader up to the one after it.
  const within = range && { start: range.start, end: range.end - 1 }
  const keep = WHERE[file.type] === 'chat and catalog'
  const { body } = await store.get(bucket, file.key, { range: within, keep, signal })
  const length = range === undefined ? size : range.end - range.start
  const chunks = exactly(length, body)
  // An error before the first byte becomes an answer; afterwards it breaks off the connection.
  const first = await chunks.next()
  if (within !== undefined) response.set('Content-Range', `bytes ${within.start}-${within.end}/${size}`)
  response.status(range === undefined ? 200 : 206).set('Content-Length', String(length))
  await sendBytes(response, { first, chunks, stallMs, isFreed: true })
}

function rangeOf(request: Request, response: Response, size: number): ReturnType<typeof readRange> {
  try {
    return readRange(request.get('Range'), size)
  } catch (error) {
    response.set('Content-Range', `bytes */${size}`)
    throw error
  }
}

/** Success also when there is none: restic repeats a request whose answer was lost. */
export async function deleteFile({ store, bucket, file, response }: FileRequest): Promise<void> {
  await store.delete(bucket, file.key)
  response.status(200).end()
}
