import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { encryptAgeFile } from '#age-file.ts'
import {
  ArchiveError,
  generateIdentity,
  loadOrCreateSigningKey,
  type Manifest,
  openManifest,
  sealManifest,
  signerFingerprint,
} from '#index.ts'
import { sealDocument } from '#signed-document.ts'
import { flipBit, KEYS, noise, rejectionOf, sampleBackup, sha256 } from '#test/sample-archives.ts'
import { compressFrame, decompressFrame } from '#zstd-frame.ts'

const folder = mkdtempSync(join(tmpdir(), 'archive-manifest-'))
afterAll(() => rmSync(folder, { recursive: true }))
const signingKey = await loadOrCreateSigningKey(join(folder, 'signing.pem'))
const encryption = { recipients: [KEYS.recipient] }
const unlocking = { identities: [KEYS.identity], encrypted: true }
const hash = sha256(Buffer.from('x'))

const MANIFEST: Manifest = {
  format: 1,
  previousManifestMessageId: 41,
  catalogId: sampleBackup().id,
  generation: 3,
  botId: '110201543',
  backup: sampleBackup(),
  source: { server: '15.20', tables: 12, nested: { b: [1, null], a: true } },
  createdAt: '2026-11-24T05:33:00Z',
  completedAt: '2026-11-24T05:34:00.123Z',
  expiresAt: '2026-12-24T05:33:00Z',
  plainSize: 300,
  plainSha256: hash,
  archiveSize: 70,
  archiveSha256: hash,
  encrypted: true,
  partSizeBytes: 50,
  parts: [
    { number: 1, size: 50, sha256: hash, plainOffset: 0, plainSize: 200, messageId: 42, fileId: 'BQACAgI' },
    { number: 2, size: 20, sha256: hash, plainOffset: 200, plainSize: 100, messageId: 43, fileId: 'BQACAgJ' },
  ],
}

describe('a manifest', () => {
  it('comes back as it was sealed, with the signer', async () => {
    const sealed = await sealManifest(MANIFEST, { encryption, signingKey })
    const opened = await openManifest(sealed, unlocking)
    expect(opened).toEqual({ manifest: MANIFEST, before: [], signer: signerFingerprint(signingKey) })
    expect(sealed.includes('shop')).toBe(false)
  })

  it('may leave out what is optional, and be without encryption', async () => {
    const { previousManifestMessageId, catalogId, generation, botId, expiresAt, ...required } = MANIFEST
    const sealed = await sealManifest(required, { encryption: 'off', signingKey })
    const opened = await openManifest(sealed, { identities: [], encrypted: false })
    expect(opened.manifest).toEqual(required)
  })

  it('has the same text whatever the order of its fields', async () => {
    const reversed = Object.fromEntries(Object.entries(MANIFEST).reverse()) as unknown as Manifest
    const [a, b] = await Promise.all(
      [MANIFEST, reversed].map(manifest => sealManifest(manifest, { encryption: 'off', signingKey })),
    )
    expect(a).toEqual(b)
  })

  it('is refused when any bit is flipped or it is cut', async () => {
    const sealed = await sealManifest(MANIFEST, { encryption, signingKey })
    await fc.assert(
      fc.asyncProperty(fc.nat(sealed.length * 8 - 1), fc.boolean(), async (bit, cut) => {
        const damaged = cut ? sealed.subarray(0, bit >> 3) : flipBit(sealed, bit)
        const error = await rejectionOf(openManifest(damaged, unlocking))
        expect(error.code).toMatch(cut ? /^INTEGRITY$/ : /^(INTEGRITY|WRONG_KEY)$/)
      }),
      { numRuns: 300 },
    )
  })

  it('without encryption is refused for a flipped bit, unless zstd unpacks the very same text', async () => {
    const sealed = await sealManifest(MANIFEST, { encryption: 'off', signingKey })
    const opening = { identities: [], encrypted: false }
    await fc.assert(
      fc.asyncProperty(fc.nat(sealed.length * 8 - 1), async bit => {
        const outcome = await openManifest(flipBit(sealed, bit), opening).catch(
          (error: ArchiveError) => error,
        )
        if (outcome instanceof ArchiveError) expect(outcome.code).toBe('INTEGRITY')
        else
          expect(outcome).toEqual({ manifest: MANIFEST, before: [], signer: signerFingerprint(signingKey) })
      }),
      { numRuns: 300 },
    )
    for (const length of [0, 1, sealed.length >> 1, sealed.length - 1]) {
      const error = await rejectionOf(openManifest(sealed.subarray(0, length), opening))
      expect(error).toMatchObject({ code: 'INTEGRITY' })
    }
  })

  it('is refused when it was altered and compressed anew, or signed as something else', async () => {
    const envelope = decompressFrame(
      await sealManifest(MANIFEST, { encryption: 'off', signingKey }),
      100_000,
    ).toString()
    const altered = envelope.replace('BQACAgI', 'BQACAgX')
    expect(altered).not.toBe(envelope)
    const forged = await encryptAgeFile(compressFrame(Buffer.from(altered)), [KEYS.recipient])
    expect(await rejectionOf(openManifest(forged, unlocking))).toMatchObject({
      code: 'INTEGRITY',
      message: expect.stringContaining('signature'),
    })

    const index = decompressFrame(
      await sealDocument('index', JSON.stringify(MANIFEST), { encryption: 'off', signingKey }),
      100_000,
    )
    const renamed = await encryptAgeFile(
      compressFrame(Buffer.from(index.toString().replace('"index"', '"manifest"'))),
      [KEYS.recipient],
    )
    expect(await rejectionOf(openManifest(renamed, unlocking))).toMatchObject({
      code: 'INTEGRITY',
      message: expect.stringContaining('signature'),
    })
  })

  it('names another signer when another key signed it', async () => {
    const stranger = await loadOrCreateSigningKey(join(folder, 'stranger.pem'))
    const { signer } = await openManifest(
      await sealManifest(MANIFEST, { encryption, signingKey: stranger }),
      unlocking,
    )
    expect(signer).toBe(signerFingerprint(stranger))
    expect(signer).not.toBe(signerFingerprint(signingKey))
  })

  it('tells a wrong key from none and from damage', async () => {
    const sealed = await sealManifest(MANIFEST, { encryption, signingKey })
    const { identity } = await generateIdentity()
    expect(
      await rejectionOf(openManifest(sealed, { identities: [identity], encrypted: true })),
    ).toMatchObject({ code: 'WRONG_KEY' })
    expect(await rejectionOf(openManifest(sealed, { identities: [], encrypted: true }))).toMatchObject({
      code: 'NO_KEY',
    })
    expect(await rejectionOf(openManifest(noise(500), unlocking))).toMatchObject({ code: 'INTEGRITY' })
    expect(
      await rejectionOf(sealManifest(MANIFEST, { encryption: { recipients: [] }, signingKey })),
    ).toMatchObject({ code: 'NO_KEY' })
  })

  it('is refused when it would unpack to more than a reader should take', async () => {
    const bomb = compressFrame(Buffer.alloc(65 * 1024 * 1024, 0x20))
    expect(bomb.length).toBeLessThan(100_000)
    expect(await rejectionOf(openManifest(bomb, { identities: [], encrypted: false }))).toMatchObject({
      code: 'INTEGRITY',
    })
  })

  const [first, second] = MANIFEST.parts as [Manifest['parts'][0], Manifest['parts'][0]]
  it.each<[string, Partial<Record<keyof Manifest, unknown>>]>([
    ['has another format', { format: 2 }],
    ['has no parts', { parts: [] }],
    ['lacks a part', { parts: [second] }],
    ['has parts in another order', { parts: [second, first] }],
    ['has a part twice', { parts: [first, first] }],
    ['has sizes that do not add up', { plainSize: 301 }],
    ['has an archive size that does not add up', { archiveSize: 71 }],
    ['has a part that is too large', { partSizeBytes: 49 }],
    ['has a hash that is none', { archiveSha256: 'x' }],
    ['has a local time', { createdAt: '2026-11-24 05:33' }],
    ['has a fraction of a byte', { plainSize: 300.5 }],
    ['has a list of facts', { source: [] }],
    ['has a part without a message', { parts: [{ ...first, messageId: 0 }, second] }],
  ])('that %s is neither written nor read', async (_, change) => {
    const wrong = { ...MANIFEST, ...change } as Manifest
    expect(await rejectionOf(sealManifest(wrong, { encryption, signingKey }))).toMatchObject({
      code: 'CONFIGURATION',
    })
    const signed = await sealDocument('manifest', JSON.stringify(wrong), { encryption, signingKey })
    expect(await rejectionOf(openManifest(signed, unlocking))).toMatchObject({ code: 'INTEGRITY' })
  })
})
