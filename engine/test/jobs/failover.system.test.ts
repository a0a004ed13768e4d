import {
  type Database,
  getBackupById,
  listRetentionPolicies,
  migrate,
  openDatabase,
  setRetentionPolicy,
} from '@telegram-backup/database'
import { type JobsWorld, openJobsWorld } from '@telegram-backup/test-support/jobs-world.ts'
import { type CutWay, openCutWay } from '@telegram-backup/test-support/servers/cut-way.ts'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { type Standby, startStandby } from '@telegram-backup/test-support/servers/standby.ts'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runBackupJob } from '#job-handlers/backup-job.ts'

// One address that leads to a primary first, and then to its standby, which takes no writes until it is
// promoted.

let primary: PostgresServer
let standby: Standby
let way: CutWay
let url: string
let isPrimaryGone: boolean
beforeEach(async () => {
  const bin = await installedServer()
  primary = await startPostgresServer(bin)
  isPrimaryGone = false
  standby = await startStandby(bin, primary)
  way = await openCutWay(primary.url('postgres'))
  const address = new URL(primary.url('postgres'))
  address.host = new URL(way.url).host
  url = address.href
})
afterEach(async () => {
  await way.close()
  await standby.stop()
  if (!isPrimaryGone) await primary.stop()
})

async function openCatalog(): Promise<Database> {
  const database = await openDatabase({ url })
  await migrate(database)
  return database
}

it('a backup that is under way while the primary is lost is done when the standby has been promoted', async () => {
  const catalog = await openCatalog()
  const world: JobsWorld = await openJobsWorld({ ...catalog, discard: () => catalog.close() })
  const codes: string[] = []
  const promoted = Promise.withResolvers<void>()
  world.run({
    backup: async (run, tools) => {
      if (codes.length > 0) return await runBackupJob(run, tools)
      // The primary dies in the middle of it, and the address leads to a standby that nobody has promoted
      // yet.
      await standby.caughtUp()
      way.lead(standby.url(primary.url('postgres')))
      isPrimaryGone = true
      await primary.stop()
      try {
        await runBackupJob(run, tools)
      } catch (error) {
        codes.push((error as { code: string }).code)
        await standby.promote()
        throw error
      } finally {
        promoted.resolve()
      }
    },
  })
  const { job } = await world.queue.submit({ kind: 'backup', projectId: 'alpha', source: 'alpha' })
  // A question that is under way while the primary ends has no answer, so nobody asks before.
  await promoted.promise
  const ended = await world.until(job.id, 'done', 'failed')
  expect(ended).toMatchObject({ state: 'done', attempt: 2 })
  expect(codes).toEqual(['CATALOG'])
  expect(await getBackupById(world.database, ended.backup_id ?? '')).toMatchObject({ state: 'complete' })
  await world.close()
})

it('connections that were made to a standby meanwhile are not used any more when the address leads to a primary again', async () => {
  const catalog = await openCatalog()
  const policy = { project_id: 'alpha', type: 'storage', keep: { last: 3 } } as const
  await setRetentionPolicy(catalog, policy)
  await standby.caughtUp()
  way.lead(standby.url(primary.url('postgres')))
  way.cut()
  way.mend()
  // As many as the catalog takes at once: all of its connections lead to the standby then.
  const reads = await Promise.all(Array.from({ length: 10 }, () => listRetentionPolicies(catalog)))
  expect(reads.map(policies => policies.length)).toEqual(Array(10).fill(1))
  await expect(setRetentionPolicy(catalog, policy)).rejects.toMatchObject({ code: 'CATALOG' })
  way.lead(primary.url('postgres'))
  for (let round = 0; round < 10; round++) await setRetentionPolicy(catalog, policy)
  await catalog.close()
})

it('an address that has led to a standby from the beginning is told as a wrong one', async () => {
  await (await openCatalog()).close()
  await standby.caughtUp()
  way.lead(standby.url(primary.url('postgres')))
  const catalog = await openCatalog()
  const policy = { project_id: 'alpha', type: 'storage', keep: { last: 3 } } as const
  await expect(setRetentionPolicy(catalog, policy)).rejects.toMatchObject({ code: 'CONFIGURATION' })
  await catalog.close()
})
