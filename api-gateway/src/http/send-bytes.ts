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

/**
 * Sends the bytes no faster than the client reads them. The last bytes wait until everything is verified:
 * with them, the client has as many bytes as were announced, and believes that the backup is complete.
 */
export async function sendBytes(
  response: Response,
  of: { first: IteratorResult<Buffer>; chunks: AsyncIterator<Buffer>; stallMs: number },
): Promise<void> {
  try {
    let held = of.first
    while (!held.done) {
      const next = await of.chunks.next()
      if (response.destroyed) return
      if (!response.write(held.value)) await drained(response, of.stallMs)
      held = next
    }
    response.end()
  } catch (error) {
    breakOff(response, error)
  } finally {
    await of.chunks.return?.()
  }
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
