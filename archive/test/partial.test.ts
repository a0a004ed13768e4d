import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ReceivedPart, SealedPart } from '#index.ts'
import {
  archiveOf,
  bytesOf,
  dumpText,
  flipBit,
  KEYS,
  noise,
  readerOf,
  rejectionOf,
  sha256,
} from '#test/sample-archives.ts'

const bytes = Buffer.concat([noise(60_000), dumpText(100_000), noise(50_000, 'end')])
const archive = await archiveOf(bytes)
const OPTIONS = { backupId: archive.backup.id, identities: [KEYS.identity], encrypted: true, partial: true }

function expectedOf(parts: readonly SealedPart[]): { number: number; size: number; sha256: string }[] {
  return parts.map(({ number, bytes, sha256 }) => ({ number, size: bytes.length, sha256 }))
}

/** A run of parts, one at least. */
const anyRange = fc
  .tuple(fc.nat(archive.parts.length - 1), fc.nat(archive.parts.length - 1))
  .map(([a, b]) => archive.parts.slice(Math.min(a, b), Math.max(a, b) + 1))

async function errorOf(given: readonly ReceivedPart[], expected: readonly SealedPart[]): Promise<unknown> {
  return rejectionOf(bytesOf(readerOf(given, { ...OPTIONS, expectedParts: expectedOf(expected) })))
}

describe('some parts of an archive', () => {
  it('give their plain bytes, whichever they are, and say where these begin', async () => {
    expect(archive.parts.length).toBeGreaterThan(6)
    await fc.assert(
      fc.asyncProperty(anyRange, async parts => {
        const reader = readerOf(parts, { ...OPTIONS, expectedParts: expectedOf(parts) })
        const plain = await bytesOf(reader)
        const start = parts[0]?.plainOffset ?? 0
        expect(plain.equals(bytes.subarray(start, start + plain.length))).toBe(true)
        const plainSize = parts.reduce((sum, part) => sum + part.plainSize, 0)
        expect(reader.summary).toEqual({ parts: parts.length, plainOffset: start, plainSize })
        expect(plain.length).toBe(plainSize)
      }),
      { numRuns: roundsOf(10) },
    )
  })

  it('are refused when one is missing, comes twice, is foreign or damaged, by its number', async () => {
    const foreign = await archiveOf(bytes, { backup: archive.backup })
    await fc.assert(
      fc.asyncProperty(anyRange, fc.nat(), async (parts, seed) => {
        const at = seed % parts.length
        const part = parts[at] as SealedPart
        const { number } = part
        const replaced = (by: Uint8Array): ReceivedPart[] =>
          parts.map(part => ({ number: part.number, bytes: part.number === number ? by : part.bytes }))
        const cases: ReceivedPart[][] = [
          parts.toSpliced(at, 1),
          replaced(flipBit(part.bytes, seed % (part.bytes.length * 8))),
          replaced(part.bytes.subarray(0, seed % part.bytes.length)),
          replaced(foreign.parts[number - 1]?.bytes ?? Buffer.alloc(0)),
        ]
        for (const given of cases) {
          expect(await errorOf(given, parts)).toMatchObject({ code: 'INTEGRITY', partNumber: number })
        }
        expect(await errorOf([...parts, part], parts)).toMatchObject({ code: 'INTEGRITY' })
      }),
      { numRuns: roundsOf(4) },
    )
  })

  it('are refused when the plain bytes of one are not those that its header names', async () => {
    // Whoever made the manifest made these, too, so that nothing but the header's hash is against them.
    const clear = await archiveOf(bytes, { encrypted: false })
    const part = clear.parts[1] as SealedPart
    const wrong = part.plainSha256.replace(/^./, digit => (digit === '0' ? '1' : '0'))
    const forged = Buffer.from(part.bytes.toString('latin1').replace(part.plainSha256, wrong), 'latin1')
    const expectedParts = [{ number: 2, size: forged.length, sha256: sha256(forged) }]
    const options = { ...OPTIONS, backupId: clear.backup.id, encrypted: false, expectedParts }
    const error = await rejectionOf(bytesOf(readerOf([{ number: 2, bytes: forged }], options)))
    expect(error).toMatchObject({ code: 'INTEGRITY', partNumber: 2 })
  })

  it('are asked for by name, without gaps', async () => {
    for (const expectedParts of [
      undefined,
      [],
      expectedOf([archive.parts[0], archive.parts[2]] as SealedPart[]),
    ]) {
      const options = { ...OPTIONS, ...(expectedParts && { expectedParts }) }
      const error = await rejectionOf(bytesOf(readerOf(archive.parts, options)))
      expect(error).toMatchObject({ code: 'CONFIGURATION' })
    }
  })
})
