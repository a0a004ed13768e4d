import type { Site } from '@telegram-backup/test-support/browser/site.ts'
import { expect } from 'vitest'
import { pageTest } from '#test/page/page-test.ts'

/** What there is to see: ids of one of each. */
export interface Samples {
  /** Of the database `shop`, on a server. */
  backup: string
  drill: string
  schedule: string
  bucket: string
  /** Jobs. */
  done: string
  failed: string
  running: string
}

/** `test` with a site that has something on every screen. */
export function samplesTest() {
  return pageTest({ withServer: true }).extend(
    'samples',
    { scope: 'file' },
    async ({ site }, { onCleanup }) => {
      const samples = await makeSamples(site)
      // It would hold up the end of `serve`.
      onCleanup(async () => void (await site.ask(`jobs/${samples.running}`, undefined, 'DELETE')))
      return samples
    },
  )
}

async function makeSamples(site: Site): Promise<Samples> {
  const backup = await site.backUp('shop')
  await site.backUp('uploads')
  await site.backUp('logs')
  const { job_id: done } = await site.ask<{ job_id: string }>(`backups/${backup}/verify`, { drill: true })
  expect((await site.ended(done)).error).toBeNull()
  const { items } = await site.ask<{ items: { id: string }[] }>('drills')
  const { id: schedule } = await site.ask<{ id: string }>('schedules', {
    ...{ source: 'shop', cron: '30 3 * * *', timezone: 'America/New_York' },
    keep: { daily: 7 },
  })
  const { id: bucket } = await site.ask<{ id: string }>('buckets', {
    ...{ name: 'laptops', kind: 'restic', project_id: 'shop', snapshot_limit_hours: 26 },
  })
  await site.ask('door-keys', { bucket_id: bucket, scope: 'append', name: 'ann' })
  // The target is not empty.
  await site.server?.sql('postgres', 'create database staging')
  await site.server?.sql('staging', 'create table kept (id int)')
  const { job_id: failed } = await site.ask<{ job_id: string }>(`backups/${backup}/restore`, {
    target: 'staging',
  })
  expect((await site.ended(failed)).state).toBe('failed')
  await site.server?.sql('postgres', 'drop database staging')
  site.vault.emulator.faults.on('sendDocument', { calls: 1_000 }, { kind: 'flood', retryAfterSeconds: 3_600 })
  const { job_id: running } = await site.ask<{ job_id: string }>('backups', { source: 'uploads' })
  await expect.poll(async () => (await site.ask<{ state: string }>(`jobs/${running}`)).state).toBe('running')
  return { backup, drill: items[0]?.id ?? '', schedule, bucket, done, failed, running }
}
