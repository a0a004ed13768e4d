import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatAssignment } from '@telegram-backup/engine/config/environment-syntax.ts'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callCli } from '#test/call-cli.ts'

let vault: TestVault
/** As another command line would have to be given them. */
let settings: Record<string, string>

beforeAll(async () => {
  vault = await openTestVault()
  settings = await cliEnvironment(vault)
})

afterAll(() => vault.close())

async function environmentFile(path: string, values: Record<string, string>): Promise<string> {
  const lines = Object.entries(values).map(([name, value]) => formatAssignment(name, value))
  await writeFile(path, lines.join(''))
  await chmod(path, 0o600)
  return path
}

describe('a command without any setting in its environment', () => {
  test('takes all of them from the file of --env-file', async () => {
    const path = await environmentFile(join(vault.folder, 'settings'), settings)
    const file = join(vault.folder, 'a.log')
    await writeFile(file, 'a line')
    const what = ['--project', 'shop', '--type', 'logs', '--file', file]
    const sent = await callCli(['send', ...what, '--env-file', path, '--json'], { env: {} })
    expect(sent, sent.stderr).toMatchObject({ code: 0 })
    const listed = await callCli(['list', '--env-file', path, '--json'], { env: {} })
    expect(listed.json()).toHaveLength(1)
  })

  test('takes them from the state folder', async () => {
    const home = settings['TELEGRAM_BACKUP_HOME'] ?? join(vault.folder, 'home')
    await mkdir(home, { recursive: true })
    await environmentFile(join(home, 'environment'), settings)
    const env = { TELEGRAM_BACKUP_HOME: home, TELEGRAM_BACKUP_ENV_FILE: '' }
    const listed = await callCli(['list', '--json'], { env })
    expect(listed, listed.stderr).toMatchObject({ code: 0 })
    const off = await callCli(['doctor', '--json'], { env: { TELEGRAM_BACKUP_HOME: home } })
    expect(off.code).toBe(2)
  })

  test('ends with 2 and the number of the line, never with its text, and needs no file for keygen', async () => {
    const path = join(vault.folder, 'broken')
    await writeFile(path, 'A=1\n12345:very-secret-token\n', { mode: 0o600 })
    const listed = await callCli(['list', '--env-file', path, '--json'], { env: {} })
    expect(listed.code).toBe(2)
    expect(listed.json()).toMatchObject({
      success: false,
      code: 'CONFIGURATION',
      error: `${path}, line 2: it is not NAME=value`,
    })
    expect(listed.stdout + listed.stderr).not.toContain('very-secret')
    expect(await callCli(['keygen', '--env-file', path], { env: {} })).toMatchObject({ code: 0 })
  })
})
