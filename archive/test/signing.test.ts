import { execFile as execFileWithCallback } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadOrCreateSigningKey, signerFingerprint } from '#index.ts'
import { assertSafeFromOthers } from '#key-file-access.ts'
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
      writeFileSync(path, content, { mode: 0o600 })
      expect(await rejectionOf(loadOrCreateSigningKey(path))).toMatchObject({
        code: 'CONFIGURATION',
        hint: expect.stringContaining('PEM'),
      })
      expect(readFileSync(path, 'utf8')).toBe(content)
    }
  })

  it('that the system cannot read or make is refused with the name of its error and a hint that fits', async () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    for (const [path, name] of [
      [folder, 'EISDIR'],
      [join(file, 'below', 'a', 'file'), 'ENOTDIR'],
      // Folders that exist and take no other: mkdir's own recursion does not end there.
      ['/proc/none/key.pem', 'ENOENT'],
      ['/proc/none/below/key.pem', 'ENOENT'],
    ] as const) {
      expect(await rejectionOf(loadOrCreateSigningKey(path))).toMatchObject({
        code: 'CONFIGURATION',
        message: `The signing key ${path} can be neither read nor made (${name})`,
        hint: expect.not.stringContaining('PEM'),
      })
    }
  })

  it.each([0o644, 0o604, 0o602, 0o620, 0o666])(
    'is refused in a file of mode %o, and left as it is',
    async mode => {
      const path = join(folder, 'signing.pem')
      await loadOrCreateSigningKey(path)
      chmodSync(path, mode)
      expect(await rejectionOf(loadOrCreateSigningKey(path))).toMatchObject({
        code: 'CONFIGURATION',
        hint: expect.stringContaining(`chmod 600 ${path}`),
      })
      expect(statSync(path).mode & 0o777).toBe(mode)
      chmodSync(path, 0o600)
      await loadOrCreateSigningKey(path)
    },
  )

  it.each([0o600, 0o400, 0o640, 0o440])('is read from a file of mode %o', async mode => {
    const path = join(folder, 'signing.pem')
    const made = await loadOrCreateSigningKey(path)
    chmodSync(path, mode)
    expect(signerFingerprint(await loadOrCreateSigningKey(path))).toBe(signerFingerprint(made))
  })

  it('is taken from this user and from root only; root takes it from anyone', () => {
    const check = (uid: number, userId: number | undefined): void =>
      assertSafeFromOthers('/keys/signing.pem', { uid, mode: 0o100600 }, userId)
    for (const [uid, userId] of [
      [1000, 1000],
      [0, 1000],
      [1000, 0],
      [0, 0],
      [1000, undefined],
    ] as const) {
      expect(() => check(uid, userId)).not.toThrow()
    }
    expect(() => check(1001, 1000)).toThrow(
      expect.objectContaining({
        code: 'CONFIGURATION',
        hint: expect.stringContaining('chown 1000 /keys/signing.pem'),
      }),
    )
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
