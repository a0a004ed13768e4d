import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { assertRecipient, generateIdentity, readIdentityFile, recipientOf } from '#index.ts'
import { KEYS, rejectionOf } from '#test/sample-archives.ts'

const folder = mkdtempSync(join(tmpdir(), 'archive-identities-'))
afterAll(() => rmSync(folder, { recursive: true }))

function keyFile(text: string): string {
  const path = join(folder, 'key.txt')
  writeFileSync(path, text)
  return path
}

const other = await generateIdentity()

describe('keys', () => {
  it('are made in pairs, the public one following from the private one', async () => {
    expect(other.identity).toMatch(/^AGE-SECRET-KEY-1/)
    expect(other.recipient).toMatch(/^age1/)
    expect(await recipientOf(other.identity)).toBe(other.recipient)
    expect(other.identity).not.toBe(KEYS.identity)
    expect(() => assertRecipient(other.recipient)).not.toThrow()
  })

  it.each([
    '',
    'age1',
    'age1qqqq',
    `${KEYS.recipient}q`,
    KEYS.recipient.slice(0, -1),
    KEYS.recipient.toUpperCase(),
    KEYS.identity,
    'ssh-ed25519 AAAA',
    `age1pq1${'q'.repeat(100)}`,
  ])('are not taken for a recipient when they are %j', text => {
    expect(() => assertRecipient(text)).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  })

  it('that were mistyped do not show up in the error', async () => {
    const mistyped = KEYS.identity.replace(/.$/, end => (end === 'Q' ? 'P' : 'Q'))
    const error = await rejectionOf(recipientOf(mistyped))
    expect(error).toMatchObject({ code: 'CONFIGURATION' })
    expect(inspect(error)).not.toContain(mistyped.slice(16, 40))
  })
})

describe('an identity file', () => {
  it('may hold comments, blank lines, several keys and any line ends', async () => {
    const path = keyFile(
      `# created: today\r\n# public key: ${KEYS.recipient}\r\n${KEYS.identity}\r\n\n  ${other.identity}  `,
    )
    expect(await readIdentityFile(path)).toEqual([KEYS.identity, other.identity])
  })

  it.each([
    ['', 'no identity'],
    ['# only a comment\n', 'no identity'],
    [`${KEYS.identity}\nAGE-SECRET-KEY-1QQQQ\n`, 'Line 2'],
    ['age-encryption.org/v1\n-> scrypt x 18\n', 'Line 1'],
    [KEYS.recipient, 'Line 1'],
  ])('that holds %j is refused with a hint', async (text, message) => {
    const path = keyFile(text)
    const error = await rejectionOf(readIdentityFile(path))
    expect(error).toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringContaining(message),
      hint: expect.any(String),
    })
    expect(inspect(error)).not.toContain('SECRET-KEY-1QQQQ')
  })

  it('that is missing or a folder is refused with its path and the cause', async () => {
    const missing = join(folder, 'missing.txt')
    const error = await rejectionOf(readIdentityFile(missing))
    expect(error).toMatchObject({
      code: 'CONFIGURATION',
      message: `The identity file ${missing} cannot be read (ENOENT)`,
      hint: expect.stringContaining('check the path'),
      cause: { code: 'ENOENT' },
    })
    expect(await rejectionOf(readIdentityFile(folder))).toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringContaining('(EISDIR)'),
      hint: expect.stringContaining('folder'),
    })
  })
})
