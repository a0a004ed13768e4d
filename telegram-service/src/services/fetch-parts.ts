import type { ReceivedPart } from '@telegram-backup/archive'
import type { CallOptions } from '#bot-api/call-policy.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import {
  type DocumentPlace,
  downloadDocument,
  type ExpectedDocument,
  firstPlace,
} from '#services/document-download.ts'
import { WorkAhead } from '#services/work-ahead.ts'

/** A part as the catalog knows it. */
export interface PartToFetch extends ExpectedDocument {
  /** From 1. */
  number: number
}

/**
 * Downloads at once. Each, and the part that is being opened, takes the memory of a part: three parts in all, which
 * two downloads keep busy, since nobody has to wait for their paths.
 */
const DOWNLOADS_AHEAD = 2
/** Paths asked for before the download of their parts can begin: an answer may take as long as a download. */
const PATHS_AHEAD = 3

/**
 * Downloads the parts in order, some of them ahead, each checked against its size and SHA-256. A part that stays wrong is
 * handed on all the same: the archive names what is wrong with it. One that is gone throws `INTEGRITY`. The bytes of a
 * part are valid until the next one is asked for: then their memory takes in another.
 */
export async function* fetchParts(
  client: TelegramClient,
  parts: readonly PartToFetch[],
  options: CallOptions & { onPart?: ((part: PartToFetch) => void) | undefined },
): AsyncGenerator<ReceivedPart & { sha256: string }> {
  const stop = new AbortController()
  const signal = AbortSignal.any([stop.signal, ...(options.signal ? [options.signal] : [])])
  const { onWait } = options
  const largest = parts.reduce((most, part) => Math.max(most, part.size), 0)
  const spare: Buffer[] = []
  const paths = new WorkAhead(parts, {
    limit: PATHS_AHEAD,
    start: part => locate(client, part, signal),
  })
  const downloads = new WorkAhead(parts, {
    limit: DOWNLOADS_AHEAD,
    start: async part => {
      const { number: partNumber } = part
      const into = spare.pop() ?? Buffer.allocUnsafeSlow(largest)
      const path = paths.take()
      paths.begin()
      // There are as many paths as downloads.
      const { place, located } = (await path) as LocatedPart
      const name = `Part ${partNumber}`
      const file = await downloadDocument(client, part, {
        ...{ signal, onWait, place, located, into, name, partNumber },
      })
      return { part, into, file }
    },
  })
  try {
    downloads.begin()
    for (let taken = downloads.take(); taken; taken = downloads.take()) {
      const { part, into, file } = await taken
      downloads.begin()
      options.onPart?.(part)
      yield { number: part.number, bytes: file.bytes, sha256: file.sha256 }
      spare.push(into)
    }
  } finally {
    stop.abort()
    await Promise.all([paths.settled(), downloads.settled()])
  }
}

interface LocatedPart {
  place: DocumentPlace | undefined
  located: Promise<string> | undefined
}

/** Where a part's file is, asked for ahead; of a part that this bot has no file id for yet, that one first. */
async function locate(client: TelegramClient, part: PartToFetch, signal: AbortSignal): Promise<LocatedPart> {
  const place = await firstPlace(part)
  if (place === undefined) return { place, located: undefined }
  const located = client.locateFile(place.fileId, { signal, once: true })
  // Whether it failed is for the download to find out.
  await located.catch(() => {})
  return { place, located }
}
