import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'

let vault: TestVault

beforeAll(async () => {
  vault = await openTestVault()
})

afterAll(() => vault.close())

test('programs that lie in the working folder never run, whatever a relative PATH says', async () => {
  const working = join(vault.folder, 'working')
  const source = join(working, 'source')
  await mkdir(source, { recursive: true })
  await writeFile(join(source, 'a'), 'precious')
  const marks = join(vault.folder, 'marks')
  await mkdir(marks)
  for (const name of ['tar', 'mkfifo', 'sync', 'ps', 'chmod', 'pg_dump', 'psql']) {
    await writeFile(join(working, name), `#!/bin/sh\n: > ${join(marks, name)}\nexit 1\n`)
    await chmod(join(working, name), 0o755)
  }
  const env = await cliEnvironment(vault)
  for (const path of [
    `.:${process.env['PATH']}`,
    `:${process.env['PATH']}`,
    '.',
    `working:./:${process.env['PATH']}`,
  ]) {
    const options = { env: { ...env, PATH: path }, cwd: working }
    const args = ['send', '--project', 'shop', '--type', 'storage', '--directory', source, '--json']
    const sent = await runCli(args, options)
    expect(sent.code, sent.stderr).toBe(0)
    const id = (sent.json() as IntegratedBackupResult).databaseRecord?.id ?? ''
    const target = join(vault.folder, `target-${id}`)
    const restored = await runCli(['restore', id, '--to', target, '--yes'], options)
    expect(restored.code, restored.stderr).toBe(0)
    expect(await readFile(join(target, 'a'), 'utf8')).toBe('precious')
  }
  expect(await readdir(marks)).toEqual([])
}, 240_000)
