import { execFile as execFileWithCallback } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadOrCreateSigningKey, signerFingerprint } from '#index.ts'
import { isSignedBy, signBytes } from '#signing.ts'
import { rejectionOf, sha256 } from '#test/sample-archives.ts'

const execFile = promisify(execFileWithCallback)

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'archive-signing-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('the signing key', () => {
  it('is made once, for the owner alone, in a folder for the owner alone', async () => {
    const path = join(folder, 'state', 'keys', 'signing.pem')
    const made = await loadOrCreateSigningKey(path)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'state')).mode & 0o777).toBe(0o700)
    expect(readFileSync(path, 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----/)
    const loaded = await loadOrCreateSigningKey(path)
    expect(signerFingerprint(loaded)).toBe(signerFingerprint(made))
    expect(readdirSync(join(folder, 'state', 'keys'))).toEqual(['signing.pem'])
  })

  it('is the same for all who start at once, in this process and in others', async () => {
    const path = join(folder, 'signing.pem')
    const program = `import { loadOrCreateSigningKey, signerFingerprint } from '@telegram-backup/archive'
      console.log(signerFingerprint(await loadOrCreateSigningKey(process.argv[1])))`
    const shell = `for i in 1 2 3; do "$0" --input-type=module -e "$1" "$2" & done; wait`
    const others = execFile('bash', ['-c', shell, process.execPath, program, path], {
      cwd: import.meta.dirname,
    })
    const keys = await Promise.all(Array.from({ length: 8 }, () => loadOrCreateSigningKey(path)))
    const { stdout: output } = await others
    const fingerprints = [...output.trim().split('\n'), ...keys.map(signerFingerprint)]
    expect(fingerprints).toHaveLength(11)
    expect(new Set(fingerprints).size).toBe(1)
    expect(readdirSync(folder)).toEqual(['signing.pem'])
  })

  it('is refused, and left as it is, when the file holds something else', async () => {
    const path = join(folder, 'signing.pem')
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
      format: 'pem',
      type: 'pkcs8',
    })
    for (const content of ['', 'no key', rsa]) {
      writeFileSync(path, content)
      expect(await rejectionOf(loadOrCreateSigningKey(path))).toMatchObject({
        code: 'CONFIGURATION',
        hint: expect.any(String),
      })
      expect(readFileSync(path, 'utf8')).toBe(content)
    }
    expect(await rejectionOf(loadOrCreateSigningKey(join(path, 'below', 'a', 'file')))).toMatchObject({
      code: 'CONFIGURATION',
    })
  })

  it('has a fingerprint that anyone can make from the raw public key', async () => {
    const key = await loadOrCreateSigningKey(join(folder, 'signing.pem'))
    expect(key.publicKey).toHaveLength(32)
    expect(signerFingerprint(key)).toBe(
      `SHA256:${Buffer.from(sha256(key.publicKey), 'hex').toString('base64')}`,
    )
  })

  it('signs for one purpose only', async () => {
    const key = await loadOrCreateSigningKey(join(folder, 'signing.pem'))
    const bytes = Buffer.from('text')
    const signature = signBytes(bytes, 'one thing', key)
    expect(isSignedBy(key.publicKey, { bytes, purpose: 'one thing', signature })).toBe(true)
    expect(isSignedBy(key.publicKey, { bytes, purpose: 'another', signature })).toBe(false)
    expect(isSignedBy(key.publicKey, { bytes: Buffer.from('Text'), purpose: 'one thing', signature })).toBe(
      false,
    )
    expect(isSignedBy(key.publicKey.subarray(1), { bytes, purpose: 'one thing', signature })).toBe(false)
    expect(isSignedBy(new Uint8Array(32), { bytes, purpose: 'one thing', signature })).toBe(false)
  })
})
