import type { DownloadedFile, DownloadOptions } from '#bot-api/file-download.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { TelegramError } from '#telegram-error.ts'

/** A document of ours in the chat, as the catalog or the manifest knows it. */
export interface ExpectedDocument {
  /** As this bot names the file; undefined when only another bot's name for it is known. */
  fileId: string | undefined
  /** As sent, in bytes. */
  size: number
  /** Of the document, hex. */
  sha256: string
  /**
   * The next file id to try: when there is none yet (`cause` is undefined), and after what a file id led to could not
   * be had or was not what was sent. Resolves to undefined when there is no other place.
   */
  elsewhere?: ((cause: TelegramError | undefined) => Promise<string | undefined>) | undefined
}

/** What a document is called in errors, and how it is downloaded. */
export type DocumentDownloadOptions = Omit<DownloadOptions, 'maxBytes'> & {
  name: string
  partNumber?: number
}

/** Bytes can be flipped on the way as well as in the chat; only the latter comes again. */
const DOWNLOAD_TRIES = 3

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
  let wrong: DownloadedFile | undefined
  let cause: TelegramError | undefined
  let fileId = expected.fileId ?? (await expected.elsewhere?.(undefined))
  while (fileId !== undefined) {
    const outcome = await downloadFrom(client, { ...expected, fileId }, { ...options, located })
    if (outcome.right) return { ...outcome.right, isRight: true }
    // The first place is the document's own; what is said in the end is said of it.
    if (cause === undefined) wrong = outcome.wrong
    cause ??= outcome.cause ?? damaged(options)
    fileId = await expected.elsewhere?.(cause)
    located = undefined
  }
  if (wrong) return { ...wrong, isRight: false }
  throw unobtainable(options, cause)
}

interface DownloadOutcome {
  right?: DownloadedFile
  wrong?: DownloadedFile
  cause?: TelegramError
}

async function downloadFrom(
  client: TelegramClient,
  expected: { fileId: string; size: number; sha256: string },
  options: DocumentDownloadOptions,
): Promise<DownloadOutcome> {
  const { fileId, size } = expected
  let outcome: DownloadOutcome = {}
  for (let tries = 0; tries < DOWNLOAD_TRIES; tries++) {
    try {
      const file = await client.downloadFile(fileId, {
        ...options,
        located: tries === 0 ? options.located : undefined,
        maxBytes: size,
      })
      if (file.bytes.length === size && file.sha256 === expected.sha256) return { right: file }
      if (outcome.cause === undefined) outcome = { wrong: file }
    } catch (error) {
      if (!isAboutTheDocument(error)) throw error
      outcome = { cause: error }
      if (error.code === 'REFUSED') break
    }
  }
  return outcome
}

/** A refusal means that the chat does not have it any more, `UNPROVEN` that something else came in its place. */
function isAboutTheDocument(error: unknown): error is TelegramError {
  if (!(error instanceof TelegramError)) return false
  const isFlood = error.retryAfterSeconds !== undefined
  return (error.code === 'REFUSED' && !isFlood) || error.code === 'UNPROVEN'
}

function damaged({ name }: DocumentDownloadOptions): TelegramError {
  return new TelegramError(`${name} is not what was sent`, 'INTEGRITY')
}

function unobtainable(
  { name, partNumber }: DocumentDownloadOptions,
  cause: TelegramError | undefined,
): TelegramError {
  const why = cause?.description ?? cause?.message ?? 'no message of this chat is known to hold it'
  return new TelegramError(`${name} cannot be had from the chat: ${why}`, 'INTEGRITY', {
    cause,
    ...(partNumber === undefined ? {} : { partNumber }),
    hint: 'Another backup of this source may be whole: telegram-backup list',
  })
}
