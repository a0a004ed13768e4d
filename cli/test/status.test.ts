import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqlRunner } from '@telegram-backup/database'
import { openTestCatalog, type TestCatalog } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { callCli } from '#test/call-cli.ts'

let folder: string
let database: TestCatalog

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'status-'))
  database = await openTestCatalog()
})
afterAll(async () => {
  await database.discard()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  for (const table of ['verifications', 'backups']) await run(`delete from control_plane.${table}`)
  await run(`insert into control_plane.projects (id) values ('web1'), ('other') on conflict do nothing`)
  await writeFile(
    join(folder, 'telegram-backup.yaml'),
    `sources:\n  shop: { project: web1, type: logs, file: ${folder}/shop.log, no_backup_for: 26h }\n`,
  )
})

const run = (text: string, values: unknown[] = []) => sqlRunner(database).executeSql(text, values)
const status = (...args: string[]) => {
  const env = { TELEGRAM_BACKUP_HOME: folder, BACKUP_ENCRYPTION: 'off', ...database.env }
  return callCli(['status', ...args], { env })
}

/** A complete backup of the source, made so long ago. Returns its id. */
async function record(ago: string, source: string | null = 'shop', project = 'web1'): Promise<string> {
  const { rows } = await run(
    `insert into control_plane.backups (project_id, type, source_name, state, file_id, size, created_at, completed_at)
     values ($1, 'logs', $2, 'complete', 'f', 1536, now() - $3::interval, now() - $3::interval) returning id`,
    [project, source, ago],
  )
  return String((rows as { id: string }[])[0]?.id)
}

async function drill(backupId: string, state: 'sound' | 'failed' = 'sound'): Promise<string> {
  const { rows } = await run(
    `insert into control_plane.verifications (backup_id, kind, state, code, actor, started_at, finished_at, depth)
     values ($1, 'drill', $2, $3, 'a', now(), now(), 'contents') returning id`,
    [backupId, state, state === 'failed' ? 'DIFFERENT' : null],
  )
  return String((rows as { id: string }[])[0]?.id)
}

test('exit 0: a good backup within its limit, and proven', async () => {
  await drill(await record('3 hours'))
  const { code, stdout, stderr } = await status()
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^The only source can be restored\. Oldest proof: shop, just now\.\n/)
  expect(stdout).toMatch(/ok +shop +web1 +3 h ago +26 h +- +contents, 0 min ago +- +1\.5 KiB/)
})

test('exit 3: every source can be restored, and one needs a look', async () => {
  await drill(await record('3 hours'))
  await run(`update control_plane.backups set damaged_at = now() where id = $1`, [await record('5 hours')])
  const { code, stdout } = await status()
  expect(code).toBe(3)
  expect(stdout).toMatch(/^The only source can be restored\. 1 needs a look: shop \(damaged backups\)\./)
  expect(stdout).toMatch(/\nattention +shop/)
})

test('exit 1: the newest backup is too old, all are damaged or erased, or there never was one', async () => {
  expect((await status()).stdout).toContain('cannot be restored: shop (no good backup).')
  const id = await record('27 hours')
  const late = await status()
  expect(late.code).toBe(1)
  expect(late.stdout).toContain('has no good backup within the limit: shop (the newest is too old).')
  expect(late.stdout).toContain('The newest good backup is 27 h old; the limit is 26 h')
  for (const change of ['created_at = now(), damaged_at = now()', "state = 'erased'"]) {
    await run(`update control_plane.backups set ${change} where id = $1`, [id])
    const { code, stdout } = await status()
    expect([code, stdout]).toEqual([1, expect.stringContaining('cannot be restored: shop (no good backup).')])
  }
})

test('exit 1, and the way to a first backup, without any source', async () => {
  await writeFile(join(folder, 'telegram-backup.yaml'), '{}\n')
  const { code, stdout } = await status()
  expect(code).toBe(1)
  expect(stdout).toContain('Nothing is protected: there is no source and no backup.')
  expect(stdout).toContain('telegram-backup init')
  const json = (await status('--json')).json()
  expect(json).toMatchObject({ state: 'broken', sources: [], alerts: [], running: [] })
})

test('--project shows and judges the sources of one project alone', async () => {
  await drill(await record('1 hour', null, 'other'))
  const { code, stdout } = await status('--project', 'other')
  expect([code, stdout]).toEqual([0, expect.stringContaining('other/logs')])
  expect(stdout).not.toContain('shop')
  expect((await status()).code).toBe(1)
  expect((await status('--project', 'nobody')).code).toBe(1)
})

test('--json has the fields of GET /overview', async () => {
  const id = await record('3 hours')
  const drillId = await drill(id)
  const { code, stderr, ...answer } = await status('--json')
  expect([code, stderr]).toEqual([0, ''])
  const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  expect(answer.json()).toStrictEqual({
    ...{ state: 'ok', sentence: expect.any(String), as_of: at, reasons: [], alerts: [], running: [] },
    buckets: [],
    sources: [
      {
        ...{ source: 'shop', project_id: 'web1', type: 'logs', state: 'ok', reasons: [] },
        last_good: { id, created_at: at },
        limit_hours: 26,
        next_run_at: null,
        proof: { depth: 'contents', at, ok: true, drill_id: drillId },
        restore_estimate_seconds: null,
        sizes: [{ at, size: 1536 }],
      },
    ],
  })
})

test('exit 3: a failed drill of a backup that was sent by hand needs a look, although no source is declared for it', async () => {
  await drill(await record('3 hours'))
  await drill(await record('4 hours', null))
  await drill(await record('2 hours', null), 'failed')
  const { code, stdout } = await status()
  expect(code).toBe(3)
  expect(stdout).toMatch(/needs a look: .*the last drill failed/)
})

test('a bucket is a line of its own, and one without a new snapshot needs a look', async () => {
  await drill(await record('3 hours'))
  await run(
    `insert into control_plane.object_buckets (name, kind, project_id, snapshot_limit_hours, created_at, last_snapshot_at)
     values ('laptops', 'restic', 'web1', 26, now() - interval '9 days', now() - interval '2 hours')`,
  )
  const well = await status()
  expect([well.code, well.stdout]).toEqual([
    0,
    expect.stringMatching(/\nok +laptops +restic +web1 +2 h ago +26 h/),
  ])
  await run(`update control_plane.object_buckets set last_snapshot_at = now() - interval '30 hours'`)
  const late = await status()
  expect(late.code).toBe(3)
  expect(late.stdout).toMatch(
    /^The only source can be restored\. 1 bucket needs a look: laptops \(no new snapshot\)\./,
  )
  expect(late.stdout).toMatch(/\nattention +laptops +restic +web1 +1 d ago/)
  expect(late.stdout).toContain('No new snapshot in bucket "laptops" (project web1) for too long.')
  expect((await status('--project', 'other', '--json')).json()).toMatchObject({ buckets: [] })
  await run('delete from control_plane.object_buckets')
})
