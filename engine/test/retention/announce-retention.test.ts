import { createBackup, setRetentionPolicy } from '@telegram-backup/database'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { openTestCatalog, openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { openSession } from '@telegram-backup/vault/session/open-session.ts'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { readNotificationSettings } from '#config/notification-settings.ts'
import { readConfig } from '#environment.ts'
import { createLogger } from '#logging.ts'
import { retentionAnnouncer } from '#retention/announce-retention.ts'
import { runRetention } from '#retention/run-retention.ts'

const HOUR_MS = 3_600_000

let vault: TestVault
let database: Awaited<ReturnType<typeof openTestCatalog>>
const lines: string[] = []

beforeAll(async () => {
  vault = await openTestVault()
  database = await openTestCatalog()
})
afterAll(async () => {
  await database.discard()
  await vault.close()
})
beforeEach(async () => {
  await sql`truncate control_plane.notices, control_plane.retention_notices`.execute(database.kysely)
  await sql`delete from control_plane.retention_policies`.execute(database.kysely)
  lines.length = 0
})

async function aBackup(project_id: string, hoursAgo: number): Promise<string> {
  const created_at = new Date(Date.now() - hoursAgo * HOUR_MS)
  const { id } = await createBackup(database, {
    project_id,
    type: 'database',
    file_id: 'f',
    size: 1,
    created_at,
  })
  return id
}

/** One run with a webhook, and what waits for that afterwards. */
async function run({
  noticeMs,
  webhook_without = [],
}: {
  noticeMs: number
  webhook_without?: string[]
}): Promise<{ erased: string[]; waiting: { erase: unknown[]; needs_word: unknown[] }[] }> {
  const notifications = readNotificationSettings({ webhook: 'http://127.0.0.1:1/', webhook_without })
  const announcer = retentionAnnouncer({
    database,
    configFile: { notifications: () => notifications, retention: { noticeMs } },
    log: createLogger({ level: 'info', stream: { write: line => lines.push(line) } }),
  })
  const { signal } = new AbortController()
  const config = readConfig(await cliEnvironment(vault))
  const session = await openSession({ database, client: vault.client, config, signal })
  await runRetention(session, announcer)
  const rows = await database.kysely.selectFrom('notices').select('notice').execute()
  return {
    erased: session.report.erased_backups.map(({ backup_id }) => backup_id),
    waiting: rows.map(({ notice }) => (notice as { details: never }).details),
  }
}

async function routine(project: string): Promise<string> {
  const old = await aBackup(project, 3)
  await aBackup(project, 2)
  await aBackup(project, 1)
  await setRetentionPolicy(database, { project_id: project, type: 'database', keep: { last: 2 } })
  return old
}

it('what goes as planned, at once, is in the log, and no warning to anybody', async () => {
  const old = await routine('planned')
  expect(await run({ noticeMs: 0 })).toEqual({ erased: [old], waiting: [] })
  expect(lines.join('')).toContain(old)
})

it('what somebody may still stop is told to the webhook, and waits for that', async () => {
  const old = await routine('noticed')
  const { erased, waiting } = await run({ noticeMs: 24 * HOUR_MS })
  expect(erased).toEqual([])
  expect(waiting).toMatchObject([{ erase: [{ id: old }], needs_word: [] }])
})

it('what waits for a word is told without what goes at once', async () => {
  for (const hours of [9, 8, 7, 6, 5]) await aBackup('doubted', hours)
  await setRetentionPolicy(database, { project_id: 'doubted', type: 'database', keep: { last: 1 } })
  const old = await routine('also')
  const { erased, waiting } = await run({ noticeMs: 0 })
  expect(erased).toEqual([old])
  expect(waiting).toHaveLength(1)
  expect(waiting).toMatchObject([{ erase: [] }])
  expect(waiting[0]?.needs_word).toHaveLength(4)
})

it('of a kind that is switched off nothing waits, and the time of notice holds all the same', async () => {
  const old = await routine('silent')
  const { erased, waiting } = await run({ noticeMs: 24 * HOUR_MS, webhook_without: ['retention.notice'] })
  expect({ erased, waiting }).toEqual({ erased: [], waiting: [] })
  expect(lines.join('')).toContain(old)
})
