import { inspect } from 'node:util'
import { zstdCompressSync } from 'node:zlib'
import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encryptAgeFile } from '#age-file.ts'
import { type ArchiveError, generateIdentity, type ReceivedPart, type SealedPart } from '#index.ts'
import { decodePartHeader, encodePartHeader, type PartHeader } from '#part-header.ts'
import { PartOpener } from '#part-opener.ts'
import {
  archiveOf,
  bytesOf,
  dumpText,
  flipBit,
  KEYS,
  leftovers,
  noise,
  readerOf,
  rejectionOf,
  sampleBackup,
  sha256,
} from '#test/sample-archives.ts'

const bytes = Buffer.concat([dumpText(60_000), noise(40_000)])
const archive = await archiveOf(bytes)
const clear = await archiveOf(bytes, { encrypted: false })
const backupId = archive.backup.id

function expectedOf(parts: readonly SealedPart[]): { number: number; size: number; sha256: string }[] {
  return parts.map(({ number, bytes, sha256 }) => ({ number, size: bytes.length, sha256 }))
}

/** The parts in another order or choice, renumbered as a forger would. */
function renumbered(parts: readonly (SealedPart | undefined)[]): ReceivedPart[] {
  return parts.flatMap((part, index) => (part ? [{ number: index + 1, bytes: part.bytes }] : []))
}

async function readError(
  parts: readonly ReceivedPart[],
  options: Parameters<typeof readerOf>[1] = { backupId },
): Promise<ArchiveError> {
  return rejectionOf(bytesOf(readerOf(parts, options)))
}

describe('a damaged archive', () => {
  it('has several parts, whole when nothing is done to it', async () => {
    expect(archive.parts.length).toBeGreaterThan(3)
    expect(sha256(await bytesOf(readerOf(archive.parts, { backupId })))).toBe(sha256(bytes))
  })

  it('is refused for any flipped bit: with a manifest as INTEGRITY, without one at least refused', async () => {
    const first = archive.parts[0] as SealedPart
    await fc.assert(
      fc.asyncProperty(fc.nat(first.bytes.length * 8 - 1), async bit => {
        const part = { number: 1, bytes: flipBit(first.bytes, bit) }
        const expectations = { backupId, identities: [KEYS.identity], encrypted: true }
        const known = new PartOpener({ ...expectations, expectedParts: expectedOf(archive.parts) })
        expect(await rejectionOf(known.open(part))).toMatchObject({ code: 'INTEGRITY', partNumber: 1 })
        const error = await rejectionOf(new PartOpener(expectations).open(part))
        expect(error).toMatchObject({ partNumber: 1, code: expect.stringMatching(/^(INTEGRITY|WRONG_KEY)$/) })
      }),
      { numRuns: 300 },
    )
  })

  it('is told from a wrong key after the key has opened an earlier part', async () => {
    // A bit of the wrapped key: as if the part were for another recipient.
    const second = archive.parts[1] as SealedPart
    const stanzaBody = second.bytes.indexOf('\n', second.bytes.indexOf('-> X25519')) + 5
    const parts = archive.parts.with(1, { ...second, bytes: flipBit(second.bytes, stanzaBody * 8) })
    expect(await readError(parts)).toMatchObject({ code: 'INTEGRITY', partNumber: 2 })
  })

  it('is refused when a part is cut anywhere, or something hangs at its end', async () => {
    const first = archive.parts[0] as SealedPart
    const expectations = { backupId, identities: [KEYS.identity], encrypted: true }
    await fc.assert(
      fc.asyncProperty(fc.nat(first.bytes.length - 1), async length => {
        const opener = new PartOpener(expectations)
        const cut = { number: 1, bytes: first.bytes.subarray(0, length) }
        expect(await rejectionOf(opener.open(cut))).toMatchObject({ code: 'INTEGRITY' })
        const extended = { number: 1, bytes: Buffer.concat([first.bytes, noise(length % 40 || 1)]) }
        expect(await rejectionOf(opener.open(extended))).toMatchObject({ code: 'INTEGRITY' })
      }),
      { numRuns: 200 },
    )
  })

  it('is refused when parts are missing, repeated, exchanged or added, and gives no clean end', async () => {
    const before = leftovers()
    const { parts } = archive
    const last = parts.length - 1
    const variants: [string, ReceivedPart[]][] = [
      ['none', []],
      ['first missing', renumbered(parts.slice(1))],
      ['last missing', renumbered(parts.slice(0, -1))],
      ['middle missing', renumbered(parts.toSpliced(1, 1))],
      ['middle missing, number kept', parts.toSpliced(1, 1)],
      ['repeated', renumbered(parts.toSpliced(1, 0, parts[1] as SealedPart))],
      ['exchanged', renumbered(parts.with(0, parts[1] as SealedPart).with(1, parts[0] as SealedPart))],
      ['last one twice', renumbered([...parts, parts[last] as SealedPart])],
      ['followed by the first', renumbered([...parts, parts[0] as SealedPart])],
    ]
    for (const [name, variant] of variants) {
      expect(await readError(variant), name).toMatchObject({
        code: 'INTEGRITY',
        partNumber: expect.any(Number),
      })
    }
    expect(leftovers()).toEqual(before)
  })

  it('is refused when a part comes from another backup, or from another archive of the same backup', async () => {
    const foreign = await archiveOf(bytes)
    expect(await readError(archive.parts.with(1, foreign.parts[1] as SealedPart))).toMatchObject({
      code: 'INTEGRITY',
      partNumber: 2,
    })
    // The same id, the same sizes, other bytes: only the hash of the whole can tell.
    const other = await archiveOf(Buffer.concat([dumpText(60_000), noise(40_000, 'other')]), {
      backup: archive.backup,
    })
    const lastNumber = archive.parts.length
    const mixed = archive.parts.with(-1, other.parts.at(-1) as SealedPart)
    expect(await readError(mixed)).toMatchObject({ code: 'INTEGRITY', partNumber: lastNumber })
  })

  it('is refused when it does not agree with the manifest about which parts there are', async () => {
    const expectedParts = expectedOf(archive.parts)
    expect(
      await readError(archive.parts, { backupId, expectedParts: expectedParts.slice(0, -1) }),
    ).toMatchObject({ code: 'INTEGRITY' })
    const more = [...expectedParts, { number: expectedParts.length + 1, size: 1, sha256: sha256(bytes) }]
    expect(await readError(archive.parts, { backupId, expectedParts: more })).toMatchObject({
      code: 'INTEGRITY',
    })
  })

  it('without encryption is refused for any flipped bit as long as there is a manifest', async () => {
    const [first] = clear.parts as [SealedPart]
    const options = { backupId: clear.backup.id, encrypted: false, identities: [] }
    await fc.assert(
      fc.asyncProperty(fc.nat(first.bytes.length * 8 - 1), async bit => {
        const opener = new PartOpener({ ...options, expectedParts: expectedOf(clear.parts) })
        const part = { number: 1, bytes: flipBit(first.bytes, bit) }
        expect(await rejectionOf(opener.open(part))).toMatchObject({ code: 'INTEGRITY' })
      }),
    )
  })

  it('without encryption and manifest is refused for a flipped bit of its frames, unless they unpack to the same', async () => {
    const [first] = clear.parts as [SealedPart]
    const options = { backupId: clear.backup.id, encrypted: false, identities: [] }
    const framesAt = first.bytes.length - decodePartHeader(first.bytes).frames.length
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: framesAt * 8, max: first.bytes.length * 8 - 1 }), async bit => {
        const parts = clear.parts.with(0, { ...first, bytes: flipBit(first.bytes, bit) })
        const outcome = await bytesOf(readerOf(parts, options)).catch((error: ArchiveError) => error)
        if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'INTEGRITY', partNumber: 1 })
        else expect(sha256(outcome)).toBe(sha256(bytes))
      }),
      { numRuns: roundsOf(8) },
    )
  })
})

describe('a wrong key', () => {
  it('is told from damage', async () => {
    const { identity } = await generateIdentity()
    const expectedParts = expectedOf(archive.parts)
    for (const options of [{ backupId }, { backupId, expectedParts }]) {
      expect(await readError(archive.parts, { ...options, identities: [identity] })).toMatchObject({
        code: 'WRONG_KEY',
        partNumber: 1,
      })
    }
  })

  it('or none, or a malformed one, is refused before any part is fetched, without telling it', () => {
    expect(() => readerOf(archive.parts, { backupId, identities: [] })).toThrow(
      expect.objectContaining({ code: 'NO_KEY' }),
    )
    const mistyped = KEYS.identity.replace(/.$/, end => (end === 'Q' ? 'P' : 'Q'))
    try {
      readerOf(archive.parts, { backupId, identities: [mistyped] })
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ code: 'CONFIGURATION' })
      expect(inspect(error)).not.toContain(mistyped)
    }
  })
})

describe('a forged part', () => {
  const backup = sampleBackup()

  /** Whoever knows the public key can make parts; this is what they could try. */
  async function forged(frames: Buffer[], change: Partial<PartHeader>): Promise<ReceivedPart[]> {
    const header: PartHeader = {
      format: 1,
      backup,
      part: 1,
      last: true,
      plainOffset: 0,
      plainSize: 1000,
      plainSha256: sha256(Buffer.alloc(1000)),
      wholeSha256: sha256(Buffer.alloc(1000)),
      blockSize: 1024,
      frames: frames.map(frame => frame.length),
      ...change,
    }
    const plain = Buffer.concat([encodePartHeader(header, 0), ...frames])
    return [{ number: 1, bytes: await encryptAgeFile(plain, [KEYS.recipient]) }]
  }

  it.each<[string, Buffer, Partial<PartHeader>]>([
    ['unpacks to far more than its block', zstdCompressSync(Buffer.alloc(50_000_000)), {}],
    ['unpacks to more than it says', zstdCompressSync(Buffer.alloc(1001)), {}],
    ['unpacks to less than it says', zstdCompressSync(Buffer.alloc(999)), {}],
    ['unpacks to other bytes', zstdCompressSync(Buffer.alloc(1000, 1)), {}],
    ['is no zstd', noise(500), {}],
    [
      'hides a second frame',
      Buffer.concat([zstdCompressSync(Buffer.alloc(1000)), zstdCompressSync(Buffer.alloc(50_000))]),
      {},
    ],
    ['lies about its own bytes', zstdCompressSync(Buffer.alloc(1000)), { plainSha256: sha256(bytes) }],
    ['names another number', zstdCompressSync(Buffer.alloc(1000)), { part: 2 }],
    ['begins elsewhere', zstdCompressSync(Buffer.alloc(1000)), { plainOffset: 1 }],
    ['lies about the whole', zstdCompressSync(Buffer.alloc(1000)), { wholeSha256: sha256(bytes) }],
  ])('is refused when it %s', async (_, frame, change) => {
    expect(await readError(await forged([frame], change), { backupId: backup.id })).toMatchObject({
      code: 'INTEGRITY',
      partNumber: 1,
    })
  })

  it('is read when it tells the truth', async () => {
    const parts = await forged([zstdCompressSync(Buffer.alloc(1000))], {})
    expect(await bytesOf(readerOf(parts, { backupId: backup.id }))).toEqual(Buffer.alloc(1000))
  })
})
