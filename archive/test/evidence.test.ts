import { generateKeyPairSync, verify } from 'node:crypto'
import { drillRecord } from '@telegram-backup/test-support/evidence-records.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openEvidence, readEvidence, sealEvidence, signEvidence, signerFingerprint } from '#index.ts'
import { newKeyText, parseKeyFile, type SigningKey } from '#signing.ts'
import { signSuccession } from '#succession.ts'

const newKey = (): SigningKey => parseKeyFile(newKeyText(), 'a test')
const [FIRST, SECOND] = [newKey(), newKey()]
const NOW = new Date('2026-12-01T00:00:00Z')
const ROTATED: SigningKey = { ...SECOND, successions: [signSuccession(FIRST, SECOND, NOW)] }

test('a signed record says again what was signed, and by whom', async () => {
  const record = drillRecord()
  const signed = signEvidence(record, ROTATED)
  const read = readEvidence(signed.envelope)
  expect(read).toEqual({ ...signed, before: [signerFingerprint(FIRST)] })
  expect(read.record).toEqual(record)
  const bytes = await sealEvidence(signed.envelope, 'off')
  expect((await openEvidence(bytes, { identities: [], encrypted: false })).sha256).toBe(signed.sha256)
})

test('the signature is over the purpose, a line feed and the text, as docs/format.md says', () => {
  const { envelope } = signEvidence(drillRecord(), FIRST)
  const { evidence, signature, publicKey } = JSON.parse(envelope)
  const raw = Buffer.from(publicKey, 'base64')
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw])
  const bytes = Buffer.from(`telegram-backup evidence 1\n${evidence}`)
  const key = { key: der, format: 'der', type: 'spki' } as const
  expect(verify(null, bytes, key, Buffer.from(signature, 'base64'))).toBe(true)
})

test('every changed byte of the envelope is found, also those that are not signed', () => {
  const { envelope } = signEvidence(drillRecord(), ROTATED)
  const bytes = Buffer.from(envelope)
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ change
      expect(() => readEvidence(changed.toString('utf8'))).toThrow(
        expect.objectContaining({ code: 'INTEGRITY' }),
      )
    }),
    { numRuns: 400 },
  )
  for (const other of [`${envelope} `, ` ${envelope}`, envelope.replace('{', '{"note":"fine",')])
    expect(() => readEvidence(other)).toThrow(expect.objectContaining({ code: 'INTEGRITY' }))
})

test('a manifest, another key and another kind pass for no evidence', () => {
  const { envelope } = signEvidence(drillRecord(), FIRST)
  const members = JSON.parse(envelope)
  const other = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }).subarray(12)
  for (const forged of [
    { ...members, publicKey: other.toString('base64') },
    { ...members, successions: signSuccession(FIRST, SECOND, NOW) },
    { manifest: members.evidence, signature: members.signature, publicKey: members.publicKey },
  ])
    expect(() => readEvidence(JSON.stringify(forged))).toThrow(expect.objectContaining({ code: 'INTEGRITY' }))
})

test('a record that contradicts itself is not signed', () => {
  for (const over of [
    { number: 2 },
    { number: 0 },
    { previous: 'ab'.repeat(32) },
    { at: '2026-02-31T00:00:00.000Z' },
    { id: 'x' },
  ])
    expect(() => signEvidence(drillRecord(over), FIRST), JSON.stringify(over)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION' }),
    )
})
