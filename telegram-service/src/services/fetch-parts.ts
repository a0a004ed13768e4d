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

export interface PartToFetch extends ExpectedDocument {
  /** From 1. */
  number: number
}

export interface PartHooks {
  /** Called for each fetched part, before it is opened. */
  onPart?: ((part: PartToFetch) => void) | undefined
  /** Called with true when the next part is asked for, and with false when it is there. */
  onPartAwaited?: ((isAwaited: boolean) => void) | undefined
}

/** Parallel downloads. With the part being opened, three parts are in memory. */
const DOWNLOADS_AHEAD = 2
/** Paths asked for ahead: an answer may take as long as a download. */
const PATHS_AHEAD = 3

/**
 * The bytes of the parts, in order, valid until the next part is asked for. A changed part is handed on: the
 * archive says what is wrong with it. An unobtainable part throws `INTEGRITY`.
 */
export async function* fetchParts(
  client: TelegramClient,
  parts: readonly PartToFetch[],
  { onPart, onPartAwaited, ...options }: CallOptions & PartHooks,
): AsyncGenerator<ReceivedPart & { sha256: string }> {
  onPartAwaited?.(true)
  for await (const { part, fetched } of fetchPartDocuments(client, parts, options)) {
    onPartAwaited?.(false)
    if ('failure' in fetched) throw fetched.failure
    onPart?.(part)
    yield { number: part.number, bytes: fetched.bytes, sha256: fetched.sha256 }
    onPartAwaited?.(true)
  }
  onPartAwaited?.(false)
}

/**
 * Downloads the parts in order, some ahead. A part's bytes are valid until the next part is asked for, which
 * reuses their memory. Throws the client's errors for an outage.
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
      // There is a path for each download.
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

/** Asks for a part's path ahead, after learning a file id of this bot if there is none. */
async function locate(client: TelegramClient, part: PartToFetch, signal: AbortSignal): Promise<LocatedPart> {
  const place = await firstPlace(part)
  if (place === undefined) return { place, located: undefined }
  const located = client.locateFile(place.fileId, { signal, once: true })
  // The download reports a failure.
  await located.catch(() => {})
  return { place, located }
}
