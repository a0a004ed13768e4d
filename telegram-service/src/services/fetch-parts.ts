import type { ReceivedPart } from '@telegram-backup/archive'
import type { CallOptions, TelegramClient } from '#bot-api/telegram-client.ts'
import {
  type DownloadedDocument,
  downloadDocument,
  type ExpectedDocument,
} from '#services/document-download.ts'

/** A part as the catalog knows it. */
export interface PartToFetch extends ExpectedDocument {
  /** From 1. */
  number: number
}

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
  const downloads: Array<Promise<DownloadedDocument>> = []
  let next = 0
  const startMore = (): void => {
    while (downloads.length < options.ahead && next < parts.length) {
      const part = parts[next++] as PartToFetch
      const { number: partNumber } = part
      const download = downloadDocument(client, part, {
        signal,
        onWait: options.onWait,
        name: `Part ${partNumber}`,
        partNumber,
      })
      download.catch(() => {})
      downloads.push(download)
    }
  }
  try {
    startMore()
    for (const part of parts) {
      const { bytes, sha256 } = await (downloads.shift() as Promise<DownloadedDocument>)
      startMore()
      options.onPart?.(part)
      yield { number: part.number, bytes, sha256 }
    }
  } finally {
    stop.abort()
    await Promise.allSettled(downloads)
  }
}
