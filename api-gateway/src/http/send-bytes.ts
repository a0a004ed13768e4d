import { BackupError } from '@telegram-backup/errors'
import type { Response } from 'express'
import { logOf } from '#http/request-context.ts'

/** Throws `INTEGRITY` for another number of bytes than was announced. */
export async function* exactly(size: number, bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let sent = 0
  for await (const chunk of bytes) {
    sent += chunk.length
    if (sent > size) break
    yield chunk
  }
  if (sent === size) return
  throw new BackupError('There are not as many bytes as were announced', { code: 'INTEGRITY' })
}

/** Breaks off the connection: the client must not believe that it has everything. */
export function breakOff(response: Response, error: unknown): undefined {
  logOf(response).error({ error }, 'an answer was broken off')
  response.destroy()
}

export interface BytesToSend {
  /** Read already, so that an error before it could become an answer. */
  first: IteratorResult<Buffer>
  chunks: AsyncIterator<Buffer>
  /** The connection is broken off when the client reads nothing for so long. */
  stallMs: number
  /**
   * Each chunk has memory of its own, which is freed once the chunk is sent. The garbage collector sees only
   * the small object: it would run all the time, and still leave tens of megabytes.
   */
  isFreed?: boolean
}

/**
 * Smaller chunks are left to the garbage collector: they may lie in Node's pool, which lends less than that.
 */
const MIN_FREED_BYTES = Buffer.poolSize / 2

/**
 * Sends the bytes no faster than the client reads them. The last bytes wait until everything is verified:
 * with them, the client has as many bytes as were announced, and believes that the backup is complete.
 */
export async function sendBytes(response: Response, of: BytesToSend): Promise<void> {
  try {
    let held = of.first
    while (!held.done) {
      const next = await of.chunks.next()
      if (response.destroyed) return
      if (!write(response, held.value, of)) await drained(response, of.stallMs)
      held = next
    }
    response.end()
  } catch (error) {
    breakOff(response, error)
  } finally {
    await of.chunks.return?.()
  }
}

/** False when the client has to read first. */
function write(response: Response, chunk: Buffer, { isFreed = false }: BytesToSend): boolean {
  const { buffer, length } = chunk
  if (!isFreed || length < MIN_FREED_BYTES || !(buffer instanceof ArrayBuffer)) return response.write(chunk)
  return response.write(chunk, error => {
    // After a failure the system may still read the chunk.
    if (!error) buffer.transfer(0)
  })
}

/** Resolves when the client has read. Breaks off the connection if it reads nothing for that long. */
export function drained(response: Response, stallMs: number): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(() => response.destroy(), stallMs)
    const onEither = (): void => {
      clearTimeout(timer)
      response.off('drain', onEither).off('close', onEither)
      resolve()
    }
    response.once('drain', onEither).once('close', onEither)
  })
}
