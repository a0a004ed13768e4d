import { spawn } from 'node:child_process'
import { fstatSync } from 'node:fs'
import type { Hole } from '@telegram-backup/archive'
import { findTar, tarEnvironment } from '#programs/tar-program.ts'

const TAR_BLOCK_BYTES = 512
/** `st_blocks` counts in these, whatever the file system uses. */
const STAT_BLOCK_BYTES = 512
/** Fewer bytes are read as fast as tar is started. */
const LEAST_BYTES = 64 * 1024 * 1024
/** About 50,000 holes. A file with more of them is read as it is. */
const MAX_MAP_BYTES = 1024 * 1024
const MAX_WAIT_MS = 10_000

/**
 * The holes of an open sparse file, in order. Node cannot ask the system for them, so GNU tar does: it writes
 * the map of the file before its bytes, which are not read. Empty for any other file, and where no map can be
 * had: the file is read as it is then.
 */
export async function findHoles(fd: number, signal?: AbortSignal): Promise<Hole[]> {
  const stat = fstatSync(fd)
  if (!stat.isFile() || stat.size - stat.blocks * STAT_BLOCK_BYTES < LEAST_BYTES) return []
  const tar = await findTar(signal).catch(() => undefined)
  signal?.throwIfAborted()
  const map = tar && (await sparseMap(tar.program, fd, signal))
  return map === undefined ? [] : holesBetween(map, stat.size)
}

/** A run of bytes that are on the disk. */
type Extent = readonly [offset: number, sizeBytes: number]

/** Starts tar, and kills it when the map is there. */
async function sparseMap(
  program: string,
  fd: number,
  signal: AbortSignal | undefined,
): Promise<Extent[] | undefined> {
  const child = spawn(
    program,
    [
      '--create',
      '--file=-',
      '--format=posix',
      '--sparse',
      '--hole-detection=seek',
      '--dereference',
      '/proc/self/fd/3',
    ],
    { stdio: ['ignore', 'pipe', 'ignore', fd], env: tarEnvironment(), signal, timeout: MAX_WAIT_MS },
  )
  const ended = new Promise<void>(resolve => {
    child.once('close', () => resolve()).once('error', () => resolve())
  })
  let bytes = Buffer.alloc(0)
  try {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      bytes = Buffer.concat([bytes, chunk])
      const map = readSparseMap(bytes)
      if (map !== 'undecided') return map
      if (bytes.length > MAX_MAP_BYTES) return undefined
    }
    return undefined
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}

/**
 * The map of the first file of a tar file, in the form that GNU tar calls 1.0: an extended header says so,
 * and the data begins with lines of digits, the number of extents, then the offset and size of each.
 * Undefined for another form, `undecided` for want of bytes.
 */
export function readSparseMap(tar: Buffer): Extent[] | undefined | 'undecided' {
  const extra = Number.parseInt(tar.toString('latin1', 124, 136), 8)
  const header = TAR_BLOCK_BYTES + Math.ceil(extra / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES
  if (tar.length < TAR_BLOCK_BYTES) return 'undecided'
  if (tar.toString('latin1', 156, 157) !== 'x' || Number.isNaN(extra)) return undefined
  if (tar.length < header + TAR_BLOCK_BYTES) return 'undecided'
  if (!tar.toString('latin1', TAR_BLOCK_BYTES, header).includes(' GNU.sparse.major=1\n')) return undefined
  // What follows the last line break may be half a number.
  const lines = tar
    .toString('latin1', header + TAR_BLOCK_BYTES)
    .split('\n')
    .slice(0, -1)
  const count = Number(lines[0] ?? Number.NaN)
  if (lines.length === 0 || lines.length < 1 + 2 * count) return 'undecided'
  const numbers = lines.slice(1, 1 + 2 * count).map(Number)
  if (!numbers.every(Number.isSafeInteger)) return undefined
  return Array.from({ length: count }, (_, index) => [
    numbers[2 * index] as number,
    numbers[2 * index + 1] as number,
  ])
}

/** What the extents leave out of a file. Empty when they are not in order: then the file is read as it is. */
export function holesBetween(extents: readonly Extent[], sizeBytes: number): Hole[] {
  const holes: Hole[] = []
  let position = 0
  for (const [offset, length] of extents) {
    if (offset < position || length < 0 || offset + length > sizeBytes) return []
    if (offset > position) holes.push({ start: position, end: offset })
    position = offset + length
  }
  if (position < sizeBytes) holes.push({ start: position, end: sizeBytes })
  return holes
}
