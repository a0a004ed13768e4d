import { execFileSync } from 'node:child_process'
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { findHoles, holesBetween, readSparseMap } from '#stream/file-holes.ts'

const folder = mkdtempSync(join(tmpdir(), 'file-holes-'))
afterAll(() => rmSync(folder, { recursive: true }))
const MIB = 1024 * 1024

/** A file of that size with these bytes at these offsets. */
function sparseFile(sizeBytes: number, offsets: readonly number[]): number {
  const path = join(folder, 'sparse')
  rmSync(path, { force: true })
  const fd = openSync(path, 'w+')
  for (const offset of offsets) writeSync(fd, Buffer.alloc(100_000, 7), 0, 100_000, offset)
  ftruncateSync(fd, sizeBytes)
  return fd
}

describe('the holes of a file', () => {
  it('are found by tar, without a byte of data in them', async () => {
    const offsets = [100 * MIB, 250 * MIB + 17]
    const fd = sparseFile(300 * MIB, offsets)
    const holes = await findHoles(fd)
    closeSync(fd)
    expect(holes.length).toBeGreaterThanOrEqual(3)
    expect(holes.reduce((sum, { start, end }) => sum + end - start, 0)).toBeGreaterThan(299 * MIB)
    for (const offset of offsets)
      expect(holes.every(({ start, end }) => end <= offset || start >= offset + 100_000)).toBe(true)
  })

  it('are nobody’s business in a dense file, an empty one and a pipe', async () => {
    const dense = sparseFile(100_000, [0])
    expect(await findHoles(dense)).toEqual([])
    closeSync(dense)
    const path = join(folder, 'fifo')
    execFileSync('bash', ['-c', 'mkfifo "$0"', path])
    const pipe = openSync(path, 'r+')
    expect(await findHoles(pipe)).toEqual([])
    closeSync(pipe)
  })

  it('a map is read alike wherever it is cut, or not at all', () => {
    const fd = sparseFile(300 * MIB, [0, 100 * MIB, 200 * MIB])
    closeSync(fd)
    const args = ['-c', '--format=posix', '--sparse', '--hole-detection=seek', '-C', folder, 'sparse']
    const tar = execFileSync('tar', args, { maxBuffer: 10 * MIB }).subarray(0, 4096)
    const whole = readSparseMap(tar)
    if (whole === undefined || whole === 'undecided') throw new Error('no map')
    expect(whole.slice(0, 3).map(([offset]) => offset)).toEqual([0, 100 * MIB, 200 * MIB])
    fc.assert(
      fc.property(fc.nat({ max: tar.length }), length => {
        expect([whole, 'undecided']).toContainEqual(readSparseMap(tar.subarray(0, length)))
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2048 }), bytes => {
        const map = readSparseMap(Buffer.from(bytes))
        expect(map === undefined || map === 'undecided').toBe(true)
      }),
    )
  })

  it('a map that is not in order, or reaches beyond the file, gives none', () => {
    expect(
      holesBetween(
        [
          [0, 10],
          [5, 10],
        ],
        100,
      ),
    ).toEqual([])
    expect(holesBetween([[0, 200]], 100)).toEqual([])
    expect(
      holesBetween(
        [
          [10, 10],
          [30, 0],
        ],
        100,
      ),
    ).toEqual([
      { start: 0, end: 10 },
      { start: 20, end: 30 },
      { start: 30, end: 100 },
    ])
  })
})
