import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateIdentity } from '@telegram-backup/archive'
import { formatAssignment } from '@telegram-backup/engine/config/environment-syntax.ts'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import type { CliRun } from '@telegram-backup/test-support/run-cli.ts'
import {
  openTestCatalog,
  openTestVault,
  type TestCatalog,
  type TestVault,
} from '@telegram-backup/test-support/vault.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { callCli } from '#test/call-cli.ts'

let vault: TestVault
let catalog: TestCatalog
let path: string
let keyFile: string
/** The process has no setting but the place of the file. */
let env: Record<string, string>

beforeEach(async () => {
  vault = await openTestVault()
  catalog = await openTestCatalog()
  const { BACKUP_AGE_IDENTITY_FILE = '', ...stored } = await cliEnvironment(vault)
  keyFile = BACKUP_AGE_IDENTITY_FILE
  path = join(vault.folder, 'environment')
  const lines = Object.entries({ ...stored, ...catalog.env }).map(([name, value]) =>
    formatAssignment(name, value),
  )
  await writeFile(path, `# mine\n${lines.join('')}`)
  await chmod(path, 0o600)
  env = { TELEGRAM_BACKUP_ENV_FILE: path }
  await send()
})

afterEach(async () => {
  await catalog.discard()
  await vault.close()
})

async function rotate(...args: string[]): Promise<CliRun> {
  return await callCli(['rotate', ...args], { env })
}

async function send(extra: Record<string, string> = {}): Promise<void> {
  const file = join(vault.folder, 'a.log')
  await writeFile(file, 'a line')
  const what = ['--project', 'shop', '--type', 'logs', '--file', file]
  const sent = await callCli(['send', ...what], { env: { ...env, ...extra } })
  expect(sent, sent.stderr).toMatchObject({ code: 0 })
}

async function tokenFile(token: string): Promise<string> {
  const file = join(vault.folder, 'new-token')
  await writeFile(file, `${token}\n`, { mode: 0o600 })
  return file
}

describe('rotate token', () => {
  test('stores the token of another bot only once that bot may work in the chat, and never prints it', async () => {
    const { emulator, chatId } = vault
    const bot = emulator.createBot()
    const args = ['token', '--token-file', await tokenFile(bot.token), '--yes']
    const before = await readFile(path, 'utf8')
    const refused = await rotate(...args)
    expect(refused.code).toBe(2)
    expect(await readFile(path, 'utf8')).toBe(before)
    emulator.asHuman.promote(chatId, bot, { can_edit_messages: false, can_delete_messages: false })
    const weak = await rotate(...args)
    expect(weak.stderr).toContain('lacks rights')
    expect([weak.code, await readFile(path, 'utf8')]).toEqual([2, before])
    emulator.asHuman.promote(chatId, bot)
    const done = await rotate(...args, '--json')
    expect(done, done.stderr).toMatchObject({ code: 0 })
    expect(done.json()).toMatchObject({ is_other_bot: true, changed: true, file: path, missing_rights: [] })
    const after = await readFile(path, 'utf8')
    expect(after).toBe(before.replace(vault.token, bot.token))
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    for (const run of [refused, weak, done]) expect(run.stdout + run.stderr).not.toContain(bot.token)
    expect((await rotate(...args, '--json')).json()).toMatchObject({ changed: false })
    await send()
  })

  test('refuses a text that is no token without repeating it, and a token that is in no file', async () => {
    const wrong = await rotate('token', '--token-file', await tokenFile('password-of-mine'), '--yes')
    expect(wrong.code).toBe(2)
    expect(wrong.stdout + wrong.stderr).not.toContain('password-of-mine')
    const args = ['rotate', 'token', '--token-file', await tokenFile(vault.token), '--yes']
    const typed = await callCli(args, { env: { ...env, TELEGRAM_BOT_TOKEN: vault.token } })
    expect([typed.code, typed.stderr]).toEqual([2, expect.stringContaining('in no environment file')])
    const unasked = await rotate('token')
    expect([unasked.code, unasked.stderr]).toEqual([2, expect.stringContaining('--token-file FILE')])
  })
})

describe('rotate recipients', () => {
  test('encrypts new backups and the index for the new key, and says who needs the old one', async () => {
    const out = join(vault.folder, 'new-key.txt')
    const unconfirmed = await rotate('recipients', '--out', out)
    expect([unconfirmed.code, await readdir(vault.folder)]).toEqual([
      2,
      expect.not.arrayContaining(['new-key.txt']),
    ])
    const done = await rotate('recipients', '--out', out, '--yes', '--json')
    expect(done, done.stderr).toMatchObject({ code: 0 })
    expect(done.stderr).toContain('1 backup may need it')
    const { recipient } = done.json() as { recipient: string }
    expect(done.json()).toMatchObject({
      replaced: vault.recipient,
      recipients: [recipient],
      old_backups: { count: 1 },
    })
    expect((await stat(out)).mode & 0o777).toBe(0o600)
    expect(await readFile(path, 'utf8')).toContain(`BACKUP_AGE_RECIPIENTS=${recipient}\n`)
    await send()
    const found = (key: string): Promise<CliRun> =>
      callCli(['verify', '--all', '--read-data', '--json'], {
        env: { ...env, BACKUP_AGE_IDENTITY_FILE: key },
      })
    // Each key opens what was made for it, and both together everything.
    const both = join(vault.folder, 'both.txt')
    await writeFile(both, (await readFile(out, 'utf8')) + (await readFile(keyFile, 'utf8')), { mode: 0o600 })
    expect((await found(out)).code).not.toBe(0)
    expect((await found(keyFile)).code).not.toBe(0)
    expect((await found(both)).code).toBe(0)
  })

  test('adds the new key to the key file of this machine when that holds the old one', async () => {
    env = { ...env, BACKUP_AGE_IDENTITY_FILE: keyFile }
    const done = await rotate('recipients', '--yes', '--json')
    expect(done, done.stderr).toMatchObject({ code: 0 })
    expect(await readFile(keyFile, 'utf8')).toContain(vault.identity)
    await send()
    const checked = await callCli(['verify', '--all', '--read-data'], { env })
    expect(checked, checked.stderr).toMatchObject({ code: 0 })
  })

  test('names the recovery key among several, and leads back to the set-up that made it', async () => {
    const state = join(vault.folder, 'state')
    const setUp = join(vault.folder, 'set-up')
    const out = join(vault.folder, 'new-key.txt')
    const { recipient: drill } = await generateIdentity()
    const file = join(setUp, 'backup-key.txt')
    await Promise.all([state, setUp].map(folder => mkdir(folder)))
    await writeFile(file, vault.identity, { mode: 0o600 })
    const record = {
      ...{ recipient: vault.recipient, file, made_at: '2026-11-01T00:00:00.000Z', announced_at: null },
      ...{ confirmed_at: null, confirmed_by: null },
    }
    await writeFile(join(state, 'recovery-key.json'), JSON.stringify(record))
    const stored = await readFile(path, 'utf8')
    await writeFile(path, stored.replace(vault.recipient, `${vault.recipient},${drill}`))
    env = { ...env, TELEGRAM_BACKUP_HOME: state }
    const unclear = await rotate('recipients', '--out', out, '--yes')
    expect([unclear.code, unclear.stderr]).toEqual([
      2,
      expect.stringContaining(`${vault.recipient} (the recovery key), ${drill}`),
    ])
    const done = await rotate('recipients', '--replace', vault.recipient, '--out', out, '--yes')
    expect(done, done.stderr).toMatchObject({ code: 0 })
    expect(done.stderr).toContain(`The old private key is still on this machine, in ${file}`)
    // The new key lies elsewhere, and is confirmed where the set-up was made.
    expect(done.stdout).toContain(`"telegram-backup init --folder ${setUp} --key-saved"`)
    expect(done.stdout).not.toContain('no new backup can be decrypted')
    const doctor = await callCli(['doctor', '--fast'], { env })
    expect(doctor.stdout).toContain(`"telegram-backup init --folder ${setUp} --key-saved"`)
  })

  test('asks which key is meant, and where a private key is to go, before anything is made', async () => {
    expect((await rotate('recipients', '--yes')).stderr).toContain('--out')
    const other = await rotate('recipients', '--replace', 'age1other', '--out', '/tmp/none', '--yes')
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('not encrypted for that key')])
    const bad = await rotate('recipients', '--recipient', 'age1nonsense', '--yes')
    expect(bad.code).not.toBe(0)
    expect(await readFile(path, 'utf8')).toContain(vault.recipient)
  })
})

test('rotate signer makes a key that the old one names, and an index that it signs', async () => {
  const done = await rotate('signer', '--yes', '--json')
  expect(done, done.stderr).toMatchObject({ code: 0 })
  const { before, signer } = done.json() as { before: string; signer: string }
  expect(done.json()).toMatchObject({ chained: true, continued: false, indexes_left: [] })
  const empty = await openTestCatalog()
  const other = {
    ...env,
    ...empty.env,
    BACKUP_AGE_IDENTITY_FILE: keyFile,
    BACKUP_SIGNING_KEY_FILE: join(vault.folder, 'other.pem'),
  }
  const recovered = await callCli(['recover', '--signer', before, '--json'], { env: other })
  expect(recovered, recovered.stderr).toMatchObject({ code: 0 })
  expect(recovered.json()).toMatchObject({ signer })
  await empty.discard()
})
