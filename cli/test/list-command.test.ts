import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Backup, sqlRunner } from '@telegram-backup/database'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import { openTestCatalog, type TestCatalog } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { callCli } from '#test/call-cli.ts'

// Without a chat: the catalog alone is read.

let folder: string
let database: TestCatalog

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'list-command-'))
  database = await openTestCatalog()
  await sqlRunner(database).executeSql(`insert into control_plane.projects (id) values ('shop'), ('old')`)
  await sqlRunner(database).executeSql(
    `insert into control_plane.backups (project_id, type, state, size, file_id, completed_at)
       values ('shop', 'logs', 'erased', 1, 'file-id', now()), ('shop', 'logs', 'complete', 1, 'file-id', now()),
              ('shop', 'logs', 'erased', 1, 'file-id', now()), ('old', 'logs', 'erased', 1, 'file-id', now())`,
  )
})

afterAll(async () => {
  await database.discard()
  await rm(folder, { recursive: true, force: true })
})

const cli = (...args: string[]) => callCli(args, { env: { TELEGRAM_BACKUP_HOME: folder, ...database.env } })

test('list passes over what is erased and says how many that are; --all and --state erased show them, without an expiry', async () => {
  const table = (await cli('list')).stdout
  expect(table).toMatch(/ complete .* \d{4}-\d{2}-\d{2} +never$/m)
  expect(table).not.toMatch(/ erased {2}/)
  expect(table).toMatch(/^1 backup, 3 erased not shown; --all shows them$/m)
  for (const args of [['--all'], ['--state', 'erased']]) {
    const shown = (await cli('list', ...args)).stdout
    expect(shown.match(/ erased .* UTC +- +-$/gm)).toHaveLength(3)
    expect(shown).not.toContain('not shown')
  }
  expect((await cli('list', '--project', 'old')).stdout).toBe(
    'All backups that match are erased: 1 erased not shown; --all shows them.\n',
  )
  expect((await cli('list', '--json')).json()).toHaveLength(4)
})

test('list of an empty catalog says how to make a backup, and how to get those back that the chat holds', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'list-command-empty-'))
  try {
    const { stdout } = await callCli(['list'], { env: { TELEGRAM_BACKUP_HOME: empty } })
    expect(stdout).toMatch(/^No backups yet in .*telegram-backup send --help.*telegram-backup recover$/m)
  } finally {
    await rm(empty, { recursive: true, force: true })
  }
})

test('show of one that is erased tells of no expiry', async () => {
  const backups = (await cli('list', '--json')).json() as Backup[]
  for (const { id, state } of backups) {
    const shown = (await cli('show', id)).stdout
    expect(/^expires /m.test(shown), state).toBe(state === 'complete')
  }
})

test('times are in the local zone with its offset, in UTC with --utc, and in JSON always in UTC', async () => {
  const env = { TELEGRAM_BACKUP_HOME: folder, ...database.env, TZ: 'America/St_Johns' }
  const run = async (...args: string[]) => (await runCli(['list', ...args], { env })).stdout
  const local = await run()
  expect(local).toMatch(/ \d{4}-\d\d-\d\d \d\d:\d\d -0[23]:30 /)
  expect(local).not.toContain('UTC')
  expect(await run('--utc')).toMatch(/ \d{4}-\d\d-\d\d \d\d:\d\d UTC /)
  expect(await run('--json')).toMatch(/"created_at": "[^"]*Z"/)
})

test('--since, --until and --limit narrow the list; a day is counted to its end; a bad time is refused', async () => {
  const lines = async (...args: string[]) =>
    ((await cli('list', '--all', '--json', ...args)).json() as []).length
  const today = new Date().toISOString().slice(0, 10)
  expect(await lines('--since', '1h', '--until', today)).toBe(4)
  expect(await lines('--until', '1h')).toBe(0)
  expect(await lines('--since', '2999-01-01')).toBe(0)
  expect(await lines('--limit', '3')).toBe(3)
  expect((await cli('list', '--all', '--limit', '3')).stdout).toMatch(/^3 of 4 backups$/m)
  // Erased ones take no place in a list that does not show them.
  expect((await cli('list', '--limit', '1')).stdout).toMatch(/^1 backup, 3 erased not shown/m)
  for (const bad of [
    ['--since', '2026-02-31'],
    ['--until', 'soon'],
    ['--limit', '0'],
    ['--tag', 'a b'],
  ])
    expect((await cli('list', ...bad)).code, bad.join(' ')).toBe(2)
})
