import { execFileSync } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import {
  type ArchiveError,
  type ArchiveReader,
  type ArchiveSource,
  type ArchiveSummary,
  type BackupIdentity,
  generateIdentity,
  type ReceivedPart,
  readArchive,
  type SealedPart,
  writeArchive,
} from '#index.ts'

/** Keys for the tests of one file. */
export const KEYS: { identity: string; recipient: string } = await generateIdentity()

/** A backup with an id of its own. */
export function sampleBackup(): BackupIdentity {
  return { id: randomUUID(), project: 'shop', type: 'database', filename: 'shop.sql' }
}

/** The smallest parts, so that a few kilobytes make several. */
export const SMALL_PART_BYTES: number = 16 * 1024

/** Writes a whole archive into memory. */
export async function archiveOf(
  source: ArchiveSource,
  options: { backup?: BackupIdentity; partSizeBytes?: number; encrypted?: boolean } = {},
): Promise<Omit<ArchiveSummary, 'parts'> & { backup: BackupIdentity; parts: SealedPart[] }> {
  const backup = options.backup ?? sampleBackup()
  const writer = writeArchive(source, {
    backup,
    encryption: options.encrypted === false ? 'off' : { recipients: [KEYS.recipient] },
    partSizeBytes: options.partSizeBytes ?? SMALL_PART_BYTES,
  })
  const parts = await listOf(writer)
  return { ...writer.summary, backup, parts }
}

/** The parts as if they had been fetched. */
export async function* received(parts: readonly ReceivedPart[]): AsyncGenerator<ReceivedPart> {
  yield* parts
}

/** A reader for parts made by {@link archiveOf}. */
export function readerOf(
  parts: readonly ReceivedPart[],
  options: Partial<Parameters<typeof readArchive>[1]> & { backupId: string },
): ArchiveReader {
  return readArchive(received(parts), { identities: [KEYS.identity], encrypted: true, ...options })
}

/** All elements of an iteration. */
export async function listOf<Element>(iterable: AsyncIterable<Element>): Promise<Element[]> {
  const elements: Element[] = []
  for await (const element of iterable) elements.push(element)
  return elements
}

/** All bytes of a stream. */
export async function bytesOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  return Buffer.concat(await listOf(stream))
}

/** The error a promise is rejected with; fails when it is not. */
export async function rejectionOf(promise: Promise<unknown>): Promise<ArchiveError> {
  return promise.then(
    () => {
      throw new Error('was expected to fail, but did not')
    },
    (error: ArchiveError) => error,
  )
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Bytes that neither repeat nor compress, the same on every run. */
export function noise(sizeBytes: number, seed = 'noise'): Buffer {
  return createHash('shake256', { outputLength: sizeBytes }).update(seed).digest()
}

/** Text as a dump has it: it compresses to about a third. */
export function dumpText(sizeBytes: number): Buffer {
  const rows: string[] = []
  for (let size = 0, id = 1; size < sizeBytes; id++) {
    const row = `${id}\t${sha256(Buffer.from(String(id))).slice(0, 12)}\tan order that was paid and sent\n`
    rows.push(row)
    size += row.length
  }
  return Buffer.from(rows.join('')).subarray(0, sizeBytes)
}

export function flipBit(bytes: Uint8Array, bit: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return copy
}

export function makeFifo(path: string): void {
  execFileSync('bash', ['-c', 'mkfifo "$0"', path])
}

/**
 * The kernel's mark of a thread that has begun to end (PF_EXITING): it may be listed for a moment after all
 * have seen it end.
 */
const ENDING = 0x4

/** Worker threads and open files of this process: what a run must not leave behind. */
export function leftovers(): { threads: number; files: number } {
  const workers = readdirSync('/proc/self/task').filter(task => {
    try {
      const stat = readFileSync(`/proc/self/task/${task}/stat`, 'utf8')
      const flags = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[6])
      return stat.includes('(WorkerThread)') && (flags & ENDING) === 0
    } catch {
      // It has ended since it was listed.
      return false
    }
  })
  return {
    threads: workers.length,
    files: readdirSync('/proc/self/fd').length,
  }
}
