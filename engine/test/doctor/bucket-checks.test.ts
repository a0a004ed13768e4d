import { createBucket } from '@telegram-backup/database'
import { openTestCatalog, type TestCatalog } from '@telegram-backup/test-support/vault.ts'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkBuckets } from '#doctor/bucket-checks.ts'
import { readConfig } from '#environment.ts'

let catalog: TestCatalog

beforeAll(async () => {
  catalog = await openTestCatalog()
})
afterAll(() => catalog.discard())

const look = (env: Record<string, string>) =>
  checkBuckets({
    config: readConfig({ TELEGRAM_BACKUP_HOME: '/nowhere', ...catalog.env, ...env }),
    signal: new AbortController().signal,
  })
const WITHOUT_KEY = {
  BACKUP_AGE_RECIPIENTS: 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p',
}

it('doctor says how many buckets there are, that nobody here can read them, and which has no new snapshot', async () => {
  const readable = { BACKUP_ENCRYPTION: 'off' }
  expect(await look(readable)).toBeUndefined()
  await createBucket(catalog, { name: 'laptop', kind: 'restic', projectId: 'shop', snapshotLimitHours: 26 })
  await createBucket(catalog, { name: 'office', kind: 'restic', projectId: 'shop' })
  expect(await look(readable)).toEqual({ message: '2 buckets', warning: undefined })
  expect(await look(WITHOUT_KEY)).toEqual({
    message: '2 buckets',
    warning: expect.stringContaining('set BACKUP_AGE_IDENTITY_FILE where it runs'),
  })
  await sql`update control_plane.object_buckets set created_at = created_at - interval '27 hours'`.execute(
    catalog.kysely,
  )
  const { warning } = (await look(readable)) ?? {}
  expect(warning).toContain('No new snapshot in bucket "laptop" (project shop) for too long')
  expect(warning).not.toContain('office')
  // The check of the catalog says that it cannot be reached.
  expect(await look({ ...readable, DATABASE_URL: 'postgresql://127.0.0.1:1/none' })).toBeUndefined()
})
