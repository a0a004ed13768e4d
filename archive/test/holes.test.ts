import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { type Hole, readArchiveInto } from '#index.ts'
import { archiveOf, KEYS, makeFifo, noise, received, sha256 } from '#test/sample-archives.ts'

const folder = mkdtempSync(join(tmpdir(), 'archive-holes-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Lengths of holes and of data in turn. */
const LENGTHS = fc.array(fc.nat({ max: 700_000 }), { minLength: 1, maxLength: 6 })

/** A file with these runs, holes first, and where its holes are. */
function sparseFile(lengths: readonly number[]): { path: string; bytes: Buffer; holes: Hole[] } {
  const path = join(folder, 'sparse')
  const fd = openSync(path, 'w')
  const runs: Buffer[] = []
  const holes: Hole[] = []
  let position = 0
  for (const [index, length] of lengths.entries()) {
    const isHole = index % 2 === 0
    runs.push(isHole ? Buffer.alloc(length) : noise(length))
    if (!isHole) writeSync(fd, runs.at(-1) as Buffer, 0, length, position)
    else if (length > 0) holes.push({ start: position, end: position + length })
    position += length
  }
  ftruncateSync(fd, position)
  closeSync(fd)
  return { path, bytes: Buffer.concat(runs), holes }
}

async function writtenInto(path: string, options: { bytes: Buffer; sparse: boolean }): Promise<number> {
  const { backup, parts } = await archiveOf(options.bytes, { partSizeBytes: 4_000_000 })
  const fd = openSync(path, 'w')
  try {
    const reading = { backupId: backup.id, identities: [KEYS.identity], encrypted: true }
    await readArchiveInto(fd, received(parts), { ...reading, sparse: options.sparse })
    return fstatSync(fd).blocks * 512
  } finally {
    closeSync(fd)
  }
}

describe('the holes of a sparse file', () => {
  it('are zeros in the archive, wherever they lie', async () => {
    await fc.assert(
      fc.asyncProperty(LENGTHS, async lengths => {
        const { path, bytes, holes } = sparseFile(lengths)
        const fd = openSync(path, 'r')
        const { plainSha256, plainSize } = await archiveOf({ fd, holes }, { partSizeBytes: 200_000 })
        closeSync(fd)
        expect({ plainSize, plainSha256 }).toEqual({ plainSize: bytes.length, plainSha256: sha256(bytes) })
      }),
      { numRuns: roundsOf(20) },
    )
  })

  it('are not read: bytes that appear there later are not in the archive', async () => {
    const { path, bytes, holes } = sparseFile([300_000, 100_000])
    const fd = openSync(path, 'r+')
    writeSync(fd, noise(1_000), 0, 1_000, 50_000)
    const { plainSha256 } = await archiveOf({ fd, holes })
    closeSync(fd)
    expect(plainSha256).toBe(sha256(bytes))
  })

  it('come back as holes in a new file, with every byte the same', async () => {
    const path = join(folder, 'restored')
    await fc.assert(
      fc.asyncProperty(LENGTHS, async lengths => {
        const { bytes } = sparseFile(lengths)
        await writtenInto(path, { bytes, sparse: true })
        expect(readFileSync(path).equals(bytes)).toBe(true)
      }),
      { numRuns: roundsOf(20) },
    )
    const mostly = Buffer.concat([Buffer.alloc(8_000_000), noise(1_000), Buffer.alloc(8_000_000)])
    const sparse = await writtenInto(path, { bytes: mostly, sparse: true })
    expect(sparse).toBeLessThan(1_000_000)
    expect(await writtenInto(path, { bytes: mostly, sparse: false })).toBeGreaterThan(16_000_000)
  })

  it('are written as zeros into a pipe', async () => {
    const path = join(folder, 'fifo')
    makeFifo(path)
    const bytes = Buffer.concat([Buffer.alloc(500_000), noise(1_000), Buffer.alloc(500_000)])
    const reading = (async (): Promise<Buffer> => {
      const { readFile } = await import('node:fs/promises')
      return await readFile(path)
    })()
    await writtenInto(path, { bytes, sparse: true })
    expect(sha256(await reading)).toBe(sha256(bytes))
  })
})
