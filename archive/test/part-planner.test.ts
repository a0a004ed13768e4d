import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ageFileSizeBytes } from '#age-file.ts'
import { encodePartHeader, MAX_FRAMES } from '#part-header.ts'
import {
  DEFAULT_PART_SIZE_BYTES,
  MAX_PART_SIZE_BYTES,
  MIN_PART_SIZE_BYTES,
  maxPaddingBytes,
  type PartFill,
  planParts,
  takesFrame,
  withFrame,
} from '#part-planner.ts'
import { sampleBackup } from '#test/sample-archives.ts'
import { maxFrameSizeBytes } from '#zstd-frame.ts'

const EMPTY: PartFill = { frames: 0, framesBytes: 0, frameListBytes: 0 }

function headerBytes(
  options: { backup: ReturnType<typeof sampleBackup>; frames: number[]; last: boolean },
  padding: number,
): number {
  return encodePartHeader(
    {
      format: 1,
      backup: options.backup,
      part: Number.MAX_SAFE_INTEGER,
      plainOffset: Number.MAX_SAFE_INTEGER,
      plainSize: Number.MAX_SAFE_INTEGER,
      plainSha256: 'a'.repeat(64),
      ...(options.last ? { last: true, wholeSha256: 'a'.repeat(64) } : { last: false }),
      blockSize: 1024 * 1024,
      frames: options.frames,
    },
    padding,
  ).length
}

const plans = fc.record({
  partSizeBytes: fc.oneof(
    fc.integer({ min: MIN_PART_SIZE_BYTES, max: 4 * 1024 * 1024 }),
    fc.integer({ min: MIN_PART_SIZE_BYTES, max: MAX_PART_SIZE_BYTES }),
  ),
  recipientCount: fc.integer({ min: 0, max: 20 }),
  backup: fc.record({
    id: fc.uuid(),
    project: fc.string({ maxLength: 64, unit: 'binary' }),
    type: fc.string({ maxLength: 64, unit: 'binary' }),
    filename: fc.string({ maxLength: 255, unit: 'binary' }),
  }),
})

describe('planning parts', () => {
  it('never lets a part grow beyond its limit, with the longest header, padding and encryption', () => {
    fc.assert(
      fc.property(
        plans,
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        fc.boolean(),
        (options, ratios, last) => {
          const plan = planParts(options)
          const longest = maxFrameSizeBytes(plan.blockSizeBytes)
          const frames: number[] = []
          let fill = EMPTY
          for (const ratio of ratios) {
            const frame = Math.max(13, Math.ceil(ratio * longest))
            if (frames.length >= 200 || !takesFrame(plan, fill, frame)) break
            frames.push(frame)
            fill = withFrame(fill, frame)
          }
          const padding = maxPaddingBytes(plan, fill)
          expect(padding).toBeGreaterThanOrEqual(0)
          const plainBytes = headerBytes({ backup: options.backup, frames, last }, padding) + fill.framesBytes
          const { recipientCount } = options
          const sealedBytes = recipientCount === 0 ? plainBytes : ageFileSizeBytes(plainBytes, recipientCount)
          expect(sealedBytes).toBeLessThanOrEqual(options.partSizeBytes)
        },
      ),
    )
  })

  it('always has room for one block, even if zstd makes it longer', () => {
    fc.assert(
      fc.property(plans, options => {
        const plan = planParts(options)
        expect(takesFrame(plan, EMPTY, maxFrameSizeBytes(plan.blockSizeBytes))).toBe(true)
        expect(Math.log2(plan.blockSizeBytes) % 1).toBe(0)
      }),
    )
  })

  it('takes 4,096 frames at most', () => {
    const plan = planParts({
      partSizeBytes: DEFAULT_PART_SIZE_BYTES,
      recipientCount: 1,
      backup: sampleBackup(),
    })
    let fill = EMPTY
    for (let frame = 0; frame < MAX_FRAMES; frame++) {
      expect(takesFrame(plan, fill, 54)).toBe(true)
      fill = withFrame(fill, 54)
    }
    expect(takesFrame(plan, fill, 54)).toBe(false)
  })

  it('fills a part of the default size to 93 % with incompressible blocks of 1 MiB', () => {
    const plan = planParts({
      partSizeBytes: DEFAULT_PART_SIZE_BYTES,
      recipientCount: 1,
      backup: sampleBackup(),
    })
    expect(plan.blockSizeBytes).toBe(1024 * 1024)
    let fill = EMPTY
    while (takesFrame(plan, fill, 1_048_613)) fill = withFrame(fill, 1_048_613)
    expect(fill.framesBytes / DEFAULT_PART_SIZE_BYTES).toBeGreaterThan(0.93)
    expect(maxPaddingBytes(plan, fill)).toBe(64 * 1024)
  })

  it.each([0, -1, MIN_PART_SIZE_BYTES - 1, MAX_PART_SIZE_BYTES + 1, 20_000.5, Number.NaN])(
    'refuses parts of %d bytes',
    partSizeBytes => {
      expect(() => planParts({ partSizeBytes, recipientCount: 1, backup: sampleBackup() })).toThrow(
        expect.objectContaining({ code: 'CONFIGURATION' }),
      )
    },
  )

  it('refuses more recipients than a part has room for', () => {
    expect(() =>
      planParts({ partSizeBytes: MIN_PART_SIZE_BYTES, recipientCount: 160, backup: sampleBackup() }),
    ).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  })
})
