import type { DownloadedFile, DownloadOptions } from '#bot-api/file-download.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { TelegramError } from '#telegram-error.ts'

/** A document of ours in the chat, as the catalog or the manifest knows it. */
export interface ExpectedDocument {
  fileId: string
  /** As sent, in bytes. */
  size: number
  /** Of the document, hex. */
  sha256: string
}

/** Bytes can be flipped on the way as well as in the chat; only the latter comes again. */
const DOWNLOAD_TRIES = 3

/**
 * Downloads a document, up to three times until size and SHA-256 are the expected ones; `isRight` tells whether they are
 * in the end. Throws `INTEGRITY` for one that the chat does not have any more, with `name` in its message; else the
 * client's errors.
 */
export async function downloadDocument(
  client: TelegramClient,
  expected: ExpectedDocument,
  options: Omit<DownloadOptions, 'maxBytes'> & { name: string; partNumber?: number },
): Promise<DownloadedFile & { isRight: boolean }> {
  const { fileId, size } = expected
  let wrong: DownloadedFile | undefined
  let cause: unknown
  for (let tries = 0; tries < DOWNLOAD_TRIES; tries++) {
    try {
      const file = await client.downloadFile(fileId, {
        ...options,
        located: tries === 0 ? options.located : undefined,
        maxBytes: size,
      })
      if (file.bytes.length === size && file.sha256 === expected.sha256) return { ...file, isRight: true }
      wrong = file
    } catch (error) {
      if (!isAboutTheDocument(error)) throw error
      cause = error
      if (error.code === 'REFUSED') break
    }
  }
  if (wrong && cause === undefined) return { ...wrong, isRight: false }
  throw unobtainable(options, cause)
}

/** A refusal means that the chat does not have it any more, `UNPROVEN` that something else came in its place. */
function isAboutTheDocument(error: unknown): error is TelegramError {
  if (!(error instanceof TelegramError)) return false
  const isFlood = error.retryAfterSeconds !== undefined
  return (error.code === 'REFUSED' && !isFlood) || error.code === 'UNPROVEN'
}

function unobtainable(
  { name, partNumber }: { name: string; partNumber?: number },
  cause: unknown,
): TelegramError {
  const why = cause instanceof TelegramError ? (cause.description ?? cause.message) : 'unknown'
  return new TelegramError(`${name} cannot be had from the chat: ${why}`, 'INTEGRITY', {
    cause,
    ...(partNumber === undefined ? {} : { partNumber }),
    hint: 'Another backup of this source may be whole: telegram-backup list',
  })
}
