import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { test as base, describe, expect } from 'vitest'
import { loadOrCreateSigningKey, prepareSigningRotation, signerFingerprint } from '#index.ts'
import { newKeyText, parseKeyFile, type SigningKey } from '#signing.ts'
import { keysBefore, MAX_SUCCESSIONS, signSuccession } from '#succession.ts'

const NOW = new Date('2026-12-01T00:00:00Z')
const newKey = (): SigningKey => parseKeyFile(newKeyText(), 'a test')
/** Keys by number; the same number is the same key. */
const KEYS = Array.from({ length: 7 }, newKey)
const keyOf = (number: number): SigningKey => KEYS[number] ?? newKey()
const nameOf = (number: number): string => signerFingerprint(keyOf(number))
const statement = (from: number, to: number): string => signSuccession(keyOf(from), keyOf(to), NOW)
const chainOf = (...keys: number[]): string[] =>
  keys.slice(1).map((key, index) => statement(keys[index] ?? 0, key))

const test = base.extend<{ path: string }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest asks for a pattern
  path: async ({}, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'archive-succession-'))
    await use(join(folder, 'signing-key.pem'))
    rmSync(folder, { recursive: true })
  },
})

describe('a chain of signing keys', () => {
  test('names the keys before the last one, oldest first', () => {
    expect(keysBefore(keyOf(3).publicKey, chainOf(0, 1, 2, 3))).toEqual([0, 1, 2].map(nameOf))
    expect(keysBefore(keyOf(3).publicKey, [])).toEqual([])
    // A shorter chain of the same keys proves less, and nothing wrong.
    expect(keysBefore(keyOf(3).publicKey, chainOf(1, 2, 3))).toEqual([1, 2].map(nameOf))
  })

  test('proves nothing unless each key names the next, from the first to the signer, and none twice', () => {
    const hop = fc.tuple(fc.nat(6), fc.nat(6))
    fc.assert(
      fc.property(fc.array(hop, { maxLength: 6 }), fc.nat(6), (hops, signer) => {
        const lines = hops.map(([from, to]) => statement(from, to))
        const path = hops.map(([from]) => from)
        const isConnected = hops.every(([, to], index) => to === (hops[index + 1]?.[0] ?? signer))
        const isSimple = new Set([...path, signer]).size === path.length + 1
        const expected = isConnected && isSimple ? path.map(nameOf) : []
        expect(keysBefore(keyOf(signer).publicKey, lines)).toEqual(expected)
      }),
      { numRuns: 300 },
    )
  })

  test('proves nothing once a single character of it is another', () => {
    const text = chainOf(0, 1, 2).join('\n')
    const at = fc.nat(text.length - 1)
    fc.assert(
      fc.property(at, fc.constantFrom('A', 'b', '0', '+', ' ', '\n', 'Z'), (offset, other) => {
        fc.pre(text[offset] !== other)
        const changed = `${text.slice(0, offset)}${other}${text.slice(offset + 1)}`.split('\n')
        const keys = keysBefore(keyOf(2).publicKey, changed)
        // Unused bits at the end of base64 may differ; whatever is accepted names the right keys.
        if (keys.length > 0) expect(keys).toEqual([0, 1].map(nameOf))
      }),
    )
    for (const forged of [
      // Signed by a stranger, or by the new key itself.
      statement(0, 1).replace(/ \S+$/, statement(5, 1).slice(-89)),
      statement(0, 1).replace(/ \S+$/, statement(1, 1).slice(-89)),
      `${statement(0, 1)} `,
      '',
    ])
      expect(keysBefore(keyOf(1).publicKey, [forged])).toEqual([])
  })

  test('of more than the greatest number proves nothing', () => {
    const keys = Array.from({ length: MAX_SUCCESSIONS + 2 }, newKey)
    const lines = keys.slice(1).map((key, index) => signSuccession(keys[index] ?? key, key, NOW))
    const last = keys.at(-1) ?? newKey()
    expect(keysBefore(last.publicKey, lines)).toEqual([])
    expect(keysBefore(last.publicKey, lines.slice(1))).toHaveLength(MAX_SUCCESSIONS)
  })
})

describe('a change of the signing key', () => {
  test('leaves the old key at work until it is completed, and keeps the chain and the mode', async ({
    path,
  }) => {
    const first = await loadOrCreateSigningKey(path)
    chmodSync(path, 0o640)
    const rotation = await prepareSigningRotation(path, { isChained: true, now: NOW })
    expect(signerFingerprint(await loadOrCreateSigningKey(path))).toBe(signerFingerprint(first))
    await rotation.complete()
    const second = await loadOrCreateSigningKey(path)
    expect(keysBefore(second.publicKey, second.successions ?? [])).toEqual([signerFingerprint(first)])
    expect(statSync(path).mode & 0o777).toBe(0o640)
    const again = await prepareSigningRotation(path, { isChained: true, now: NOW })
    await again.complete()
    const third = await loadOrCreateSigningKey(path)
    expect(keysBefore(third.publicKey, third.successions ?? [])).toEqual(
      [first, second].map(signerFingerprint),
    )
    expect(readdirSync(join(path, '..'))).toEqual(['signing-key.pem'])
    // A program of before takes the file for what it was.
    expect(readFileSync(path, 'utf8')).toMatch(
      /^-----BEGIN PRIVATE KEY-----\n[^-]+-----END PRIVATE KEY-----\n/,
    )
  })

  test('that was interrupted goes on with the same key, whole or half written', async ({ path }) => {
    await loadOrCreateSigningKey(path)
    const begun = await prepareSigningRotation(path, { isChained: true, now: NOW })
    const next = await prepareSigningRotation(path, { isChained: true, now: new Date() })
    expect(next.isContinued).toBe(true)
    expect(signerFingerprint(next.next)).toBe(signerFingerprint(begun.next))
    writeFileSync(`${path}.next`, 'half of')
    const anew = await prepareSigningRotation(path, { isChained: true, now: NOW })
    expect(anew.isContinued).toBe(false)
    await anew.complete()
    expect(existsSync(`${path}.next`)).toBe(false)
    // What was prepared for another key is not taken.
    const lost = await prepareSigningRotation(path, { isChained: true, now: NOW })
    rmSync(path)
    await loadOrCreateSigningKey(path)
    const other = await prepareSigningRotation(path, { isChained: true, now: NOW })
    expect(signerFingerprint(other.next)).not.toBe(signerFingerprint(lost.next))
  })

  test('without a chain begins anew', async ({ path }) => {
    await loadOrCreateSigningKey(path)
    await (await prepareSigningRotation(path, { isChained: true, now: NOW })).complete()
    await (await prepareSigningRotation(path, { isChained: false, now: NOW })).complete()
    expect((await loadOrCreateSigningKey(path)).successions).toBeUndefined()
  })

  test('needs a key, and makes none', async ({ path }) => {
    const rotation = prepareSigningRotation(path, { isChained: true, now: NOW })
    await expect(rotation).rejects.toMatchObject({ code: 'CONFIGURATION' })
    expect(readdirSync(join(path, '..'))).toEqual([])
  })
})
