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
  let bytes: Buffer = Buffer.alloc(0)
  for (let tries = 0; tries < DOWNLOAD_TRIES; tries++) {
    try {
      bytes = await client.downloadFile(part.fileId, { ...options, maxBytes: part.size })
    } catch (error) {
      throw missing(part, error)
    }
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    if (bytes.length === part.size && sha256 === part.sha256) return bytes
  }
  return bytes
}

/** A refusal means that the chat does not have the part any more; anything else says nothing about it. */
function missing(part: PartToFetch, error: unknown): unknown {
  if (!(error instanceof TelegramError) || error.code !== 'REFUSED') return error
  return new TelegramError(`Part ${part.number} is missing in the chat: ${error.description}`, 'INTEGRITY', {
    cause: error,
    partNumber: part.number,
    hint: 'Nothing was restored. Another backup of this source may be whole: telegram-backup list',
  })
}
