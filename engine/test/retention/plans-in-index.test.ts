import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type IndexedKeep,
  type IndexedRetention,
  type IndexedSchedule,
  loadOrCreateSigningKey,
  openIndex,
  sealIndex,
} from '@telegram-backup/archive'
import {
  createSchedule,
  type Database,
  type KeepPolicy,
  listRetentionPolicies,
  listSchedules,
  setRetentionPolicy,
} from '@telegram-backup/database'
import { openTestCatalog } from '@telegram-backup/test-support/vault.ts'
import { drawIndex } from '@telegram-backup/vault/ledger/draw-index.ts'
import { recoverPlans } from '@telegram-backup/vault/recover/recovered-plans.ts'
import { expect, onTestFinished, test } from 'vitest'
import { nextTime } from '#cron/cron-times.ts'
import { keepView } from '#retention/keep-policy.ts'
import { parseKeep } from '#retention/parse-keep.ts'

// What a policy and a schedule are is written down by the catalog, by the archive, and by what draws and
// reads an index: these have no common ground. A rule that one of them does not know would be lost on a new
// server, and backups with it.

/** Every rule there is; one more does not compile until it is here. */
const KEEP: Required<KeepPolicy> = {
  last: 1,
  hourly: 2,
  daily: 3,
  weekly: 4,
  monthly: 5,
  yearly: 6,
  within_ms: 7 * 86_400_000,
  minimum: 8,
  tags: ['audit', 'release:2026'],
}
const { within_ms: withinMs, ...counts } = KEEP
const INDEXED_KEEP: Required<IndexedKeep> = { ...counts, withinMs }
const INDEXED_SCHEDULE: Required<IndexedSchedule> = {
  id: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
  source: 'shop-db',
  project: 'shop',
  type: 'database',
  cron: '33 5 * * *',
  timezone: 'Europe/Berlin',
  enabled: true,
  keep: INDEXED_KEEP,
  jitterSeconds: 60,
  catchUp: 'skip',
}
const INDEXED_RETENTION: IndexedRetention = { project: 'shop', type: 'logs', keep: INDEXED_KEEP }
const CHAT = '-1001'

async function catalog(): Promise<Database> {
  const database = await openTestCatalog()
  onTestFinished(() => database.discard())
  return database
}

test('every rule and every field of a schedule go through an index and come back as they were', async () => {
  const [old, next] = [await catalog(), await catalog()]
  const { project: projectId, keep: _, ...fields } = INDEXED_SCHEDULE
  await createSchedule(old, {
    ...{ ...fields, projectId, type: 'database', keep: KEEP, nextRunAt: new Date('2026-01-01') },
  })
  await setRetentionPolicy(old, { project_id: 'shop', type: 'logs', keep: KEEP })
  const drawing = await drawIndex(old, CHAT)
  expect(drawing.schedules).toEqual([INDEXED_SCHEDULE])
  expect(drawing.retention).toEqual([INDEXED_RETENTION])

  const folder = await mkdtemp(join(tmpdir(), 'plans-test-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const sealed = await sealIndex(
    { format: 1, edition: '1-a', drawnAt: '2026-01-01T00:00:00.000Z', ...drawing },
    { encryption: 'off', signingKey: await loadOrCreateSigningKey(join(folder, 'key')) },
  )
  const { index } = await openIndex(sealed, { encrypted: false, identities: [] })
  const { notes } = await recoverPlans(next, [index], { now: new Date('2026-01-01'), nextRun: nextTime })
  expect(notes).toEqual([])
  expect((await listRetentionPolicies(next)).map(({ keep }) => keep)).toEqual([KEEP])
  const changing = {
    next_run_at: expect.anything(),
    created_at: expect.anything(),
    updated_at: expect.anything(),
  }
  const before = await listSchedules(old)
  expect(await listSchedules(next)).toEqual(before.map(schedule => ({ ...schedule, ...changing })))
})

test('people can write every rule, and read it as they wrote it', () => {
  const view = keepView(KEEP)
  expect(Object.keys(view ?? {})).toHaveLength(Object.keys(KEEP).length)
  expect(parseKeep(view)).toEqual(KEEP)
})
