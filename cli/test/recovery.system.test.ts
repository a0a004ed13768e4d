import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { BackupDetails } from '@telegram-backup/database'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import {
  checksumsOf,
  dumpOf,
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { RICH_ROLES, richSchema } from '@telegram-backup/test-support/servers/rich-schema.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

// docs/recovery.md as it stands, run block by block: curl, age, zstd, psql and tar, none of our code on the
// way back.

const run = promisify(execFile)
let vault: TestVault
let server: PostgresServer
let env: Record<string, string>
let blocks: string[]
let folder: string

beforeAll(async () => {
  for (const program of ['age', 'zstd', 'curl', 'tar', 'psql']) {
    await run(program, ['--version']).catch(() => {
      throw new Error(`This test needs ${program}: apt-get install ${program}`)
    })
  }
  vault = await openTestVault()
  server = await startPostgresServer(await installedServer())
  env = await cliEnvironment(vault)
  folder = await mkdtemp(join(tmpdir(), 'recovery-'))
  const page = await readFile(new URL('../../docs/recovery.md', import.meta.url), 'utf8')
  blocks = [...page.matchAll(/```bash\n(.*?)```/gs)].map(match => match[1] as string)
})

afterAll(async () => {
  await server.stop()
  await vault.close()
  await rm(folder, { recursive: true, force: true })
})

async function send(...source: string[]): Promise<BackupDetails> {
  const sent = await runCli(['send', '--project', 'shop', ...source, '--json'], { env })
  expect(sent.code, sent.stderr).toBe(0)
  const { databaseRecord } = sent.json() as IntegratedBackupResult
  return (await runCli(['show', databaseRecord?.id ?? '', '--json'], { env })).json() as BackupDetails
}

/** Runs a block of the page in the folder of the parts. */
async function block(number: number, variables: Record<string, string>): Promise<string> {
  const { stdout } = await run('bash', ['-c', blocks[number] ?? 'exit 9'], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'] ?? '',
      KEY: env['BACKUP_AGE_IDENTITY_FILE'] ?? '',
      API_ROOT: vault.emulator.url,
      TOKEN: vault.token,
      CHAT: String(vault.chatId),
      ...variables,
    },
  })
  return stdout
}

async function download(backup: BackupDetails): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder)
  const before = vault.messageIds()
  const listed = (await block(0, {})).split('\n').map(row => row.split('\t'))
  const [, manifest = ''] = listed.find(([name]) => name === backup.filename) ?? []
  expect(manifest).toBe(String(backup.manifest?.message_id))
  await block(1, { MANIFEST: manifest })
  expect(vault.messageIds()).toEqual(before)
  await block(2, {})
  await block(3, {})
}

describe('without this program', () => {
  test('a database comes back, equal to the last comment and grant', async () => {
    await server.sql('postgres', `${RICH_ROLES}; create database source; create database target`)
    await server.sql('source', richSchema({ serverMajor: 15, rows: 2000 }))
    const backup = await send('--type', 'database', '--postgres', server.url('source'))
    expect(backup.parts.length).toBeGreaterThan(1)
    await download(backup)
    await block(4, { DATABASE: server.url('target') })
    expect(await checksumsOf(server, 'target')).toBe(await checksumsOf(server, 'source'))
    expect(await dumpOf(server.url('target'))).toBe(await dumpOf(server.url('source')))
  })

  test('a directory comes back, and one file of it', async () => {
    const source = join(vault.folder, 'uploads')
    await mkdir(join(source, 'größe', 'deep'), { recursive: true })
    await writeFile(join(source, 'größe', 'deep', 'a b.txt'), 'text\n')
    await writeFile(join(source, 'script'), '#!/bin/sh\n', { mode: 0o750 })
    await symlink('script', join(source, 'link'))
    const backup = await send('--type', 'storage', '--directory', source)
    expect(backup.parts).toHaveLength(1)
    await download(backup)
    const target = join(folder, 'target')
    await block(5, { TARGET: target })
    await run('diff', ['-r', '--no-dereference', source, target])
    const { stdout } = await run('stat', ['-c', '%a', join(target, 'script')])
    expect(stdout.trim()).toBe('750')
    await block(6, { MEMBER: 'größe/deep/a b.txt', OUT: 'one' })
    expect(await readFile(join(folder, 'one'), 'utf8')).toBe('text\n')
  })

  test('a part that is missing, wherever it belongs, is noticed before anything is joined', async () => {
    const file = join(vault.folder, 'numbers.log')
    await writeFile(
      file,
      (await run('head', ['-c', '300000', '/dev/urandom'], { encoding: 'buffer' })).stdout,
    )
    const backup = await send('--type', 'logs', '--file', file)
    await download(backup)
    await rm(join(folder, 'restored'))
    for (const part of backup.parts) {
      const bytes = await readFile(join(folder, part.file_name))
      await rm(join(folder, part.file_name))
      await expect(block(2, {})).rejects.toThrow('parts are missing')
      await writeFile(join(folder, part.file_name), bytes)
    }
    await block(2, {})
    expect((await readFile(join(folder, 'restored'))).equals(await readFile(file))).toBe(true)
  })
})
