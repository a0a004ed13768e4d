import { createHash } from 'node:crypto'
import type { ReceivedPart } from '@telegram-backup/archive'
import type { CallOptions, TelegramClient } from '#bot-api/telegram-client.ts'
import { TelegramError } from '#telegram-error.ts'

/** A part as the catalog knows it. */
export interface PartToFetch {
  /** From 1. */
  number: number
  fileId: string
  /** As sent. */
  size: number
  /** Of the document, hex. */
  sha256: string
}

/** Bytes can be flipped on the way as well as in the chat; only the latter comes again. */
const DOWNLOAD_TRIES = 3

/**
 * Downloads the parts in order, `ahead` of them at once, each checked against its size and SHA-256. A part that stays
 * wrong is handed on all the same: the archive names what is wrong with it. One that is gone throws `INTEGRITY`.
 */
export async function* fetchParts(
  client: TelegramClient,
  parts: readonly PartToFetch[],
  options: CallOptions & { ahead: number; onPart?: ((part: PartToFetch) => void) | undefined },
): AsyncGenerator<ReceivedPart> {
  const stop = new AbortController()
  const signal = AbortSignal.any([stop.signal, ...(options.signal ? [options.signal] : [])])
  const downloads: Array<Promise<Buffer>> = []
  let next = 0
  const startMore = (): void => {
    while (downloads.length < options.ahead && next < parts.length) {
      const download = fetchPart(client, parts[next++] as PartToFetch, { ...options, signal })
      download.catch(() => {})
      downloads.push(download)
    }
  }
  try {
    startMore()
    for (const part of parts) {
      const bytes = await (downloads.shift() as Promise<Buffer>)
      startMore()
      options.onPart?.(part)
      yield { number: part.number, bytes }
    }
  } finally {
    stop.abort()
    await Promise.allSettled(downloads)
  }
}

async function fetchPart(client: TelegramClient, part: PartToFetch, options: CallOptions): Promise<Buffer> {
  let wrong: Buffer | undefined
  let cause: unknown
  for (let tries = 0; tries < DOWNLOAD_TRIES; tries++) {
    try {
      const bytes = await client.downloadFile(part.fileId, { ...options, maxBytes: part.size })
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      if (bytes.length === part.size && sha256 === part.sha256) return bytes
      wrong = bytes
    } catch (error) {
      if (!isAboutThePart(error)) throw error
      cause = error
      if (error.code === 'REFUSED') break
    }
  }
  if (wrong && cause === undefined) return wrong
  throw unobtainable(part, cause)
}

/** A refusal means that the chat does not have the part any more, `UNPROVEN` that something else came in its place. */
function isAboutThePart(error: unknown): error is TelegramError {
  if (!(error instanceof TelegramError)) return false
  const isFlood = error.retryAfterSeconds !== undefined
  return (error.code === 'REFUSED' && !isFlood) || error.code === 'UNPROVEN'
}

function unobtainable(part: PartToFetch, cause: unknown): TelegramError {
  const why = cause instanceof TelegramError ? (cause.description ?? cause.message) : 'unknown'
  return new TelegramError(`Part ${part.number} cannot be had from the chat: ${why}`, 'INTEGRITY', {
    cause,
    partNumber: part.number,
    hint: 'Another backup of this source may be whole: telegram-backup list',
  })
}
