import { Readable } from 'node:stream'
import type { ArchiveSource, MemberIndex } from '@telegram-backup/archive'
import type { SourceFacts } from '#services/backup-metadata.ts'
import { cancelled, TelegramError } from '#telegram-error.ts'

/**
 * Where the plain bytes of one backup come from, already at work: an open file, a dump that runs, a folder being packed.
 * Declared by the sender, and implemented by whoever knows the source. One source makes one backup: its bytes are read
 * once, then `finish` is called at most once, and then `close`, exactly once.
 */
export interface BackupSource {
  readonly archiveSource: ArchiveSource
  /** Of the plain bytes; its extension tells what they are. */
  readonly filename: string
  /** Plain bytes, where known exactly beforehand. */
  readonly sizeBytes: number | undefined
  /** A guess at the plain bytes, for the progress, where nothing exact is known. */
  readonly estimatedBytes?: number | undefined
  /** What is known before the first byte was read. */
  readonly facts: SourceFacts
  /**
   * Called after the last byte was read and every part is in the chat, before the manifest. Throws when what was read is
   * no good (`SOURCE`: the dump failed, the file changed): then everything that was sent is taken back. It may wait for
   * a program to exit; when the send is cancelled meanwhile, its answer is not waited for and `close` is called.
   * @param plainBytesRead how many bytes came out of `archiveSource`
   */
  finish(plainBytesRead: number): Promise<SourceEnd>
  /**
   * Called when nothing reads the bytes any more, whatever became of the send, also when it was refused before anything
   * was read. Kills what still runs, and resolves when it is gone. What it throws is not heard.
   */
  close(): Promise<void>
}

/** What only the end of a source tells. */
export interface SourceEnd {
  /** Merged over the facts from the beginning. */
  facts?: SourceFacts
  /** What lies where in the plain bytes of a tar file; goes into the manifest. */
  members?: MemberIndex
}

/** What a caller may give as the file. */
export type GivenFile = string | Uint8Array | Readable | BackupSource

/** Throws `INVALID` for what is no source, and for a Readable that would pass for an empty file. */
export function assertGivenFile(file: unknown): asserts file is GivenFile {
  if (file instanceof Readable) {
    // One that has failed tells that itself when it is read.
    if (file.readable || file.errored !== null) return
    throw new TelegramError('The Readable has already been read or destroyed', { code: 'INVALID' })
  }
  if ((typeof file === 'string' && file !== '') || file instanceof Uint8Array || isBackupSource(file)) return
  throw new TelegramError('The file is neither a path, a Buffer, a Readable nor a source', {
    code: 'INVALID',
  })
}

/**
 * What was given as a source, with a `close` that may be called repeatedly. Undefined for a path, which has to be opened
 * (`openFile`), and for what is nothing of the kind. Never throws: what was given has to be closed also when it is refused.
 */
export function givenSource(
  file: unknown,
  { filename, type }: { filename?: string | undefined; type: string },
): BackupSource | undefined {
  const name = filename || DEFAULT_NAMES[type] || 'backup.bin'
  if (file instanceof Uint8Array) return bufferSource(file, name)
  if (file instanceof Readable) return streamSource(file, name)
  return isBackupSource(file) ? closedOnce(file, filename) : undefined
}

/** What the source says in the end, or `CANCELLED` as soon as the signal fires. */
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
  // It may fail before anyone reads it, and an error that nobody listens to ends the process. Reading finds it.
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
    ...(estimatedBytes === undefined ? {} : { estimatedBytes }),
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
