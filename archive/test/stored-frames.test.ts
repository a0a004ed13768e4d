import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { looksIncompressible } from '#incompressible.ts'
import { FrameWriter } from '#packs/frame-writer.ts'
import { dumpText, noise } from '#test/sample-archives.ts'
import { decompressFrame, maxFrameSizeBytes, writeStoredFrame } from '#zstd-frame.ts'

const MIB = 1024 ** 2

function frameOf(plain: Buffer, writer = new FrameWriter()): Buffer {
  const memory = Buffer.alloc(maxFrameSizeBytes(plain.length))
  return memory.subarray(0, writer.write(plain, memory))
}

describe('a frame of bytes as they are', () => {
  it('gives them back, at every size, and is never longer than a frame may be', () => {
    const nearBlocks = fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: -2, max: 2 }))
    const size = fc.oneof(
      fc.integer({ min: 1, max: MIB }),
      nearBlocks.map(([blocks, more]) => Math.min(MIB, blocks * 128 * 1024 + more)),
    )
    fc.assert(
      fc.property(size, size => {
        const plain = noise(size)
        const memory = Buffer.alloc(maxFrameSizeBytes(size))
        const frame = memory.subarray(0, writeStoredFrame(plain, memory))
        expect(decompressFrame(frame, size).equals(plain)).toBe(true)
      }),
      { numRuns: roundsOf(50) },
    )
  })

  it('is damaged when it is cut or continued', () => {
    const memory = Buffer.alloc(maxFrameSizeBytes(200_000) + 1)
    const length = writeStoredFrame(noise(200_000), memory)
    for (const end of [4, 9, 12, length - 1, length + 1])
      expect(() => decompressFrame(memory.subarray(0, end), 200_000)).toThrow()
  })
})

describe('bytes look incompressible', () => {
  it('when they are random', () => {
    for (let size = 64 * 1024; size <= MIB; size += 100_003)
      expect(looksIncompressible(noise(size, `${size}`))).toBe(true)
  })

  it('unless they are text, of one value, half of them text, base64, or few', () => {
    const half = Buffer.concat([noise(MIB / 2), dumpText(MIB / 2)])
    const base64 = Buffer.from(noise(MIB / 2).toString('base64'))
    for (const bytes of [dumpText(MIB), Buffer.alloc(MIB, 7), half, base64, noise(1000)])
      expect(looksIncompressible(bytes)).toBe(false)
  })
})

describe('the frames of a pack', () => {
  it('compress what comes after random bytes', () => {
    const writer = new FrameWriter()
    for (const plain of [noise(MIB), noise(MIB, 'other'), dumpText(MIB), noise(MIB), dumpText(MIB)]) {
      const frame = frameOf(plain, writer)
      expect(decompressFrame(frame, MIB).equals(plain)).toBe(true)
      expect(frame.length < plain.length / 2).toBe(plain.equals(dumpText(MIB)))
    }
  })

  it('compress repetitions of random bytes, which do not show in a sample', () => {
    const repeated = Buffer.concat(Array.from({ length: 8 }, () => noise(128 * 1024)))
    expect(frameOf(repeated).length).toBeLessThan(repeated.length / 4)
  })
})
