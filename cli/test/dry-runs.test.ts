import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expectAtRest, openChat, type TestChat } from '@telegram-backup/test-support/test-chat.ts'
import {
  openTestCatalog,
  openTestVault,
  type TestCatalog,
  type TestVault,
} from '@telegram-backup/test-support/vault.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { callCli } from '#test/call-cli.ts'

let vault: TestVault
let chat: TestChat
let database: TestCatalog
let path: string

beforeAll(async () => {
  vault = await openTestVault()
  database = await openTestCatalog()
  chat = await openChat(vault)
  Object.assign(chat.env, database.env)
  path = join(vault.folder, 'a.bin')
  await writeFile(path, Buffer.alloc(1_000_000, 'some bytes'))
})

afterAll(async () => {
  await database.discard()
  await vault.close()
})

const NAMED = ['--project', 'shop', '--type', 'storage']

async function json(...args: string[]) {
  const run = await callCli([...args, '--json'], chat)
  return { code: run.code, json: run.json() as Record<string, unknown>, said: run.stderr }
}

it('send --dry-run names parts and time, needs neither chat nor catalog, and leaves nothing', async () => {
  const home = join(vault.folder, 'home-of-a-dry-run')
  const env = {
    ...chat.env,
    DATABASE_URL: '',
    TELEGRAM_BACKUP_HOME: home,
    TELEGRAM_API_ROOT: 'http://127.0.0.1:9',
    TELEGRAM_PART_SIZE: '100000',
    TELEGRAM_MESSAGES_PER_MINUTE: '5',
  }
  const run = await callCli(['send', ...NAMED, '--file', path, '--dry-run', '--json'], { env })
  expect(run.code).toBe(0)
  expect(run.json()).toMatchObject({
    dry_run: true,
    bytes: 1_000_000,
    bytes_are_exact: true,
    messages_at_most: 11,
    seconds_at_most: 120,
  })
  await expect(readdir(home)).rejects.toMatchObject({ code: 'ENOENT' })
})

it.each([
  ['without a key', { BACKUP_AGE_RECIPIENTS: '' }, [], 2],
  ['without a chat', { TELEGRAM_CHAT_ID: '' }, [], 2],
  ['of a file that is not there', {}, ['--file', '/no/such/file'], 2],
  ['of standard input', {}, ['-'], 2],
  ['that goes on with another', {}, ['--resume', '3f0c2c1e'], 2],
] as const)('send --dry-run is refused %s, as the send would be', async (_, env, source, code) => {
  const from = source.length === 0 ? ['--file', path] : source
  const run = await callCli(['send', ...NAMED, ...from, '--dry-run', '--json'], {
    env: { ...chat.env, ...env },
  })
  expect(run).toMatchObject({ code })
  expect(run.json()).toMatchObject({ success: false })
})

it('erase --dry-run tells deletions from replacements, refuses what erase refuses, and changes nothing', async () => {
  const { json: sent } = await json('send', ...NAMED, '--file', path)
  const id = (sent as unknown as IntegratedBackupResult).databaseRecord?.id ?? ''
  const before = await json('show', id)
  expect(await json('erase', id, '--dry-run')).toMatchObject({ code: 1, json: { code: 'LAST_BACKUP' } })
  await database.kysely
    .updateTable('backup_parts')
    .set({ sent_at: new Date(Date.now() - 49 * 3_600_000) })
    .where('backup_id', '=', id)
    .where('part_no', '=', 1)
    .execute()
  const { code, json: preview } = await json('erase', id, '--dry-run', '--even-the-last')
  expect(code).toBe(0)
  const outcomes = (preview['messages'] as { part_no: number; outcome: string }[]).map(
    ({ part_no, outcome }) => [part_no, outcome],
  )
  expect(outcomes).toEqual([
    [0, 'erased'],
    [1, 'tombstone'],
  ])
  const after = await json('show', id)
  expect(after.json['state']).toBe('complete')
  expect(after.json['history']).toEqual(before.json['history'])
  expect((await callCli(['erase', id, '--even-the-last'], chat)).code).toBe(0)
  expect((await callCli(['erase', id, '--dry-run'], chat)).stdout).toBe(`Backup ${id} is erased already.\n`)
  await expectAtRest(chat, database)
})

it('a quiet command says nothing when all is well, a verbose one names its calls, without the token', async () => {
  const quiet = await callCli(['send', ...NAMED, '--file', path, '--quiet'], chat)
  expect([quiet.code, quiet.stdout, quiet.stderr]).toEqual([0, '', ''])
  const verbose = await callCli(['send', ...NAMED, '--file', path, '--verbose'], chat)
  expect(verbose.stdout).toMatch(/is complete\.\n[\s\S]* took {5}\d+\.\d [KM]iB in \d+\.\d s/)
  expect(verbose.stderr).toMatch(/\d s {2}sendDocument message \d+, [\d.]+ [KM]iB in \d+\.\d s/)
  expect(verbose.stderr).not.toContain(vault.token.split(':')[1])
  const both = await callCli(['list', '--quiet', '--verbose'], chat)
  expect([both.code, both.stderr]).toEqual([2, expect.stringContaining('cannot be combined')])
})
