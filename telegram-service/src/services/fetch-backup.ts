import {
  ArchiveError,
  type ReadArchiveOptions,
  type ReceivedPart,
  readArchive,
  readArchiveInto,
} from '@telegram-backup/archive'
import type { CallWait } from '#bot-api/call-policy.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { fetchParts, type PartHooks, type PartToFetch } from '#services/fetch-parts.ts'
import { TelegramError } from '#telegram-error.ts'

export interface FetchBackupOptions extends PartHooks {
  backupId: string
  /** All parts, in any order; with `partial`, the wanted ones. */
  parts: readonly PartToFetch[]
  /** Only some consecutive parts; whether the backup is complete is not checked. */
  partial?: boolean
  encrypted: boolean
  /** age identities, `AGE-SECRET-KEY-1…`. */
  identities: readonly string[]
  signal?: AbortSignal | undefined
  onWait?: ((wait: CallWait) => void) | undefined
}

export interface FetchIntoOptions extends FetchBackupOptions {
  /** The file is new and empty: runs of zeros become holes. A pipe or a device gets its zeros. */
  sparse?: boolean | undefined
  /** Called with the number of written plain bytes. */
  onProgress?: ((plainBytesWritten: number) => void) | undefined
}

/** The plain bytes, to be iterated once. Parts are fetched ahead, until the reader ends. */
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

/** Writes the plain bytes into an open file, from its current position, in a thread. */
export async function fetchPlainBytesInto(
  client: TelegramClient,
  fd: number,
  options: FetchIntoOptions,
): Promise<{ plainSize: number }> {
  const { onProgress, sparse } = options
  const { received, reading, end } = startFetching(client, options)
  try {
    const { plainSize } = await readArchiveInto(fd, received, { ...reading, onProgress, sparse })
    return { plainSize }
  } catch (error) {
    throw originOf(error)
  } finally {
    await end()
  }
}

/** The parts from the chat, what to check of them, and how to stop. */
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
    onPartAwaited: options.onPartAwaited,
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

/** The client's error, which says more than the archive's; or that with its part's number. */
function originOf(error: unknown): unknown {
  if (!(error instanceof ArchiveError)) return error
  if (error.cause instanceof TelegramError) return error.cause
  const { code, message, partNumber, hint, cause } = error
  const namesPart = new RegExp(`\\bpart ${partNumber}\\b`, 'i').test(message)
  if (code !== 'INTEGRITY' || partNumber === undefined || namesPart) return error
  return new ArchiveError(`Part ${partNumber} is damaged: ${message}`, {
    code,
    partNumber,
    hint,
    cause,
  })
}
