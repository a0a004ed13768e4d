import type { ReceivedPart } from '@telegram-backup/archive'
import type { CallOptions } from '#bot-api/call-policy.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import {
  type DocumentPlace,
  type ExpectedDocument,
  type FetchedFile,
  fetchDocument,
  firstPlace,
} from '#services/fetch-document.ts'
import { WorkAhead } from '#services/work-ahead.ts'

/** A part as the catalog knows it. */
export interface PartToFetch extends ExpectedDocument {
  /** From 1. */
  number: number
}

/**
 * Downloads at once. Each, and the part that is being opened, takes the memory of a part: three parts in all,
 * which two downloads keep busy, since nobody has to wait for their paths.
 */
const DOWNLOADS_AHEAD = 2
/** Paths asked for before the download of their parts can begin: an answer may take as long as a download. */
const PATHS_AHEAD = 3

/**
 * The bytes of the parts, in order. A changed part is handed on all the same: the archive names what is wrong
 * with it. A part that cannot be had throws `INTEGRITY`. The bytes of a part are valid until the next part is
 * asked for.
 */
export async function* fetchParts(
  client: TelegramClient,
  parts: readonly PartToFetch[],
  { onPart, ...options }: CallOptions & { onPart?: ((part: PartToFetch) => void) | undefined },
): AsyncGenerator<ReceivedPart & { sha256: string }> {
  for await (const { part, fetched } of fetchPartDocuments(client, parts, options)) {
    if ('failure' in fetched) throw fetched.failure
    onPart?.(part)
    yield { number: part.number, bytes: fetched.bytes, sha256: fetched.sha256 }
  }
}

/**
 * Downloads the parts in order, some of them ahead. The bytes of a part are valid until the next part is
 * asked for: then their memory takes in another. Throws the client's errors for an outage.
 */
export async function* fetchPartDocuments<Part extends PartToFetch>(
  client: TelegramClient,
  parts: readonly Part[],
  options: CallOptions,
): AsyncGenerator<{ part: Part; fetched: FetchedFile }> {
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
      const fetched = await fetchDocument(client, part, {
        ...{ signal, onWait, place, located, into, name, partNumber },
      })
      return { part, into, fetched }
    },
  })
  try {
    downloads.begin()
    for (let taken = downloads.take(); taken; taken = downloads.take()) {
      const { part, into, fetched } = await taken
      downloads.begin()
      yield { part, fetched }
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

/**
 * Where a part's file is, asked for ahead. For a part without a file id of this bot, a file id is learned
 * first.
 */
async function locate(client: TelegramClient, part: PartToFetch, signal: AbortSignal): Promise<LocatedPart> {
  const place = await firstPlace(part)
  if (place === undefined) return { place, located: undefined }
  const located = client.locateFile(place.fileId, { signal, once: true })
  // The download meets a failure again.
  await located.catch(() => {})
  return { place, located }
}
