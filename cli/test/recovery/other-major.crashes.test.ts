import { cp, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Backup } from '@telegram-backup/database'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'

// The embedded server of a later release may be of the next major version, which cannot read the old one's
// data. The way that docs/operations.md tells: the chat is the catalog's backup.

let vault: TestVault
let env: Record<string, string>

beforeAll(async () => {
  vault = await openTestVault()
  env = await cliEnvironment(vault)
})

afterAll(async () => {
  await vault.close()
})

test('a catalog of another major version is refused untouched, and comes back from the chat into a new folder', async () => {
  await writeFile(join(vault.folder, 'shop.sql'), 'SELECT 1;\n')
  const send = ['send', '--project', 'shop', '--type', 'database', '--file', join(vault.folder, 'shop.sql')]
  expect((await runCli(send, { env })).code).toBe(0)
  const before = (await runCli(['list', '--json'], { env })).json() as Backup[]

  const home = String(env['TELEGRAM_BACKUP_HOME'])
  await rename(join(home, 'pg18'), join(home, 'pg17'))
  const refused = await runCli(['list', '--json'], { env })
  expect(refused.code).toBe(2)
  expect(refused.json()).toMatchObject({
    error: expect.stringMatching(/PostgreSQL 17, this is 18$/),
    hint: expect.stringContaining('recover'),
  })

  const old = `${home}.old`
  await rename(home, old)
  await mkdir(home, { mode: 0o700 })
  await cp(join(old, 'signing-key.pem'), join(home, 'signing-key.pem'))
  const recovered = await runCli(['recover', '--json'], { env })
  expect(recovered.code, recovered.stderr).toBe(0)
  const facts = ({ id, state, size, created_at, expires_at }: Backup): unknown => ({
    id,
    state,
    size,
    created_at,
    expires_at,
  })
  const after = (await runCli(['list', '--json'], { env })).json() as Backup[]
  expect(after.map(facts)).toEqual(before.map(facts))
  // The same key signs, so nobody is asked whose signature that is; and sending goes on.
  expect((await runCli(send, { env })).code).toBe(0)
  await rm(old, { recursive: true, force: true })
})
