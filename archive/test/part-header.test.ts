import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkedIdentity,
  decodePartHeader,
  encodePartHeader,
  MAX_HEADER_BYTES,
  type PartHeader,
} from '#part-header.ts'
import { sampleBackup } from '#test/sample-archives.ts'

const HEADER: PartHeader = {
  format: 1,
  backup: sampleBackup(),
  part: 2,
  last: false,
  plainOffset: 4096,
  plainSize: 5000,
  plainSha256: 'ab'.repeat(32),
  blockSize: 4096,
  frames: [20, 30],
}

function partWith(json: string, frameBytes = 50): Buffer {
  const prefix = Buffer.alloc(8)
  prefix.writeUInt32LE(0x184d2a50, 0)
  prefix.writeUInt32LE(Buffer.byteLength(json), 4)
  return Buffer.concat([prefix, Buffer.from(json), Buffer.alloc(frameBytes)])
}

describe('the part header', () => {
  it('comes back as it was written, whatever its names and padding', () => {
    const names = {
      project: fc.string({ maxLength: 64 }),
      type: fc.string({ maxLength: 64 }),
      filename: fc.string({ maxLength: 1024, unit: 'grapheme' }).filter(name => name.length <= 1024),
    }
    const headers = fc.record({
      format: fc.constant(1 as const),
      backup: fc.record({ id: fc.uuid(), ...names }),
      part: fc.integer({ min: 1 }),
      last: fc.constant(true),
      plainOffset: fc.maxSafeNat(),
      plainSize: fc.integer({ min: 0, max: 1024 }),
      plainSha256: fc.constant('cd'.repeat(32)),
      wholeSha256: fc.constant('ef'.repeat(32)),
      blockSize: fc.integer({ min: 1024, max: 1024 * 1024 }),
      frames: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 50 }),
    })
    fc.assert(
      fc.property(headers, fc.nat(1000), (header, padding) => {
        const frames = Buffer.alloc(
          header.frames.reduce((sum, size) => sum + size, 0),
          7,
        )
        const decoded = decodePartHeader(Buffer.concat([encodePartHeader(header, padding), frames]))
        expect(decoded.header).toEqual(header)
        expect(Buffer.from(decoded.frames)).toEqual(frames)
      }),
    )
  })

  it('is refused with INTEGRITY, never another error, for any other bytes', () => {
    const valid = Buffer.concat([encodePartHeader(HEADER, 10), Buffer.alloc(50)])
    const mangled = fc
      .tuple(fc.nat(valid.length - 1), fc.uint8Array({ minLength: 1, maxLength: 20 }))
      .map(([at, bytes]) => {
        const copy = Buffer.from(valid)
        copy.set(bytes.subarray(0, copy.length - at), at)
        return copy
      })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mangled), bytes => {
        try {
          decodePartHeader(bytes)
        } catch (error) {
          expect(error).toMatchObject({ name: 'ArchiveError', code: 'INTEGRITY' })
        }
      }),
      { numRuns: 500 },
    )
  })

  it.each<[string, Partial<Record<keyof PartHeader, unknown>>]>([
    ['another format', { format: 2 }],
    ['no part number', { part: undefined }],
    ['part 0', { part: 0 }],
    ['a fraction', { plainSize: 1.5 }],
    ['a negative offset', { plainOffset: -1 }],
    ['blocks of more than 1 MiB', { blockSize: 1024 * 1024 + 1 }],
    ['no frame', { frames: [], plainSize: 0 }],
    ['4,097 frames', { frames: Array(4097).fill(1) }],
    ['frames that do not add up', { frames: [20, 31] }],
    ['a frame without bytes', { frames: [50, 0] }],
    ['more plain bytes than its blocks hold', { plainSize: 8193 }],
    ['a short hash', { plainSha256: 'ab' }],
    ['a last part without the hash of the whole', { last: true }],
    ['an id that is none', { backup: { ...HEADER.backup, id: 'x' } }],
  ])('is refused with %s', (_, change) => {
    const part = partWith(JSON.stringify({ ...HEADER, ...change }))
    expect(() => decodePartHeader(part)).toThrow(expect.objectContaining({ code: 'INTEGRITY' }))
  })

  it('is refused when it claims more than a reader should take', () => {
    const json = JSON.stringify(HEADER).padEnd(MAX_HEADER_BYTES + 1)
    expect(() => decodePartHeader(partWith(json))).toThrow(expect.objectContaining({ code: 'INTEGRITY' }))
  })

  it.each([
    { id: 'x' },
    { project: 'p'.repeat(65) },
    { type: 't'.repeat(65) },
    { filename: 'f'.repeat(1025) },
  ])('does not take the name %o', change => {
    expect(() => checkedIdentity({ ...sampleBackup(), ...change })).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION' }),
    )
  })
})
