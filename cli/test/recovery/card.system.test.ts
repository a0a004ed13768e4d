import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import {
  dumpOf,
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { tarWithoutPrivilege } from '@telegram-backup/test-support/unprivileged-tar.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'

// The lines of the recovery card as they are printed, run one block after the other: curl, age, zstd, psql
// and tar.

const run = promisify(execFile)
let vault: TestVault
let server: PostgresServer
let env: Record<string, string>
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
  folder = await mkdtemp(join(tmpdir(), 'card-'))
})

afterAll(async () => {
  await server.stop()
  await vault.close()
  await rm(folder, { recursive: true, force: true })
})

/**
 * The indented blocks of the card, in order: the program's own, the list, the backup, database, directory.
 */
function blocksOf(card: string): string[] {
  return [...card.matchAll(/(?:^ {4}.*\n?)+/gm)].map(([block]) => block.replace(/^ {4}/gm, ''))
}

async function send(...source: string[]): Promise<IntegratedBackupResult> {
  const sent = await runCli(['send', '--project', 'shop', ...source, '--json'], { env })
  expect(sent.code, sent.stderr).toBe(0)
  return sent.json() as IntegratedBackupResult
}

/** Of a directory with something in it that nobody may read. */
async function sendInPart(...source: string[]): Promise<IntegratedBackupResult> {
  const more = ['--allow', 'unreadable', '--json']
  const sent = await runCli(['send', '--project', 'shop', ...source, ...more], {
    env: { ...env, ...(await tarWithoutPrivilege(vault.folder)) },
  })
  expect(sent.code, sent.stderr).toBe(3)
  return sent.json() as IntegratedBackupResult
}

async function bash(script: string, variables: Record<string, string> = {}): Promise<string> {
  const { stdout } = await run('bash', ['-c', script], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'] ?? '',
      TOKEN: vault.token,
      KEY: env['BACKUP_AGE_IDENTITY_FILE'] ?? '',
      ...variables,
    },
  })
  return stdout
}

test('token, card and key are enough to get the bytes back, and nothing secret is on the card', async () => {
  const file = randomBytes(300_000)
  await writeFile(join(vault.folder, 'numbers.log'), file)
  const uploads = join(vault.folder, 'uploads')
  await mkdir(uploads)
  await writeFile(join(uploads, 'a.txt'), 'text\n')
  await writeFile(join(uploads, 'closed.txt'), 'closed\n', { mode: 0o000 })
  const logs = await send('--type', 'logs', '--file', join(vault.folder, 'numbers.log'))
  const directory = await sendInPart('--type', 'storage', '--directory', uploads)
  await server.sql('postgres', 'create database source; create database target template template0')
  await server.sql(
    'source',
    'create table rows as select n, md5(n::text) as body from generate_series(1, 9000) n',
  )
  const database = await send('--type', 'database', '--postgres', server.url('source'))

  const printed = await runCli(['card'], { env })
  expect(printed.code, printed.stderr).toBe(0)
  const card = Buffer.from(printed.stdout, 'latin1').toString('utf8')
  for (const secret of [vault.token, vault.token.split(':')[1] ?? '', vault.identity]) {
    expect(card).not.toContain(secret)
  }
  expect(card.split('\n').length).toBeLessThanOrEqual(120)
  // What `recover` and the next send need on the new machine.
  for (const name of ['TELEGRAM_CHAT_ID', 'BACKUP_AGE_RECIPIENTS', 'TELEGRAM_API_ROOT'])
    expect(card).toContain(` ${name}=${env[name]}`)
  expect(card).not.toContain('TELEGRAM_REPLICA_CHAT_ID')

  const before = vault.messageIds()
  const [, list = '', backup = '', psql = '', tar = ''] = blocksOf(card)
  const rows = (await bash(list))
    .trim()
    .split('\n')
    .map(row => row.split('\t'))
  const sent = [logs, directory, database].map(({ telegramMetadata }) => telegramMetadata?.filename)
  expect(rows.map(([name]) => name)).toEqual(sent)
  const whole = await bash(`${list}\n${backup}`, { MANIFEST: rows[0]?.[1] ?? '' })
  expect(whole).not.toContain('missing')
  expect((await readFile(join(folder, 'restored'))).equals(file)).toBe(true)
  const shown = await bash(`${list}\n${backup}\n${tar}`, {
    ...{ MANIFEST: rows[1]?.[1] ?? '', TARGET: join(folder, 'back') },
  })
  expect(await readFile(join(folder, 'back', 'a.txt'), 'utf8')).toBe('text\n')
  expect(shown).toContain('files missing or torn from the start: 1\n')
  await bash(`${list}\n${backup}\n${psql}`, {
    MANIFEST: rows[2]?.[1] ?? '',
    DATABASE: server.url('target'),
  })
  expect((await dumpOf(server.url('target'))) === (await dumpOf(server.url('source')))).toBe(true)
  expect(vault.messageIds()).toEqual(before)
})
