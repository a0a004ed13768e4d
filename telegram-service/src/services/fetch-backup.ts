import { write } from 'node:fs'
import { ArchiveError, readArchive } from '@telegram-backup/archive'
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

const PARTS_FETCHED_AHEAD = 3

/** Fetches the parts ahead of the archive's reader, and stops fetching when the reader ends, however it ends. */
export function fetchPlainBytes(client: TelegramClient, options: FetchBackupOptions): AsyncIterable<Buffer> {
  const stop = new AbortController()
  const signal = AbortSignal.any([stop.signal, ...(options.signal ? [options.signal] : [])])
  const parts = [...options.parts].sort((a, b) => a.number - b.number)
  const received = fetchParts(client, parts, {
    ahead: PARTS_FETCHED_AHEAD,
    signal,
    onWait: options.onWait,
    onPart: options.onPart,
  })
  const plainBytes = readArchive(received, {
    backupId: options.backupId,
    identities: options.identities,
    encrypted: options.encrypted,
    expectedParts: parts.map(({ number, size, sha256 }) => ({ number, size, sha256 })),
    signal,
  })
  const bytes = (async function* (): AsyncGenerator<Buffer> {
    try {
      yield* plainBytes
    } catch (error) {
      throw originOf(error)
    } finally {
      stop.abort()
      await received.return(undefined)
    }
  })()
  return { [Symbol.asyncIterator]: () => bytes }
}

/** Writes the plain bytes into an open file, from its current position on. */
export async function fetchPlainBytesInto(
  client: TelegramClient,
  fd: number,
  options: FetchIntoOptions,
): Promise<{ plainSize: number }> {
  let plainSize = 0
  for await (const piece of fetchPlainBytes(client, options)) {
    for (let done = 0; done < piece.length; ) {
      done += await new Promise<number>((resolve, reject) =>
        write(fd, piece, done, piece.length - done, null, (error, written) =>
          error ? reject(error) : resolve(written),
        ),
      )
    }
    plainSize += piece.length
    options.onProgress?.(plainSize)
  }
  return { plainSize }
}

/** The archive wraps what failed while it waited for a part; the client's own error says more. */
function originOf(error: unknown): unknown {
  return error instanceof ArchiveError && error.cause instanceof TelegramError ? error.cause : error
}
