import { createReadStream } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
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
  // An end before the start would read the whole file.
  const file =
    keptBytes === 0
      ? Readable.from([])
      : createReadStream(store.pathOf(document.storedAs), { start, end: start + keptBytes - 1 })
  const isCut = keptBytes < end - start && !isHidden
  await pipeline([file, ...disturbances(fault, start), response], { signal, end: !isCut })
  if (isCut) {
    response.flushHeaders()
    request.socket.destroySoon()
  }
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

function disturbances(fault: Fault | undefined, start: number): Transform[] {
  if (fault?.kind === 'flip-bit') return [bitFlip(fault.offset - start)]
  if (fault?.kind === 'slow') return [slowDown(fault.bytesPerSecond)]
  return []
}

function bitFlip(offset: number): Transform {
  let position = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const index = offset - position
      position += chunk.length
      const byte = chunk[index]
      if (byte !== undefined) chunk[index] = byte ^ 1
      done(null, chunk)
    },
  })
}

function slowDown(bytesPerSecond: number): Transform {
  // Twenty pieces a second look steady to a client.
  const pieceBytes = Math.max(1, Math.ceil(bytesPerSecond / 20))
  const inPieces = async (stream: Transform, chunk: Buffer) => {
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      const piece = chunk.subarray(at, at + pieceBytes)
      await wait((piece.length / bytesPerSecond) * 1000)
      if (stream.destroyed) return
      stream.push(piece)
    }
  }
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      inPieces(this, chunk).then(() => done(), done)
    },
  })
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
