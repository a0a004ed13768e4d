import { Readable } from 'node:stream'
import type { ArchiveSource, MemberIndex } from '@telegram-backup/archive'
import type { SourceFacts } from '#services/backup-metadata.ts'
import { cancelled, TelegramError } from '#telegram-error.ts'

/**
 * Gives the plain bytes of one backup: an open file, a running dump, a folder being packed. Declared by the
 * sender, implemented for each source. Its bytes are read once, then `finish` is called at most once, then
 * `close` once.
 */
export interface BackupSource {
  readonly archiveSource: ArchiveSource
  /** Of the plain bytes, with their extension. */
  readonly filename: string
  /** Plain bytes, if known exactly. */
  readonly sizeBytes: number | undefined
  /** An estimate for the progress. */
  readonly estimatedBytes?: number | undefined
  /** Known before the first byte was read. */
  readonly facts: SourceFacts
  /**
   * Called when all parts are in the chat, before the manifest. Throws when the bytes are no good (`SOURCE`:
   * the dump failed, the file changed): then all that was sent is erased. It may wait for a program to exit;
   * a cancel does not wait for it.
   * @param plainBytesRead how many bytes came out of `archiveSource`
   */
  finish(plainBytesRead: number): Promise<SourceEnd>
  /** Called when nothing reads the bytes any more. Resolves when all that runs is killed. */
  close(): Promise<void>
}

/** Known only at the end of a source. */
export interface SourceEnd {
  /** Override the first facts. */
  facts?: SourceFacts
  /** The members of a tar file, for the manifest. */
  members?: MemberIndex
}

export type GivenFile = string | Uint8Array | Readable | BackupSource

/** Throws `INVALID` for anything else, and for a Readable that would seem an empty file. */
export function assertGivenFile(file: unknown): asserts file is GivenFile {
  if (file instanceof Readable) {
    // A failed Readable reports its error when it is read.
    if (file.readable || file.errored !== null) return
    throw new TelegramError('The Readable has already been read or destroyed', { code: 'INVALID' })
  }
  if ((typeof file === 'string' && file !== '') || file instanceof Uint8Array || isBackupSource(file)) return
  throw new TelegramError('The file is neither a path, a Buffer, a Readable nor a source', {
    code: 'INVALID',
  })
}

/**
 * A given source, with a `close` that may be called repeatedly. Undefined for a path, which has to be opened,
 * and for anything else. Never throws: a refused source has to be closed, too.
 */
export function givenSource(
  file: unknown,
  { filename, type }: { filename?: string | undefined; type: string },
): BackupSource | undefined {
  const byType = Object.hasOwn(DEFAULT_NAMES, type) ? DEFAULT_NAMES[type] : undefined
  const name = filename || byType || 'backup.bin'
  if (file instanceof Uint8Array) return bufferSource(file, name)
  if (file instanceof Readable) return streamSource(file, name)
  return isBackupSource(file) ? closedOnce(file, filename) : undefined
}

/** The end of the source, or `CANCELLED` as soon as the signal fires. */
export function finishSource(
  source: BackupSource,
  plainBytesRead: number,
  signal: AbortSignal,
): Promise<SourceEnd> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(cancelled())
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    source
      .finish(plainBytesRead)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort))
  })
}

const DEFAULT_NAMES: Readonly<Record<string, string>> = {
  database: 'database.sql',
  storage: 'storage.bin',
  logs: 'logs.log',
}

function bufferSource(file: Uint8Array, filename: string): BackupSource {
  return {
    archiveSource: file,
    filename,
    sizeBytes: file.byteLength,
    facts: { kind: 'buffer' },
    finish: async () => ({}),
    close: async () => {},
  }
}

function streamSource(file: Readable, filename: string): BackupSource {
  // An error without a listener would end the process; reading reports it.
  file.on('error', () => {})
  return {
    archiveSource: file,
    filename,
    sizeBytes: undefined,
    facts: { kind: 'stream' },
    finish: async () => ({}),
    close: async () => {
      file.destroy()
    },
  }
}

function closedOnce(source: BackupSource, filename: string | undefined): BackupSource {
  const { archiveSource, sizeBytes, estimatedBytes, facts } = source
  let closing: Promise<void> | undefined
  return {
    archiveSource,
    filename: filename || source.filename,
    sizeBytes,
    estimatedBytes,
    facts,
    finish: plainBytesRead => source.finish(plainBytesRead),
    close: () => {
      closing ??= (async () => source.close())().catch(() => {})
      return closing
    },
  }
}

function isBackupSource(file: unknown): file is BackupSource {
  return (
    typeof file === 'object' &&
    file !== null &&
    'archiveSource' in file &&
    'finish' in file &&
    'close' in file &&
    typeof file.finish === 'function' &&
    typeof file.close === 'function'
  )
}
