import type { ReceivedPart } from '@telegram-backup/archive'
import type { CallOptions } from '#bot-api/call-policy.ts'
import type { DownloadedFile } from '#bot-api/file-download.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { downloadDocument, type ExpectedDocument } from '#services/document-download.ts'

/** A part as the catalog knows it. */
export interface PartToFetch extends ExpectedDocument {
  /** From 1. */
  number: number
}

/**
 * Downloads the parts in order, `ahead` of them at once, each checked against its size and SHA-256. A part that stays
 * wrong is handed on all the same: the archive names what is wrong with it. One that is gone throws `INTEGRITY`. The
 * bytes of a part are valid until the next one is asked for: then their memory takes in another.
 */
export async function* fetchParts(
  client: TelegramClient,
  parts: readonly PartToFetch[],
  options: CallOptions & { ahead: number; onPart?: ((part: PartToFetch) => void) | undefined },
): AsyncGenerator<ReceivedPart> {
  const stop = new AbortController()
  const signal = AbortSignal.any([stop.signal, ...(options.signal ? [options.signal] : [])])
  const largest = parts.reduce((most, part) => Math.max(most, part.size), 0)
  const spare: Buffer[] = []
  const downloads: Array<{ into: Buffer; file: Promise<DownloadedFile> }> = []
  let next = 0
  const startMore = (): void => {
    while (downloads.length < options.ahead && next < parts.length) {
      const part = parts[next++] as PartToFetch
      const { number: partNumber } = part
      const into = spare.pop() ?? Buffer.allocUnsafeSlow(largest)
      const file = downloadDocument(client, part, {
        signal,
        onWait: options.onWait,
        into,
        name: `Part ${partNumber}`,
        partNumber,
      })
      file.catch(() => {})
      downloads.push({ into, file })
    }
  }
  try {
    startMore()
    for (const part of parts) {
      const { into, file } = downloads[0] as (typeof downloads)[number]
      const { bytes, sha256 } = await file
      downloads.shift()
      startMore()
      options.onPart?.(part)
      yield { number: part.number, bytes, sha256 }
      spare.push(into)
    }
  } finally {
    stop.abort()
    await Promise.allSettled(downloads.map(({ file }) => file))
  }
}
