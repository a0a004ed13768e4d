import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBackup, noteConditions, openAlerts, pinBackup } from '@telegram-backup/database'
import { openTestCatalog, type TestCatalog } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { callCli } from '#test/call-cli.ts'

let folder: string
let database: TestCatalog
let backupId: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-and-alerts-'))
  database = await openTestCatalog()
  backupId = (await createBackup(database, { project_id: 'shop', type: 'logs', file_id: 'f', size: 1 })).id
  await pinBackup({ ...database, actor: 'key ci\u001b[2J (0b0f7a52)' }, backupId, true)
  const details = {
    project: 'shop',
    type: 'logs',
    source: 'web',
    details: { message: 'no disk', code: 'SOURCE' },
  }
  await noteConditions(database, {
    found: [{ key: 'a', kind: 'backup_failed', details, notice: {} }],
    ...{ kinds: [], quietForMs: 0, channels: [], recovery: () => ({}) },
  })
})

afterAll(async () => {
  await database.discard()
  await rm(folder, { recursive: true, force: true })
})

const cli = (...args: string[]) => callCli(args, { env: { TELEGRAM_BACKUP_HOME: folder, ...database.env } })

test('audit lists who did what, by act, object and time, and shows no control characters', async () => {
  const all = (await cli('audit', '--json')).json() as Record<string, unknown>[]
  expect(all).toMatchObject([{ act: 'backup.pin', object: backupId, project_id: 'shop' }])
  const shown = await cli('audit', '--act', 'backup.pin', '--object', backupId, '--since', '1h')
  expect(shown.stdout).toContain('backup.pin')
  expect(shown.stdout).not.toContain('\u001b')
  expect((await cli('audit', '--act', 'key.create')).stdout).toBe('No acts.\n')
  const wrong = await cli('audit', '--act', 'backup.burn')
  expect(wrong.code).toBe(2)
  expect(wrong.stderr).toContain('The acts are backup.send, backup.fetch, backup.restore')
})

test('alerts lists the open ones, and alerts mute mutes one by the beginning of its id', async () => {
  const [{ id } = { id: '' }] = await openAlerts(database)
  expect((await cli('alerts')).stdout).toContain('The backup of "web" (project shop, logs) failed: no disk')
  const muted = await cli('alerts', 'mute', id.slice(0, 8), '2h')
  expect(muted.code, muted.stderr).toBe(0)
  expect(muted.stdout).toMatch(/^Muted until .*: The backup of "web"/)
  expect((await cli('alerts', '--all', '--json')).json()).toMatchObject([
    { id, muted_by: expect.any(String) },
  ])
  expect((await cli('audit', '--act', 'alert.mute')).stdout).toContain('minutes 120')
  expect((await cli('alerts', 'mute', id, '0')).stdout).toMatch(/^The alert is not muted/)
  for (const [args, code] of [
    [['nothing', '2h'], 4],
    [[id, '99d'], 2],
    [[id, 'soon'], 2],
  ] as const) {
    expect((await cli('alerts', 'mute', ...args)).code, args.join(' ')).toBe(code)
  }
})
