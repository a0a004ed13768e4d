import { open } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { refusal } from '#answers.ts'
import type { Fault } from '#control/fault.ts'
import type { DocumentStore } from '#files/document-store.ts'
import type { EmulatorLimits } from '#limits.ts'
import type { Bot, StoredDocument } from '#world/records.ts'
import type { World } from '#world/world.ts'

/** What serving a file needs. */
export interface DownloadRequest {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly bot: Bot
  readonly path: string
  readonly world: World
  readonly store: DocumentStore
  readonly limits: EmulatorLimits
  readonly rangeRequests: boolean
  readonly fault: Fault | undefined
  readonly signal: AbortSignal
}

const PIECE_BYTES = 256 * 1024

/** Bytes of a file, `end` not included. */
interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * Streams a file, as fast as the client takes it, and gives the status that was sent.
 * Throws ApiRefusal 404 for a path that was not granted to this bot or has expired.
 */
export async function serveDownload(download: DownloadRequest): Promise<number> {
  const { request, response, store, fault, signal } = download
  const document = documentAt(download)
  const asked = download.rangeRequests ? rangeOf(request.headers.range, document.sizeBytes) : undefined
  if (asked === 'unsatisfiable') {
    response.writeHead(416, { 'Content-Range': `bytes */${document.sizeBytes}`, 'Content-Length': 0 }).end()
    return 416
  }
  const { start, end } = asked ?? { start: 0, end: document.sizeBytes }
  const keptBytes = bytesToSend(fault, end - start)
  const isHidden = fault?.kind === 'truncate' && fault.hidden === true
  const status = asked === undefined ? 200 : 206
  response.writeHead(status, {
    'Content-Type': 'application/octet-stream',
    'Content-Length': isHidden ? keptBytes : end - start,
    ...(download.rangeRequests ? { 'Accept-Ranges': 'bytes' } : {}),
    ...(asked ? { 'Content-Range': `bytes ${start}-${end - 1}/${document.sizeBytes}` } : {}),
  })
  if (request.method === 'HEAD') {
    response.end()
    return status
  }
  const file = piecesOf(store.pathOf(document.storedAs), { start, end: start + keptBytes })
  await send(disturbed(file, fault, start), response, signal)
  if (keptBytes < end - start && !isHidden) {
    response.flushHeaders()
    request.socket.destroySoon()
  } else response.end()
  return status
}

function documentAt({ world, bot, path, limits }: DownloadRequest): StoredDocument {
  const filePath = world.filePath(bot.id, path)
  const document = world.documents.get(filePath?.documentNumber ?? 0)
  const isValid =
    filePath !== undefined && world.clock.now() < filePath.grantedAtMs + limits.filePathLifetimeMs
  if (!isValid || document === undefined) throw refusal('notFound')
  return document
}

function bytesToSend(fault: Fault | undefined, wholeBytes: number): number {
  if (fault?.kind === 'truncate') return Math.min(fault.keepBytes, wholeBytes)
  return fault?.kind === 'reset-during' ? Math.floor(wholeBytes / 2) : wholeBytes
}

/** Each piece is valid until the next one is asked for. */
async function* piecesOf(path: string, { start, end }: ByteRange): AsyncGenerator<Buffer> {
  const file = await open(path)
  // One memory for all: pieces of their own would keep the garbage collector at work.
  const memory = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, end - start))
  try {
    for (let at = start; at < end; ) {
      const { bytesRead } = await file.read(memory, 0, Math.min(memory.length, end - at), at)
      if (bytesRead === 0) throw new Error(`${path} is shorter than its document`)
      yield memory.subarray(0, bytesRead)
      at += bytesRead
    }
  } finally {
    await file.close()
    memory.buffer.transfer(0)
  }
}

/** Ends with the error of a connection that is gone. */
async function send(
  pieces: AsyncIterable<Buffer>,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const gone = (): unknown => response.destroy()
  signal.addEventListener('abort', gone, { once: true })
  try {
    for await (const piece of pieces) {
      signal.throwIfAborted()
      await new Promise<void>((resolve, reject) => {
        response.write(piece, error => (error ? reject(error) : resolve()))
      })
    }
    signal.throwIfAborted()
  } finally {
    signal.removeEventListener('abort', gone)
  }
}

function disturbed(
  pieces: AsyncIterable<Buffer>,
  fault: Fault | undefined,
  start: number,
): AsyncIterable<Buffer> {
  if (fault?.kind === 'flip-bit') return withFlippedBit(pieces, fault.offset - start)
  if (fault?.kind === 'slow') return slowedDown(pieces, fault.bytesPerSecond)
  return pieces
}

async function* withFlippedBit(pieces: AsyncIterable<Buffer>, offset: number): AsyncGenerator<Buffer> {
  let position = 0
  for await (const piece of pieces) {
    const index = offset - position
    position += piece.length
    const byte = piece[index]
    if (byte !== undefined) piece[index] = byte ^ 1
    yield piece
  }
}

async function* slowedDown(pieces: AsyncIterable<Buffer>, bytesPerSecond: number): AsyncGenerator<Buffer> {
  // Twenty pieces a second look steady to a client.
  const slowBytes = Math.max(1, Math.ceil(bytesPerSecond / 20))
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; at += slowBytes) {
      const slow = piece.subarray(at, at + slowBytes)
      await wait((slow.length / bytesPerSecond) * 1000)
      yield slow
    }
  }
}

/** One range as RFC 9110 writes it; undefined when there is none that a server must obey. */
function rangeOf(header: string | undefined, sizeBytes: number): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (match === null || (match[1] === '' && match[2] === '')) return undefined
  const [first, last] = [match[1] ?? '', match[2] ?? '']
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first)
  const end = first === '' || last === '' ? sizeBytes : Math.min(sizeBytes, Number(last) + 1)
  return start < end ? { start, end } : 'unsatisfiable'
}
