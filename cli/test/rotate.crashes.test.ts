import { existsSync, readFileSync } from 'node:fs'
import { chmod, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadOrCreateSigningKey, signerFingerprint } from '@telegram-backup/archive'
import { formatAssignment } from '@telegram-backup/engine/config/environment-syntax.ts'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import {
  openTestCatalog,
  openTestVault,
  type TestCatalog,
  type TestVault,
} from '@telegram-backup/test-support/vault.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { callCli } from '#test/call-cli.ts'

// A change of a secret that is killed: the old one works on, and the next run goes on.

let vault: TestVault
let catalog: TestCatalog
let path: string
let keyFile: string
let signingKey: string
let env: Record<string, string>

beforeEach(async () => {
  vault = await openTestVault()
  catalog = await openTestCatalog()
  const { BACKUP_AGE_IDENTITY_FILE = '', ...stored } = await cliEnvironment(vault)
  keyFile = BACKUP_AGE_IDENTITY_FILE
  signingKey = join(stored['TELEGRAM_BACKUP_HOME'] ?? '', 'signing-key.pem')
  path = join(vault.folder, 'environment')
  const values = Object.entries({ ...stored, ...catalog.env })
  await writeFile(path, values.map(([name, value]) => formatAssignment(name, value)).join(''))
  await chmod(path, 0o600)
  env = { TELEGRAM_BACKUP_ENV_FILE: path }
  await send()
})

afterEach(async () => {
  await catalog.discard()
  await vault.close()
})

async function send(): Promise<void> {
  const file = join(vault.folder, 'a.log')
  await writeFile(file, 'a line')
  const what = ['--project', 'shop', '--type', 'logs', '--file', file]
  const sent = await callCli(['send', ...what], { env })
  expect(sent, sent.stderr).toMatchObject({ code: 0 })
}

/** Kills the command as soon as something has happened; false when the command was faster. */
async function killedWhen(args: readonly string[], hasHappened: () => boolean): Promise<boolean> {
  let pid = 0
  const ended = runCli(args, {
    env,
    onStart: child => {
      pid = child
    },
  })
  const timer = setInterval(() => {
    if (!hasHappened()) return
    clearInterval(timer)
    process.kill(pid, 'SIGKILL')
  }, 1)
  const { code } = await ended.finally(() => clearInterval(timer))
  return code === null
}

function editionOfIndex(): string {
  return vault.emulator.inspect.messages(vault.chatId).find(({ pinned }) => pinned)?.caption ?? ''
}

async function assertFirstCardProves(signer: string): Promise<void> {
  const empty = await openTestCatalog()
  const own = join(vault.folder, `${signer.slice(-9, -1).replace(/\W/g, '_')}.pem`)
  const other = { ...env, ...empty.env, BACKUP_AGE_IDENTITY_FILE: keyFile, BACKUP_SIGNING_KEY_FILE: own }
  const recovered = await callCli(['recover', '--signer', signer, '--json'], { env: other })
  expect(recovered, recovered.stderr).toMatchObject({ code: 0 })
  expect(recovered.json()).toMatchObject({ refused: [], signer: expect.any(String) })
  await empty.discard()
}

test.for(['prepared', 'published', 'replaced'] as const)(
  'rotate signer that is killed once the key is %s',
  async moment => {
    const first = signerFingerprint(await loadOrCreateSigningKey(signingKey))
    const [edition, text] = [editionOfIndex(), readFileSync(signingKey, 'utf8')]
    const moments = {
      prepared: () => existsSync(`${signingKey}.next`),
      published: () => editionOfIndex() !== edition,
      replaced: () => readFileSync(signingKey, 'utf8') !== text,
    }
    await killedWhen(['rotate', 'signer', '--yes'], moments[moment])
    const between = signerFingerprint(await loadOrCreateSigningKey(signingKey))
    if (moment === 'prepared') expect(between).toBe(first)
    // The machine works on, whichever key it has.
    await send()
    const again = await callCli(['rotate', 'signer', '--yes', '--json'], { env })
    expect(again, again.stderr).toMatchObject({ code: 0 })
    expect(again.json()).toMatchObject({ before: between })
    if (moment === 'prepared') expect(again.json()).toMatchObject({ continued: true })
    expect((await readdir(join(signingKey, '..'))).filter(name => name.startsWith('signing-key'))).toEqual([
      'signing-key.pem',
    ])
    await send()
    await assertFirstCardProves(first)
  },
)

test.for(['written', 'stored'] as const)(
  'rotate recipients that is killed once the new key is %s',
  async moment => {
    const out = join(vault.folder, 'new-key.txt')
    const text = readFileSync(path, 'utf8')
    const moments = {
      written: () => existsSync(out) && readFileSync(out, 'utf8').includes('AGE-SECRET-KEY-1'),
      stored: () => readFileSync(path, 'utf8') !== text,
    }
    const args = ['rotate', 'recipients', '--out', out, '--replace', vault.recipient, '--yes']
    await killedWhen(args, moments[moment])
    const isStored = readFileSync(path, 'utf8') !== text
    await send()
    const again = await callCli([...args, '--json'], { env })
    // Once the new key is in use, the old one cannot be replaced again.
    expect(again.code, again.stderr).toBe(isStored ? 2 : 0)
    const [, recipient = ''] = /public key: (age1\w+)/.exec(readFileSync(out, 'utf8')) ?? []
    expect(readFileSync(path, 'utf8')).toBe(text.replace(vault.recipient, recipient))
    expect((await readdir(vault.folder)).filter(name => name.startsWith('.environment'))).toEqual([])
    await send()
    const both = join(vault.folder, 'both.txt')
    await writeFile(both, readFileSync(out, 'utf8') + readFileSync(keyFile, 'utf8'), { mode: 0o600 })
    const checked = await callCli(['verify', '--all', '--read-data'], {
      env: { ...env, BACKUP_AGE_IDENTITY_FILE: both },
    })
    expect(checked, checked.stderr).toMatchObject({ code: 0 })
  },
)
