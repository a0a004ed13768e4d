import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateIdentity } from '@telegram-backup/archive'
import type { Backup } from '@telegram-backup/database'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import type { CliRun } from '@telegram-backup/test-support/run-cli.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { callCli } from '#test/call-cli.ts'

// What docs/operations.md says of keys: a new one, a second one kept elsewhere, one that is lost.

let vault: TestVault
let env: Record<string, string>
const bytes = randomBytes(100_000)

beforeAll(async () => {
  vault = await openTestVault()
  env = await cliEnvironment(vault)
  await writeFile(join(vault.folder, 'file.bin'), bytes)
})

afterAll(async () => {
  await vault.close()
})

async function sendTo(...recipients: string[]): Promise<string> {
  const run = await callCli(
    ['send', '--project', 'shop', '--type', 'storage', '--file', join(vault.folder, 'file.bin'), '--json'],
    { env: { ...env, BACKUP_AGE_RECIPIENTS: recipients.join(',') } },
  )
  expect(run.code, run.stderr).toBe(0)
  return String((run.json() as IntegratedBackupResult).databaseRecord?.id)
}

async function keyFileOf(...identities: string[]): Promise<string> {
  const path = join(vault.folder, `keys-${randomBytes(4).toString('hex')}.txt`)
  await writeFile(path, identities.map(identity => `# a key\n${identity}\n`).join(''), { mode: 0o600 })
  return path
}

async function fetchWith(keyFile: string, id: string): Promise<CliRun> {
  const out = join(vault.folder, 'back.bin')
  const run = await callCli(['fetch', id, '--out', out], {
    env: { ...env, BACKUP_AGE_IDENTITY_FILE: keyFile },
  })
  if (run.code === 0) expect((await readFile(out)).equals(bytes)).toBe(true)
  return run
}

test('after a change of keys, a file with both opens all; each alone opens its own, and an empty machine recovers with both', async () => {
  const next = await generateIdentity()
  const before = await sendTo(vault.recipient)
  const after = await sendTo(next.recipient)
  const old = await keyFileOf(vault.identity)
  const fresh = await keyFileOf(next.identity)
  const both = await keyFileOf(vault.identity, next.identity)
  const codes = async (file: string): Promise<unknown> => [
    (await fetchWith(file, before)).code,
    (await fetchWith(file, after)).code,
  ]
  expect(await codes(both)).toEqual([0, 0])
  expect(await codes(old)).toEqual([0, 5])
  expect(await codes(fresh)).toEqual([5, 0])

  // The index was drawn anew with the new key; it names the old backups as well.
  const machine = {
    ...env,
    TELEGRAM_BACKUP_HOME: join(vault.folder, 'new-machine'),
    BACKUP_AGE_RECIPIENTS: next.recipient,
    BACKUP_AGE_IDENTITY_FILE: both,
  }
  const recovered = await callCli(['recover', '--json'], { env: machine })
  expect(recovered.code, recovered.stderr).toBe(0)
  const listed = (await callCli(['list', '--json'], { env: machine })).json() as Backup[]
  expect(listed.map(({ id }) => id).sort()).toEqual([before, after].sort())
  env = machine
  expect(await codes(both)).toEqual([0, 0])
})

test('with a second recipient, the key that is kept elsewhere opens everything on its own', async () => {
  const elsewhere = await generateIdentity()
  const id = await sendTo(vault.recipient, elsewhere.recipient)
  expect((await fetchWith(await keyFileOf(elsewhere.identity), id)).code).toBe(0)
  const stranger = await generateIdentity()
  expect((await fetchWith(await keyFileOf(stranger.identity), id)).code).toBe(5)
})
