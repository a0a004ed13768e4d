import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  loadOrCreateSigningKey,
  prepareSigningRotation,
  type SigningKey,
  signerFingerprint,
} from '@telegram-backup/archive'
import { signedChain } from '@telegram-backup/test-support/evidence-records.ts'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkEvidenceFile, evidenceFile, MOST_EVIDENCE_BYTES } from '#proof/evidence-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'evidence-file-'))
const path = join(folder, 'signing-key.pem')
const AT = new Date('2026-12-02T00:00:00Z')
/** Of one machine, each named by the one before. */
const keys: SigningKey[] = []
let stranger: SigningKey

beforeAll(async () => {
  keys.push(await loadOrCreateSigningKey(path))
  for (const now of [AT, AT]) {
    await (await prepareSigningRotation(path, { isChained: true, now })).complete()
    keys.push(await loadOrCreateSigningKey(path))
  }
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  stranger = { privateKey, publicKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(12) }
})
afterAll(() => rmSync(folder, { recursive: true }))

const nameOf = (key: SigningKey | undefined): string => (key === undefined ? '' : signerFingerprint(key))
const newest = (): SigningKey => keys[2] ?? stranger
const changed = expect.objectContaining({ code: 'INTEGRITY' })

test('a file proves its records by the first key, after two changes of the key', () => {
  const records = signedChain(6, keys)
  const { text, keys: toTrust } = evidenceFile(records, { isSelection: false, at: AT, signingKey: newest() })
  expect(toTrust).toEqual([nameOf(keys[0])])
  const checked = checkEvidenceFile(text, toTrust)
  expect(checked.records.map(({ record }) => record.number)).toEqual([1, 2, 3, 4, 5, 6])
  expect(checked).toMatchObject({ isSelection: false, untrustedExporter: undefined })
  expect(checked.signers).toEqual(keys.map(nameOf))
  // Trust goes forward only.
  expect(() => checkEvidenceFile(text, [nameOf(newest())])).toThrow(changed)
  expect(() => checkEvidenceFile(text, [nameOf(stranger)])).toThrow(changed)
  expect(JSON.parse(text)).toHaveLength(7)
})

test('one byte anywhere, and a line less, twice or elsewhere, is found', () => {
  const { text } = evidenceFile(signedChain(4, keys), { isSelection: false, at: AT, signingKey: newest() })
  const bytes = Buffer.from(text)
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const other = Buffer.from(bytes)
      other[at] = (other[at] ?? 0) ^ change
      expect(() => checkEvidenceFile(other.toString('utf8'), [])).toThrow(changed)
    }),
    { numRuns: 300 },
  )
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const refuse = (other: string[], what: string): void =>
      expect(() => checkEvidenceFile(other.join('\n'), []), `${what} line ${at}`).toThrow(changed)
    refuse(lines.toSpliced(at, 1), 'without')
    refuse(lines.toSpliced(at, 0, lines[at] ?? ''), 'twice')
    if (at > 0) refuse(lines.toSpliced(at - 1, 2, lines[at] ?? '', lines[at - 1] ?? ''), 'exchanged')
    for (const cut of [1, 40]) refuse([text.slice(0, -cut * at - 1)], 'cut at')
  }
})

test('an export is never larger than what can be checked', () => {
  const large = { envelope: 'x'.repeat(1024 * 1024), sha256: 'a'.repeat(64) }
  const all = Array.from({ length: MOST_EVIDENCE_BYTES / large.envelope.length }, () => large)
  expect(() => evidenceFile(all, { isSelection: false, at: AT, signingKey: newest() })).toThrow(
    expect.objectContaining({ code: 'USAGE' }),
  )
})

test('records that somebody left out are missed, also when another key signs the list of contents anew', () => {
  const records = signedChain(5, keys.slice(0, 1))
  const trusted = [nameOf(keys[0])]
  const without = (at: number, isSelection: boolean, signingKey: SigningKey | undefined): string =>
    evidenceFile(records.toSpliced(at, 1), { isSelection, at: AT, signingKey: signingKey ?? stranger }).text
  expect(() => checkEvidenceFile(without(2, false, keys[0]), trusted)).toThrow(/Record 3 is missing/)
  expect(() => checkEvidenceFile(without(2, true, stranger), trusted)).toThrow(/Record 3 is missing/)
  // Nothing but the list of contents shows the end of a chain.
  const cut = checkEvidenceFile(without(4, false, stranger), trusted)
  expect(cut).toMatchObject({ untrustedExporter: nameOf(stranger) })
  // On purpose, by a trusted key.
  expect(checkEvidenceFile(without(2, true, keys[0]), trusted).isSelection).toBe(true)
})

test('a record of another chain does not take the place of one', () => {
  const [own, other] = [signedChain(3, keys), signedChain(3, keys)]
  const mixed = [own[0], other[1], own[2]].flatMap(one => one ?? [])
  const { text } = evidenceFile(mixed, { isSelection: false, at: AT, signingKey: newest() })
  expect(() => checkEvidenceFile(text, [])).toThrow(/Record 2 does not continue record 1/)
})

test('a single record, as a chat has it, is checked alone', () => {
  const [record] = signedChain(1, keys)
  const envelope = record?.envelope ?? ''
  expect(checkEvidenceFile(envelope, [nameOf(keys[0])]).records).toHaveLength(1)
  expect(() => checkEvidenceFile(`${envelope}\n`, [])).toThrow(changed)
  expect(() => checkEvidenceFile('', [])).toThrow(changed)
})
