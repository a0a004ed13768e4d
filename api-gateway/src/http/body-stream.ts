import { Readable } from 'node:stream'
import { BackupError } from '@telegram-backup/errors'
import type { Request, Response } from 'express'

/**
 * The body of a request as a stream. Throws `INVALID` for an empty body. The stream fails if the client leaves,
 * if fewer bytes come than announced (`SOURCE`), and if none come for `stallMs` (`TIMEOUT`).
 */
export async function readBody(
  { request, response }: { request: Request; response: Response },
  { stallMs }: { stallMs: number },
): Promise<Readable> {
  askForBody({ request, response })
  const chunks = chunksOf(request, stallMs)
  const first = await chunks.next()
  if (first.done)
    throw new BackupError('The body is empty', { code: 'INVALID', hint: 'Send the bytes to back up.' })
  return Readable.from(continued(first.value, chunks), { objectMode: false })
}

/** Lets a client that waits (`Expect: 100-continue`) send the body. */
export function askForBody({ request, response }: { request: Request; response: Response }): void {
  if (/^100-continue$/i.test(request.get('Expect') ?? '')) response.writeContinue()
}

async function* continued(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield first
    yield* rest
  } finally {
    await rest.return(undefined)
  }
}

async function* chunksOf(request: Request, stallMs: number): AsyncGenerator<Buffer> {
  const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>
  for (;;) {
    const { done, value } = await inTime(chunks.next(), stallMs)
    if (done) break
    if (value.length > 0) yield value
  }
  if (!request.complete) throw brokenOff()
}

/** The clock runs only while this program waits for the client, not while the chat is slow. */
async function inTime<Result>(next: Promise<Result>, stallMs: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new BackupError('No more of the body came', { code: 'TIMEOUT' })),
      stallMs,
    )
  })
  try {
    return await Promise.race([next.catch(() => Promise.reject(brokenOff())), stalled])
  } finally {
    clearTimeout(timer)
  }
}

function brokenOff(): BackupError {
  return new BackupError('The body broke off', { code: 'SOURCE' })
}
