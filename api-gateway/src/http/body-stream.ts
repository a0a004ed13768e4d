import { Readable } from 'node:stream'
import { BackupError } from '@telegram-backup/errors'
import type { Request, Response } from 'express'
import { inTime } from '#http/in-time.ts'

/**
 * The body of a request as a stream. Throws `INVALID` for an empty body. The stream fails if the client
 * leaves, if fewer bytes come than announced (`SOURCE`), and if none come for `stallMs` (`TIMEOUT`).
 */
export async function readBody(
  { request, response }: { request: Request; response: Response },
  { stallMs }: { stallMs: number },
): Promise<Readable> {
  askForBody({ request, response })
  const chunks = bodyChunks(request, { stallMs })
  const first = await chunks.next()
  if (first.done)
    throw new BackupError('The body is empty', { code: 'INVALID', hint: 'Send the bytes to back up.' })
  return Readable.from(continued(first.value, chunks), { objectMode: false })
}

/** Lets a client that waits (`Expect: 100-continue`) send the body. */
export function askForBody({ request, response }: { request: Request; response: Response }): void {
  if (/^100-continue$/i.test(request.get('Expect') ?? '')) response.writeContinue()
}

/** Throws `UNSUPPORTED` for an encoded body: it would be stored encoded, and come back so. */
export function assertAsItIs(request: Request): void {
  const encoding = request.get('Content-Encoding') ?? 'identity'
  const way = request.get('Transfer-Encoding') ?? 'chunked'
  if (/^identity$/i.test(encoding) && /^chunked$/i.test(way)) return
  throw new BackupError('The body is encoded', {
    code: 'UNSUPPORTED',
    hint: 'Send the bytes without Content-Encoding; this program compresses them.',
  })
}

async function* continued(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield first
    yield* rest
  } finally {
    await rest.return(undefined)
  }
}

/**
 * The bytes of a body as they come, none of them empty; it fails as `readBody` does, and may have no bytes. A
 * client that waits has to be asked first. With `leastBytesPerSecond`, a body that has come more slowly on
 * the whole, `stallMs` aside, fails as one that does not come at all.
 */
export async function* bodyChunks(
  request: Request,
  { stallMs, leastBytesPerSecond }: { stallMs: number; leastBytesPerSecond?: number | undefined },
): AsyncGenerator<Buffer> {
  const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>
  let waitedMs = 0
  let received = 0
  for (;;) {
    const dueMs = leastBytesPerSecond === undefined ? waitedMs : (received / leastBytesPerSecond) * 1_000
    const begun = performance.now()
    // The clock runs only while this program waits for the client, not while the chat is slow.
    const { done, value } = await inTime(
      chunks.next().catch(() => Promise.reject(brokenOff())),
      Math.min(stallMs, stallMs + dueMs - waitedMs),
      () => {
        throw new BackupError('The rest of the body did not arrive in time', { code: 'TIMEOUT' })
      },
    )
    waitedMs += performance.now() - begun
    if (done) break
    received += value.length
    if (value.length > 0) yield value
  }
  if (!request.complete) throw brokenOff()
}

/** Smaller ones may share memory with others. */
const MIN_FREED_BYTES = 16 * 1024

/**
 * The same pieces, each valid until the next one is asked for. Its memory is then free at once: the garbage
 * collector sees only the small object, and would leave that of thousands of them.
 */
export async function* freedChunks(chunks: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    yield chunk
    const { buffer, byteLength } = chunk
    const isAll = byteLength === buffer.byteLength
    if (buffer instanceof ArrayBuffer && isAll && byteLength >= MIN_FREED_BYTES) buffer.transfer(0)
  }
}

function brokenOff(): BackupError {
  return new BackupError('The connection closed before the end of the body', { code: 'SOURCE' })
}
