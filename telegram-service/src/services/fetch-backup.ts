import {
  ArchiveError,
  type ReadArchiveOptions,
  type ReceivedPart,
  readArchive,
  readArchiveInto,
} from '@telegram-backup/archive'
import type { CallWait } from '#bot-api/call-policy.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { fetchParts, type PartToFetch } from '#services/fetch-parts.ts'
import { TelegramError } from '#telegram-error.ts'

export interface FetchBackupOptions {
  backupId: string
  /** All parts, in any order; with `partial` those that are wanted. */
  parts: readonly PartToFetch[]
  /**
   * The parts are consecutive, but not all of the backup's. The bytes begin where the first one's do; each part is
   * checked as always, but nothing tells whether the backup is whole.
   */
  partial?: boolean
  encrypted: boolean
  /** age identities, `AGE-SECRET-KEY-1…`. */
  identities: readonly string[]
  signal?: AbortSignal | undefined
  /** Hears of each part that was fetched, before it is opened. */
  onPart?: ((part: PartToFetch) => void) | undefined
  onWait?: ((wait: CallWait) => void) | undefined
}

/** {@link FetchBackupOptions}, for bytes that go into a file. */
export interface FetchIntoOptions extends FetchBackupOptions {
  /** Hears how many plain bytes were written so far. */
  onProgress?: ((plainBytesWritten: number) => void) | undefined
}

/**
 * The plain bytes, to be iterated once. The parts are fetched ahead of the archive's reader, and fetching stops when the
 * reader ends, however it ends.
 */
export function fetchPlainBytes(client: TelegramClient, options: FetchBackupOptions): AsyncIterable<Buffer> {
  const { received, reading, end } = startFetching(client, options)
  const plainBytes = readArchive(received, reading)
  const bytes = (async function* (): AsyncGenerator<Buffer> {
    try {
      yield* plainBytes
    } catch (error) {
      throw originOf(error)
    } finally {
      await end()
    }
  })()
  return { [Symbol.asyncIterator]: () => bytes }
}

/** Writes the plain bytes into an open file, from its current position on; a thread does, and they never come here. */
export async function fetchPlainBytesInto(
  client: TelegramClient,
  fd: number,
  options: FetchIntoOptions,
): Promise<{ plainSize: number }> {
  const { onProgress } = options
  const { received, reading, end } = startFetching(client, options)
  try {
    const { plainSize } = await readArchiveInto(fd, received, {
      ...reading,
      ...(onProgress && { onProgress }),
    })
    return { plainSize }
  } catch (error) {
    throw originOf(error)
  } finally {
    await end()
  }
}

/** The parts as they come from the chat, what the archive is to check of them, and how to stop the downloads. */
function startFetching(
  client: TelegramClient,
  options: FetchBackupOptions,
): {
  received: AsyncIterable<ReceivedPart>
  reading: ReadArchiveOptions
  end: () => Promise<void>
} {
  const stop = new AbortController()
  const signal = AbortSignal.any([stop.signal, ...(options.signal ? [options.signal] : [])])
  const parts = [...options.parts].sort((a, b) => a.number - b.number)
  const received = fetchParts(client, parts, {
    signal,
    onWait: options.onWait,
    onPart: options.onPart,
  })
  return {
    received,
    reading: {
      backupId: options.backupId,
      identities: options.identities,
      encrypted: options.encrypted,
      expectedParts: parts.map(({ number, size, sha256 }) => ({ number, size, sha256 })),
      partial: options.partial === true,
      signal,
    },
    end: async () => {
      stop.abort()
      await received.return(undefined)
    },
  }
}

/** The client's own error, which says more than the archive that waited for a part; or the archive's, naming the part. */
function originOf(error: unknown): unknown {
  if (!(error instanceof ArchiveError)) return error
  if (error.cause instanceof TelegramError) return error.cause
  const { code, message, partNumber, hint, cause } = error
  const namesPart = new RegExp(`\\bpart ${partNumber}\\b`, 'i').test(message)
  if (code !== 'INTEGRITY' || partNumber === undefined || namesPart) return error
  return new ArchiveError(`Part ${partNumber} is damaged: ${message}`, {
    code,
    partNumber,
    ...(hint === undefined ? {} : { hint }),
    cause,
  })
}
