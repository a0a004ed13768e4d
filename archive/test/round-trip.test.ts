import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MIN_PART_SIZE_BYTES } from '#index.ts'
import { archiveOf, bytesOf, dumpText, leftovers, noise, readerOf, sha256 } from '#test/sample-archives.ts'

/** Zeros, text and noise in any order: what compresses to nothing beside what does not compress. */
const content = fc
  .array(fc.tuple(fc.constantFrom('zeros', 'text', 'noise'), fc.nat(60_000)), { maxLength: 5 })
  .map(pieces =>
    Buffer.concat(
      pieces.map(([kind, size], i) => {
        if (kind === 'zeros') return Buffer.alloc(size)
        return kind === 'text' ? dumpText(size) : noise(size, String(i))
      }),
    ),
  )

async function* cutInto(bytes: Buffer, lengths: number[]): AsyncGenerator<Buffer> {
  for (let offset = 0, i = 0; offset < bytes.length; i++) {
    const length = lengths[i % lengths.length] ?? bytes.length
    yield bytes.subarray(offset, offset + length)
    offset += length
  }
}

describe('an archive', () => {
  it('gives back any bytes, however they are cut on the way in and into parts, and leaves nothing running', async () => {
    const before = leftovers()
    const options = fc.record({
      partSizeBytes: fc.integer({ min: MIN_PART_SIZE_BYTES, max: 90_000 }),
      encrypted: fc.boolean(),
    })
    const lengths = fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(content, lengths, options, async (bytes, chunking, { partSizeBytes, encrypted }) => {
        const archive = await archiveOf(cutInto(bytes, chunking), { partSizeBytes, encrypted })
        expect(Math.max(...archive.parts.map(part => part.bytes.length))).toBeLessThanOrEqual(partSizeBytes)
        const reader = readerOf(archive.parts, { backupId: archive.backup.id, encrypted })
        expect(sha256(await bytesOf(reader))).toBe(sha256(bytes))
        const summary = {
          parts: archive.parts.length,
          plainOffset: 0,
          plainSize: bytes.length,
          plainSha256: sha256(bytes),
        }
        expect(reader.summary).toEqual(summary)
        expect(archive).toMatchObject({ plainSize: bytes.length, plainSha256: sha256(bytes) })
      }),
      { numRuns: roundsOf(12) },
    )
    expect(leftovers()).toEqual(before)
  })

  it('describes its parts truly', async () => {
    const bytes = Buffer.concat([noise(50_000), Buffer.alloc(300_000), dumpText(100_000)])
    const { parts, archiveSha256, archiveSize } = await archiveOf(bytes)
    expect(parts.length).toBeGreaterThan(4)
    let offset = 0
    for (const [index, part] of parts.entries()) {
      expect(part).toMatchObject({ number: index + 1, last: index === parts.length - 1, plainOffset: offset })
      expect(part.sha256).toBe(sha256(part.bytes))
      expect(part.plainSha256).toBe(sha256(bytes.subarray(offset, offset + part.plainSize)))
      offset += part.plainSize
    }
    expect(offset).toBe(bytes.length)
    const joined = Buffer.concat(parts.map(part => part.bytes))
    expect({ archiveSha256, archiveSize }).toEqual({
      archiveSha256: sha256(joined),
      archiveSize: joined.length,
    })
  })

  it('of nothing is one part that gives back nothing', async () => {
    const archive = await archiveOf(Buffer.alloc(0))
    expect(archive.parts).toHaveLength(1)
    expect(await bytesOf(readerOf(archive.parts, { backupId: archive.backup.id }))).toHaveLength(0)
  })

  it('of many megabytes with blocks of full size comes back, part by part bounded', async () => {
    const bytes = Buffer.concat([dumpText(3_000_000), noise(2_500_000), Buffer.alloc(4_000_000)])
    const archive = await archiveOf(bytes, { partSizeBytes: 1_200_000 })
    expect(archive.parts.length).toBeGreaterThan(3)
    const restored = await bytesOf(readerOf(archive.parts, { backupId: archive.backup.id }))
    expect(sha256(restored)).toBe(sha256(bytes))
  })

  it('of incompressible bytes has full parts of different sizes', async () => {
    const { parts } = await archiveOf(noise(400_000), { partSizeBytes: 70_000 })
    const sizes = parts.slice(0, -1).map(part => part.bytes.length)
    expect(sizes.length).toBeGreaterThan(5)
    expect(new Set(sizes).size).toBeGreaterThan(1)
  })
})
