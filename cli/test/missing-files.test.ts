import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Backup, type Database, sqlRunner } from '@telegram-backup/database'
import { stateWords } from '@telegram-backup/database/missing-files'
import { backupOfJob } from '@telegram-backup/engine/jobs/job-view.ts'
import type { Condition } from '@telegram-backup/engine/monitoring/conditions.ts'
import { alertNotice } from '@telegram-backup/engine/monitoring/wording.ts'
import { type CliRun, runCli } from '@telegram-backup/test-support/run-cli.ts'
import { openCatalogOf, openChat, type TestChat } from '@telegram-backup/test-support/test-chat.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'

// A backup whose send was told to leave out a file, in every answer that shows a backup. What a send writes
// down of it, `directory-failures.system.test.ts` has from a real one.

const WORDS = 'complete, 1 file missing'

let vault: TestVault
let chat: TestChat
let database: Database
let id: string
let whole: string

beforeAll(async () => {
  vault = await openTestVault()
  chat = await openChat(vault)
  database = await openCatalogOf(chat.env)
  id = await send()
  whole = await send()
  await sqlRunner(database).executeSql(
    `update control_plane.backups
        set source = source || '{"skipped": [{"path": "secret", "reason": "unreadable"}], "skipped_count": 1}'
      where id = '${id}'`,
  )
})

afterAll(async () => {
  await database.close()
  await vault.close()
})

const cli = (...args: string[]): Promise<CliRun> => runCli(args, { env: chat.env })

async function send(): Promise<string> {
  const path = join(vault.folder, 'a.bin')
  await writeFile(path, randomBytes(90_000))
  const sent = await cli('send', '--project', 'shop', '--type', 'storage', '--file', path, '--json')
  expect(sent, sent.stderr).toMatchObject({ code: 0 })
  return (sent.json() as IntegratedBackupResult).databaseRecord?.id ?? ''
}

/** What a command prints, for people and for programs. */
async function both(...args: string[]): Promise<{ text: string; json: unknown }> {
  const text = await cli(...args)
  expect(text, text.stderr).toMatchObject({ code: 0 })
  return { text: `${text.stdout}${text.stderr}`, json: (await cli(...args, '--json')).json() }
}

describe('a backup that lacks a file says so, and one that is whole does not:', () => {
  it.each([['verify'], ['verify --read-data']])('%s', async command => {
    const [verify = '', ...more] = command.split(' ')
    const one = await both(verify, id, ...more)
    expect(one.text).toContain(`Backup ${id} (${WORDS}) is sound`)
    expect(one.json).toMatchObject({ id, success: true, missing_files: 1 })
    const other = await both(verify, whole, ...more)
    expect(other.text).toContain(`Backup ${whole} is sound`)
    expect(other.json).toMatchObject({ missing_files: 0 })
  })

  it('verify --all', async () => {
    const { text, json } = await both('verify', '--all')
    expect(text).toMatch(new RegExp(`^${id} .* sound, 1 file missing +\\d`, 'm'))
    expect(text).toMatch(new RegExp(`^${whole} .* sound +\\d`, 'm'))
    expect(json).toMatchObject({
      backups: expect.arrayContaining([expect.objectContaining({ id, missing_files: 1 })]),
    })
  })

  it('pin and unpin', async () => {
    for (const [command, words] of [
      ['pin', 'is pinned'],
      ['unpin', 'is no longer pinned'],
    ] as const) {
      const { text, json } = await both(command, id)
      expect(text).toContain(`Backup ${id} (${WORDS}) ${words}.`)
      expect(json).toMatchObject({ success: true, missing_files: 1 })
    }
    expect((await both('pin', whole)).text).toContain(`Backup ${whole} is pinned.`)
    await both('unpin', whole)
  })

  it('fetch', async () => {
    const { text, json } = await both('fetch', id, '--out', join(vault.folder, 'out'))
    expect(text).toContain('warning: it is not whole: 1 file missing from the start')
    expect(json).toMatchObject({ missing_files: 1 })
  })

  it('expire, in its plan and its result; then erase', async () => {
    await sqlRunner(database).executeSql(
      `update control_plane.backups set expires_at = now() - interval '1 hour', expiry_given = true where id = '${id}'`,
    )
    const plan = await both('expire', '--dry-run')
    expect(plan.text).toMatch(new RegExp(`^${id} .* ${WORDS} .* erase `, 'm'))
    expect(plan.text).toMatch(new RegExp(`^${whole} .* complete {2}.* keep `, 'm'))
    const decision = expect.objectContaining({ id, missing_files: 1 })
    expect(plan.json).toMatchObject({ decisions: expect.arrayContaining([decision]) })
    const done = await cli('expire', '--yes')
    expect(done.stderr).toContain(`erasing backup ${id} (${WORDS}): `)
    expect(done.stdout).toContain(`erased    backup ${id} (${WORDS})\n`)
    await sqlRunner(database).executeSql(
      `update control_plane.backups set source = source || '{"skipped_count": 2}' where id = '${whole}'`,
    )
    const erased = await cli('erase', whole, '--even-the-last', '--json')
    expect(erased.stderr).toContain(', 2 files missing or torn')
    expect(erased.json()).toMatchObject({ success: true, missing_files: 2 })
  })
})

test('a job of it, and a notice that tells of the last complete one, have its number', () => {
  expect(backupOfJob(id, { missing_files: 1 })).toBe(`${id} (${WORDS} or torn)`)
  expect(backupOfJob(id, { missing_files: 0 })).toBe(id)
  const details = { last_complete_at: '2026-01-01T00:00:00.000Z', limit_seconds: 60 }
  const condition = { key: '', kind: 'backup_overdue', project: 'shop', type: 'storage', source: 'uploads' }
  const textOf = (more: Condition['details']): string =>
    alertNotice({ ...condition, details: { ...details, ...more } } as Condition, new Date()).text
  expect(textOf({ last_complete_missing_files: 1 })).toContain('00.000Z, 1 file missing or torn; there')
  expect(textOf({ last_complete_missing_files: 0 })).toContain('00.000Z; there')
  // As one of before has told it.
  expect(textOf({})).toContain('00.000Z; there')
})

test('the words count what is torn by itself, and believe no record', () => {
  const words = (source: Backup['source']): string => stateWords({ state: 'complete', source })
  expect(words({ skipped_count: 2, skipped: [{ path: 'a', reason: 'changed' }] })).toBe(
    'complete, 2 files torn',
  )
  for (const skipped_count of [0, -1, 1.5, '3', null, 1e300])
    expect(words({ skipped_count })).toBe('complete')
})
