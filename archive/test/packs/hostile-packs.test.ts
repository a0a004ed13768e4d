import { randomUUID } from 'node:crypto'
import { zstdCompressSync } from 'node:zlib'
import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encryptAgeFile } from '#age-file.ts'
import { generateIdentity, openPack, PACK_LIMITS } from '#index.ts'
import {
  BUCKET,
  builderOf,
  CLEAR,
  ENCRYPTED,
  forged,
  headerOf,
  putOf,
  readOf,
  type SentPack,
  sentBy,
} from '#test/packs/sample-packs.ts'
import { bytesOf, dumpText, flipBit, KEYS, noise, rejectionOf } from '#test/sample-archives.ts'
import { compressFrame } from '#zstd-frame.ts'

const CONTENT = Buffer.concat([dumpText(90_000), noise(70_000)])

async function samplePack(encrypted: boolean): Promise<SentPack> {
  const builder = builderOf(encrypted ? {} : { encryption: 'off' })
  builder.add(CONTENT.subarray(0, 100_000))
  builder.add(CONTENT.subarray(100_000))
  builder.addRecord(putOf('data/a', CONTENT, [{ offset: 0, length: CONTENT.length }]))
  return sentBy(builder)
}

const sealed = await samplePack(true)
const clear = await samplePack(false)

describe('a pack that was damaged', () => {
  it('is whole when nothing is done to it', async () => {
    expect((await readOf(sealed.bytes)).equals(CONTENT)).toBe(true)
    expect((await readOf(clear.bytes, undefined, CLEAR)).equals(CONTENT)).toBe(true)
  })

  it('is refused for any flipped bit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(sealed.bytes.length * 8 - 1), async bit => {
        const bytes = flipBit(sealed.bytes, bit)
        expect((await rejectionOf(openPack(bytes, ENCRYPTED))).code).toMatch(/^(INTEGRITY|WRONG_KEY)$/)
        const known = openPack(bytes, { ...ENCRYPTED, expected: { sha256: sealed.sha256 } })
        expect(await rejectionOf(known)).toMatchObject({ code: 'INTEGRITY' })
      }),
      { numRuns: roundsOf(150) },
    )
  })

  it('is refused without encryption, too, or says just the same', async () => {
    const headerBits = clear.bytes.indexOf(compressFrame(CONTENT.subarray(0, 100_000))) * 8
    const bits = fc.oneof(fc.nat(headerBits - 1), fc.nat(clear.bytes.length * 8 - 1))
    let refused = 0
    await fc.assert(
      fc.asyncProperty(bits, async bit => {
        const bytes = flipBit(clear.bytes, bit)
        const known = openPack(bytes, { ...CLEAR, expected: { sha256: clear.sha256 } })
        expect(await rejectionOf(known)).toMatchObject({ code: 'INTEGRITY' })
        try {
          const opened = await openPack(bytes, CLEAR)
          // A bit of the padding, or of what is passed over.
          expect(opened.header).toEqual(clear.header)
          expect((await bytesOf(opened.read())).equals(CONTENT)).toBe(true)
        } catch (error) {
          expect(error).toMatchObject({ code: 'INTEGRITY' })
          refused++
        }
      }),
      { numRuns: roundsOf(300) },
    )
    expect(refused).toBeGreaterThan(200)
  })

  it('is refused when it is cut, continued, or has a piece twice', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.nat(),
        fc.integer({ min: 1, max: 70_000 }),
        async (isClear, at, length) => {
          const { bytes } = isClear ? clear : sealed
          const unlocking = isClear ? CLEAR : ENCRYPTED
          const end = at % bytes.length
          const piece = bytes.subarray(end, end + length)
          for (const spoilt of [
            bytes.subarray(0, end),
            Buffer.concat([bytes, piece]),
            Buffer.concat([bytes.subarray(0, end), piece, bytes.subarray(end)]),
            Buffer.concat([bytes.subarray(0, end), bytes.subarray(end + length)]),
          ])
            expect((await rejectionOf(openPack(spoilt, unlocking))).code).toMatch(/^(INTEGRITY|WRONG_KEY)$/)
        },
      ),
      { numRuns: roundsOf(60) },
    )
  })

  it('is found where it is read, if it was changed after it was opened', async () => {
    const bytes = Buffer.from(sealed.bytes)
    const opened = await openPack(bytes, { ...ENCRYPTED, expected: { sha256: sealed.sha256 } })
    bytes[bytes.length - 10_000] = (bytes[bytes.length - 10_000] ?? 0) ^ 1
    expect(await rejectionOf(bytesOf(opened.read()))).toMatchObject({ code: 'INTEGRITY' })
    // The chunk at the beginning is whole.
    expect(await bytesOf(opened.read({ offset: 10, length: 20 }))).toEqual(CONTENT.subarray(10, 30))
  })
})

describe('a pack that is not the one that was wanted', () => {
  it('is refused: another pack, another bucket, another signer, another key', async () => {
    const other = { ...ENCRYPTED, expected: { pack: randomUUID() } }
    expect((await rejectionOf(openPack(sealed.bytes, other))).message).toContain('in the place of pack')
    const elsewhere = { ...ENCRYPTED, expected: { pack: sealed.header.pack, bucket: randomUUID() } }
    expect((await rejectionOf(openPack(sealed.bytes, elsewhere))).message).toContain('another bucket')
    const unsigned = openPack(sealed.bytes, { ...ENCRYPTED, mayBeSignedBy: () => false })
    expect(await rejectionOf(unsigned)).toMatchObject({ code: 'INTEGRITY' })
    const { identity } = await generateIdentity()
    const foreign = openPack(sealed.bytes, { identities: [identity], encrypted: true })
    expect(await rejectionOf(foreign)).toMatchObject({ code: 'WRONG_KEY' })
    const locked = openPack(sealed.bytes, { identities: [], encrypted: true })
    expect(await rejectionOf(locked)).toMatchObject({ code: 'NO_KEY' })
  })

  it('is refused when it is a manifest, a frame, nothing, or encrypted rubbish', async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(8), noise(1000), compressFrame(CONTENT)]) {
      expect(await rejectionOf(openPack(bytes, CLEAR))).toMatchObject({ code: 'INTEGRITY' })
      const encrypted = await encryptAgeFile(bytes, [KEYS.recipient])
      expect(await rejectionOf(openPack(encrypted, ENCRYPTED))).toMatchObject({ code: 'INTEGRITY' })
    }
  })

  it('has nothing outside of its bytes', async () => {
    const opened = await openPack(sealed.bytes, ENCRYPTED)
    for (const [offset, length] of [
      [0, CONTENT.length + 1],
      [CONTENT.length, 1],
      [-1, 5],
      [5, -1],
      [Number.MAX_SAFE_INTEGER, 10],
      [0.5, 1],
      [Number.NaN, 1],
    ] as const)
      expect(await rejectionOf(bytesOf(opened.read({ offset, length })))).toMatchObject({ code: 'INTEGRITY' })
  })
})

describe('a pack by somebody who has the signing key', () => {
  const frame = compressFrame(CONTENT)
  const header = headerOf([frame], [CONTENT.length])
  const put = putOf('data/a', CONTENT, [{ offset: 0, length: CONTENT.length }])
  const other = { pack: randomUUID(), offset: 0, length: CONTENT.length }
  const fragment = { fragment: 'data/b', id: randomUUID(), at: 0, extent: { offset: 0, length: 10 } }

  it('opens when it is sound', async () => {
    const bytes = forged({ ...header, records: [put, fragment] }, frame, { spaces: 100 })
    expect((await readOf(bytes, undefined, CLEAR)).equals(CONTENT)).toBe(true)
  })

  it.each([
    ['another format', { format: 2 }],
    ['an unknown kind', { kind: 'manifest' }],
    ['two kinds', { checkpoint: { id: randomUUID(), part: 1, last: true, upTo: 1, not: [] }, kind: 'pack' }],
    [
      'records in a checkpoint',
      {
        kind: 'checkpoint',
        checkpoint: { id: randomUUID(), part: 1, last: true, upTo: 1, not: [] },
        records: [put],
      },
    ],
    ['a checkpoint without its place', { kind: 'checkpoint' }],
    ['a sequence of 0', { sequence: 0 }],
    ['a day that never was', { createdAt: '2026-02-31T00:00:00Z' }],
    ['a bucket named like a path', { bucket: { ...BUCKET, name: '../etc' } }],
    ['a bucket of an unknown kind', { bucket: { ...BUCKET, kind: 'tape' } }],
    [
      'too many names',
      {
        names: Array(PACK_LIMITS.names + 1).fill({
          pack: randomUUID(),
          sequence: 1,
          messageId: 1,
          size: 1,
          sha256: '0'.repeat(64),
        }),
      },
    ],
    ['a frame longer than its bytes can be', { frames: [[frame.length, 10]] }],
    ['a frame of more than 1 MiB', { frames: [[frame.length, PACK_LIMITS.frameBytes + 1]] }],
    [
      'an empty frame',
      {
        frames: [
          [frame.length, CONTENT.length],
          [9, 0],
        ],
      },
    ],
    ['frames that take too much', { frames: [[frame.length + 1, CONTENT.length]] }],
    ['frames that take too little', { frames: [[frame.length - 1, CONTENT.length]] }],
    ['more frames than there may be', { frames: Array(PACK_LIMITS.frames + 1).fill([10, 1]) }],
    ['a half frame', { frames: [[frame.length]] }],
    ['another hash', { framesSha256: '0'.repeat(64) }],
    ['a record of an unknown kind', { records: [{ truncate: 'data/a', id: randomUUID() }] }],
    ['an object without a key', { records: [{ ...put, put: '' }] }],
    ['a key with a zero character', { records: [{ ...put, put: 'a\0b' }] }],
    ['a key with half a character', { records: [{ ...put, put: '\ud800' }] }],
    ['a key of more than 1,024 bytes', { records: [{ ...put, put: 'ü'.repeat(513) }] }],
    ['an extent beyond the end', { records: [{ ...put, extents: [{ offset: 1, length: CONTENT.length }] }] }],
    ['extents shorter than the object', { records: [{ ...put, size: CONTENT.length + 1 }] }],
    ['an extent of nothing', { records: [{ ...put, size: 0, extents: [{ offset: 0, length: 0 }] }] }],
    [
      'an extent that overflows',
      { records: [{ ...put, extents: [{ ...other, offset: Number.MAX_SAFE_INTEGER }] }] },
    ],
    [
      'an extent that names its own pack',
      { records: [{ ...put, extents: [{ ...other, pack: header.pack }] }] },
    ],
    ['a fragment in another pack', { records: [{ ...fragment, extent: other }] }],
    ['a fragment that overflows', { records: [{ ...fragment, at: Number.MAX_SAFE_INTEGER }] }],
    ['a version that is no UUID', { records: [{ ...put, id: 'x' }] }],
    [
      'too much metadata',
      { records: [{ ...put, meta: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [n, ''])) }] },
    ],
    ['metadata that is no text', { records: [{ ...put, meta: { a: {} } }] }],
  ])('is refused with %s', async (_what, fields) => {
    const error = await rejectionOf(openPack(forged({ ...header, ...fields }, frame), CLEAR))
    expect(error).toMatchObject({ code: 'INTEGRITY' })
  })

  it('is refused with a header that would fill the memory', async () => {
    const nested = `{"format":1,"records":${'['.repeat(1_900_000)}`
    expect(await rejectionOf(openPack(forged(nested, frame), CLEAR))).toMatchObject({ code: 'INTEGRITY' })
    const long = forged(header, frame, { spaces: PACK_LIMITS.headerBytes })
    expect(await rejectionOf(openPack(long, CLEAR))).toMatchObject({ code: 'INTEGRITY' })
  })

  it('is refused where it is read, when a frame unpacks to more or less than it says', async () => {
    const bomb = zstdCompressSync(Buffer.alloc(200_000_000))
    for (const [claimed, frame] of [
      [1_000_000, bomb],
      [CONTENT.length - 1, compressFrame(CONTENT)],
      [CONTENT.length + 1, compressFrame(CONTENT)],
      [CONTENT.length, noise(5000)],
    ] as const) {
      const before = process.memoryUsage().arrayBuffers
      const opened = await openPack(forged(headerOf([frame], [claimed]), frame), CLEAR)
      expect(await rejectionOf(bytesOf(opened.read()))).toMatchObject({ code: 'INTEGRITY' })
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8_000_000)
    }
  })

  it('keeps metadata of any name apart from what objects inherit', async () => {
    const meta = JSON.parse('{"__proto__":"a","constructor":"b"}') as Record<string, string>
    const { header: opened } = await openPack(
      forged({ ...header, records: [{ ...put, meta }] }, frame),
      CLEAR,
    )
    const [record] = opened.records
    expect(Object.entries(record && 'put' in record ? (record.meta ?? {}) : {})).toEqual(Object.entries(meta))
  })
})
