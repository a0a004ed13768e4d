import { setTimeout as sleep } from 'node:timers/promises'
import { hint, run } from '@telegram-backup/errors'
import type { DownloadedFile, DownloadOptions } from '#bot-api/file-download.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { cancelled, TelegramError } from '#telegram-error.ts'

/** A document of ours in the chat, as the catalog or the manifest knows it. */
export interface ExpectedDocument {
  /** As this bot names the file; undefined when only another bot's name for it is known. */
  fileId: string | undefined
  /** As sent, in bytes. */
  size: number
  /** Of the document, hex. */
  sha256: string
  /**
   * The next place to try: when there is none yet (`failure` is undefined), and after what the place before led to could
   * not be had or was not what was sent. Resolves to undefined when there is no other place.
   */
  elsewhere?: ((failure: TelegramError | undefined) => Promise<DocumentPlace | undefined>) | undefined
}

/** A name under which this bot may have a document. */
export interface DocumentPlace {
  fileId: string
  /**
   * Another place can be tried, so that a refusal counts soon. The server says the same of a file that is unavailable for
   * the moment, of a dead file id and of another bot's.
   */
  isBrief: boolean
}

/** What a document is called in errors, and how it is downloaded. */
export type DocumentDownloadOptions = Omit<DownloadOptions, 'maxBytes'> & {
  name: string
  partNumber?: number
  /** The first place, when it is known already; `located` belongs to it. */
  place?: DocumentPlace | undefined
}

/** Bytes can be flipped on the way as well as in the chat; only the latter comes again. */
const DOWNLOAD_TRIES = 3
/** How often a place is asked about when there is another one. */
const BRIEF_TRIES = 2
const BRIEF_PAUSE_MS = 250

/**
 * Downloads a document from one place after the other, from each up to three times, until size and SHA-256 are the
 * expected ones; `isRight` tells whether they are in the end. Throws `INTEGRITY` for one that no place has any more,
 * with `name` in its message; else the client's errors.
 */
export async function downloadDocument(
  client: TelegramClient,
  expected: ExpectedDocument,
  options: DocumentDownloadOptions,
): Promise<DownloadedFile & { isRight: boolean }> {
  let { located } = options
  let first: DownloadOutcome | undefined
  let place = options.place ?? (await firstPlace(expected))
  while (place !== undefined) {
    const outcome = await downloadFrom(client, expected, { ...options, place, located })
    if (outcome.right) return { ...outcome.right, isRight: true }
    // The first place is the document's own; what is said in the end is said of it.
    first ??= outcome
    place = await expected.elsewhere?.(outcome.failure ?? damaged(options))
    located = undefined
  }
  if (first?.wrong) return { ...first.wrong, isRight: false }
  throw unobtainable(options, first?.failure)
}

/** Where to begin. */
export async function firstPlace(expected: ExpectedDocument): Promise<DocumentPlace | undefined> {
  const { fileId, elsewhere } = expected
  return fileId === undefined ? await elsewhere?.(undefined) : { fileId, isBrief: elsewhere !== undefined }
}

interface DownloadOutcome {
  right?: DownloadedFile
  /** The bytes that came instead. */
  wrong?: DownloadedFile
  /** Why no bytes came. */
  failure?: TelegramError
}

async function downloadFrom(
  client: TelegramClient,
  expected: ExpectedDocument,
  { place, ...options }: DocumentDownloadOptions & { place: DocumentPlace },
): Promise<DownloadOutcome> {
  let { located } = options
  let outcome: DownloadOutcome = {}
  try {
    if (place.isBrief) {
      const path = await locateBriefly(client, { ...options, fileId: place.fileId })
      located = path === undefined ? undefined : Promise.resolve(path)
    }
  } catch (failure) {
    if (isRefusal(failure)) return { failure }
    throw failure
  }
  for (let tries = 0; tries < DOWNLOAD_TRIES; tries++) {
    try {
      const file = await client.downloadFile(place.fileId, {
        ...options,
        located: tries === 0 ? located : undefined,
        maxBytes: expected.size,
      })
      if (file.bytes.length === expected.size && file.sha256 === expected.sha256) return { right: file }
      if (outcome.failure === undefined) outcome = { wrong: file }
    } catch (failure) {
      if (!isRefusal(failure) && !isUnproven(failure)) throw failure
      outcome = { failure }
      if (failure.code === 'REFUSED') break
    }
  }
  return outcome
}

/**
 * Asks for the path of a file, for `downloadFile`, and takes the second refusal for an answer: that of a file which is
 * unavailable for the moment sounds like that of a dead file id. What was `located` before counts as the first time. Of any
 * other failure it says nothing: the download finds out, and has the patience for it.
 */
export async function locateBriefly(
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
    await sleep(BRIEF_PAUSE_MS, undefined, signal ? { signal } : {}).catch(() => {
      throw cancelled()
    })
  }
}

/** The chat does not have it any more, or this bot not under that name. */
function isRefusal(error: unknown): error is TelegramError {
  return error instanceof TelegramError && error.code === 'REFUSED' && error.retryAfterSeconds === undefined
}

/** Something else came in its place. */
function isUnproven(error: unknown): error is TelegramError {
  return error instanceof TelegramError && error.code === 'UNPROVEN'
}

function damaged({ name }: DocumentDownloadOptions): TelegramError {
  return new TelegramError(`${name} is not what was sent`, { code: 'INTEGRITY' })
}

function unobtainable(
  { name, partNumber }: DocumentDownloadOptions,
  cause: TelegramError | undefined,
): TelegramError {
  const why = cause?.description ?? cause?.message ?? 'no message of this chat is known to hold it'
  return new TelegramError(`${name} cannot be had from the chat: ${why}`, {
    code: 'INTEGRITY',
    cause,
    ...(partNumber === undefined ? {} : { partNumber }),
    hint: hint`Another backup of this source may be whole: ${run('list')}`,
  })
}
