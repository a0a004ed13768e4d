import { hint, run } from '@telegram-backup/errors'
import { pause } from '#bot-api/clock.ts'
import type { DownloadedFile, DownloadOptions } from '#bot-api/file-download.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { TelegramError } from '#telegram-error.ts'

export interface ExpectedDocument {
  /** This bot's file id; undefined when only another bot's is known. */
  fileId: string | undefined
  /** As sent, in bytes. */
  size: number
  /** Of the document, hex. */
  sha256: string
  /** The next place to try, after what the one before gave; undefined: no other place. */
  elsewhere?: ((before: FetchedFile | undefined) => Promise<DocumentPlace | undefined>) | undefined
}

export interface DocumentPlace {
  fileId: string
  /**
   * Another place can be tried, so a refusal counts soon. The server refuses a file that is unavailable for
   * the moment, a dead file id and another bot's in the same words.
   */
  isBrief: boolean
}

/**
 * What a place has; an outage throws. right: the expected bytes · changed: other bytes, each time · another
 * file: too many bytes, or no file of the server's · refused: the server does not give it.
 */
export type FetchedFile =
  | ({ state: 'right' } & DownloadedFile)
  | ({ state: 'changed' } & DownloadedFile)
  | { state: 'another file'; failure: TelegramError }
  | { state: 'refused'; failure: TelegramError }

export type FetchDocumentOptions = Omit<DownloadOptions, 'maxBytes'> & {
  name: string
  partNumber?: number
  /** The first place, if known; `located` belongs to it. */
  place?: DocumentPlace | undefined
}

/** Bytes can also be damaged on the way; only damage in the chat comes again. */
const DOWNLOAD_TRIES = 3
/** Questions about a place when there is another one. */
const BRIEF_TRIES = 2
const BRIEF_PAUSE_MS = 250

/**
 * Downloads a document from one place after the other, until size and SHA-256 are right. Otherwise the answer
 * is what the first place had; its `failure` is an `INTEGRITY` with `name` in its message. Throws the
 * client's errors for an outage.
 */
export async function fetchDocument(
  client: TelegramClient,
  expected: ExpectedDocument,
  options: FetchDocumentOptions,
): Promise<FetchedFile> {
  const { size, sha256 } = expected
  const isRight = (file: DownloadedFile): boolean => file.bytes.length === size && file.sha256 === sha256
  let { located } = options
  let first: FetchedFile | undefined
  let place = options.place ?? (await firstPlace(expected))
  while (place !== undefined) {
    const fetched = await fetchFrom(client, place, { ...options, located, maxBytes: size, isRight })
    if (fetched.state === 'right') return fetched
    first ??= fetched
    place = await expected.elsewhere?.(fetched)
    located = undefined
  }
  if (first === undefined) return { state: 'refused', failure: unobtainable(options, undefined) }
  return 'failure' in first ? { ...first, failure: unobtainable(options, first.failure) } : first
}

export async function firstPlace(expected: ExpectedDocument): Promise<DocumentPlace | undefined> {
  const { fileId, elsewhere } = expected
  return fileId === undefined ? await elsewhere?.(undefined) : { fileId, isBrief: elsewhere !== undefined }
}

/** Downloads from one place, up to three times, until `isRight`. Throws for an outage. */
export async function fetchFrom(
  client: TelegramClient,
  place: DocumentPlace,
  options: DownloadOptions & { isRight: (file: DownloadedFile) => boolean | Promise<boolean> },
): Promise<FetchedFile> {
  const { isRight, ...download } = options
  let { located } = options
  let fetched: FetchedFile | undefined
  try {
    if (place.isBrief) {
      const path = await locateBriefly(client, { ...download, fileId: place.fileId })
      located = path === undefined ? undefined : Promise.resolve(path)
    }
  } catch (failure) {
    if (isRefusal(failure)) return { state: 'refused', failure }
    throw failure
  }
  for (let tries = 1; ; tries++) {
    try {
      const file = await client.downloadFile(place.fileId, {
        ...download,
        located: tries === 1 ? located : undefined,
      })
      if (await isRight(file)) return { state: 'right', ...file }
      if (fetched === undefined || fetched.state === 'changed') fetched = { state: 'changed', ...file }
    } catch (failure) {
      if (isRefusal(failure)) return { state: 'refused', failure }
      if (!isUnproven(failure)) throw failure
      fetched = { state: 'another file', failure }
    }
    if (tries === DOWNLOAD_TRIES) return fetched
  }
}

/**
 * Asks for the path of a file. Only the second refusal counts, since the file may be unavailable for the
 * moment; `located` is the first question. Undefined after another failure: the download meets it again, with
 * more patience.
 */
async function locateBriefly(
  client: TelegramClient,
  { fileId, located, signal }: { fileId: string } & Pick<DownloadOptions, 'located' | 'signal'>,
): Promise<string | undefined> {
  let asked = located
  for (let tries = 1; ; tries++) {
    try {
      return await (asked ?? client.locateFile(fileId, { signal, once: true }))
    } catch (error) {
      if (!isRefusal(error)) return undefined
      if (tries >= BRIEF_TRIES) throw error
    }
    asked = undefined
    await pause(BRIEF_PAUSE_MS, signal)
  }
}

/** The file is gone, or this bot does not have it under that id. */
function isRefusal(error: unknown): error is TelegramError {
  return error instanceof TelegramError && error.code === 'REFUSED' && error.retryAfterSeconds === undefined
}

function isUnproven(error: unknown): error is TelegramError {
  return error instanceof TelegramError && error.code === 'UNPROVEN'
}

function unobtainable(
  { name, partNumber }: FetchDocumentOptions,
  cause: TelegramError | undefined,
): TelegramError {
  const why = cause?.description ?? cause?.message ?? 'no message of this chat is known to hold it'
  return new TelegramError(`${name} cannot be fetched from the chat: ${why}`, {
    code: 'INTEGRITY',
    cause,
    partNumber,
    hint: hint`Another backup of this source may be whole: ${run('list')}`,
  })
}
