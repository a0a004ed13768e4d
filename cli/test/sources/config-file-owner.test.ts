import { execFileSync } from 'node:child_process'
import { chmod, chown, lchown, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfigFile } from '@telegram-backup/engine/config/config-file.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

// Whoever can write telegram-backup.yaml says what is read, what is restored where, and where passwords are
// sent.

const STRANGER = 4242
const isRoot = process.geteuid?.() === 0
const TEXT = 'sources: { a: { project: p, type: storage, directory: /srv } }\n'

let home: string
let folder: string
let path: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'config-owner-test-'))
  folder = join(home, 'work')
  await mkdir(folder, { mode: 0o755 })
  path = join(folder, 'telegram-backup.yaml')
  await writeFile(path, TEXT, { mode: 0o644 })
})

afterEach(() => rm(home, { recursive: true }))

/** As for the working folder; the second place is a folder without one. */
const found = (): Promise<{ sourceNames: readonly string[] }> =>
  readConfigFile({ configFile: undefined, stateFolder: folder }, {})
const named = (): Promise<{ sourceNames: readonly string[] }> =>
  readConfigFile({ configFile: path, stateFolder: home }, {})

describe('a configuration file that was found', () => {
  it('is taken when it is ours and nobody else may write to it', async () => {
    expect((await found()).sourceNames).toEqual(['a'])
  })

  it.each([0o664, 0o646, 0o666])(
    'is refused with mode %o, and the next place is not asked instead',
    async mode => {
      await chmod(path, mode)
      await expect(found()).rejects.toMatchObject({
        code: 'CONFIGURATION',
        message: expect.stringContaining(path),
        hint: expect.stringContaining('chmod go-w'),
      })
    },
  )

  it.runIf(isRoot)(
    'is refused when it is another user’s, or root’s in a folder of another user',
    async () => {
      await chown(path, STRANGER, STRANGER)
      await expect(found()).rejects.toMatchObject({ code: 'CONFIGURATION' })
      await chown(path, 0, 0)
      await chown(folder, STRANGER, STRANGER)
      await expect(found()).rejects.toMatchObject({ code: 'CONFIGURATION' })
      await chown(folder, 0, 0)
      expect((await found()).sourceNames).toEqual(['a'])
    },
  )

  it.runIf(isRoot)(
    'is refused to root in a folder that others can write to, unless only owners can rename there',
    async () => {
      await chmod(folder, 0o777)
      await expect(found()).rejects.toMatchObject({ code: 'CONFIGURATION' })
      await chmod(folder, 0o1777)
      expect((await found()).sourceNames).toEqual(['a'])
    },
  )

  it.runIf(isRoot)('is refused when the link that leads to it is another user’s', async () => {
    const restored = join(home, 'restored.yaml')
    await writeFile(restored, TEXT, { mode: 0o644 })
    await rm(path)
    await symlink(restored, path)
    expect((await found()).sourceNames).toEqual(['a'])
    await chmod(folder, 0o1777)
    await lchown(path, STRANGER, STRANGER)
    await expect(found()).rejects.toMatchObject({ code: 'CONFIGURATION' })
  })

  it('is refused, and not waited for, when it is a FIFO', { timeout: 5_000 }, async () => {
    await rm(path)
    execFileSync('bash', ['-c', 'mkfifo "$0"', path])
    await expect(found()).rejects.toMatchObject({ code: 'CONFIGURATION' })
  })

  it.runIf(isRoot)('in the working folder ends a command with 2 before anything of it is used', async () => {
    await chown(path, STRANGER, STRANGER)
    const run = await runCli(['send', '--source', 'a', '--json'], {
      env: {
        TELEGRAM_BACKUP_HOME: join(home, 'state'),
        TELEGRAM_BOT_TOKEN: '1:x',
        TELEGRAM_CHAT_ID: '-1001',
      },
      cwd: folder,
    })
    expect(run.code).toBe(2)
    expect(run.stderr).toContain(path)
  })
})

describe('a configuration file that was named', () => {
  it.runIf(isRoot)('is taken from any owner, as a container mounts it', async () => {
    await chown(path, STRANGER, STRANGER)
    expect((await named()).sourceNames).toEqual(['a'])
  })

  it('is refused when everybody may write to it', async () => {
    await chmod(path, 0o666)
    await expect(named()).rejects.toMatchObject({
      code: 'CONFIGURATION',
      hint: expect.stringContaining('chmod o-w'),
    })
  })

  it('may be /dev/null', async () => {
    const none = await readConfigFile({ configFile: '/dev/null', stateFolder: home }, {})
    expect(none.sourceNames).toEqual([])
  })
})

const SECRETS = [
  'TELEGRAM_BOT_TOKEN',
  'TELEGRAM_BOT_TOKEN_FILE',
  'DATABASE_URL',
  'BACKUP_AGE_IDENTITY',
  'BACKUP_AGE_IDENTITY_FILE',
  'BACKUP_SIGNING_KEY',
]

describe('a secret of this program', () => {
  it.each(SECRETS)('%s is not filled into a URL of the file', async name => {
    const secret = join(folder, 'secret')
    await writeFile(secret, 'abc')
    const environment = { [name]: name.endsWith('_FILE') ? secret : 'abc' }
    const place = `"postgresql://u:\${${name}}@elsewhere/d"`
    for (const text of [
      `sources:\n  a: { project: p, type: database, postgres: ${place} }\n`,
      `targets:\n  a: { postgres: ${place} }\n`,
      `notifications:\n  webhook: "https://elsewhere/\${${name}}"\n`,
    ]) {
      await writeFile(path, text)
      const read = readConfigFile({ configFile: undefined, stateFolder: folder }, environment)
      await expect(read).rejects.toMatchObject({
        code: 'CONFIGURATION',
        message: expect.stringMatching(`line 2, column .*${name}`),
      })
      await expect(read).rejects.not.toMatchObject({ message: expect.stringContaining('abc') })
    }
  })

  it('leaves all other variables to be filled in', async () => {
    await writeFile(path, `targets:\n  a: { postgres: "postgresql://u:\${SHOP_PASSWORD}@h/d" }\n`)
    const file = await readConfigFile({ configFile: undefined, stateFolder: folder }, { SHOP_PASSWORD: 'pw' })
    expect(file.target('a').postgres).toBe('postgresql://u:pw@h/d')
  })
})
