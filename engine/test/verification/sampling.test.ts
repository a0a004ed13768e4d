import { setTimeout as sleep } from 'node:timers/promises'
import { acquireLease, beginVerification, finishVerification, listJobs } from '@telegram-backup/database'
import { openVerifiedVault, type VerifiedVault } from '@telegram-backup/test-support/verified-vault.ts'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { HOUR_MS } from '#verification/plan-sampling.ts'
import { sampleOnce, startSampling } from '#verification/sampling.ts'

const RULES = { readAllWithinMs: 30 * 24 * HOUR_MS, messagesPerHour: 300 }

let v: VerifiedVault
let ids: string[]

beforeAll(async () => {
  v = await openVerifiedVault()
  ids = [await v.send(1000), await v.send(1000), await v.send(1000)]
  // In that order, whatever the clock did meanwhile.
  for (const [index, id] of ids.entries()) {
    const created_at = new Date(Date.now() - (3 - index) * 60_000)
    await v.database.kysely.updateTable('backups').set({ created_at }).where('id', '=', id).execute()
  }
})

beforeEach(async () => {
  await v.database.kysely.deleteFrom('jobs').execute()
  await v.database.kysely.deleteFrom('verifications').execute()
})

afterAll(() => v.close())

const deliver = async (): Promise<void> => {}

it('hands in the newest, and once, however many processes look at the same time', async () => {
  const looks = Array.from({ length: 4 }, () => sampleOnce({ database: v.database, deliver, rules: RULES }))
  const jobs = (await Promise.all(looks)).flatMap(look => look.jobs)
  expect(jobs).toMatchObject([
    {
      kind: 'verify',
      backup_id: ids[2],
      project_id: 'shop',
      actor: 'sampling',
      options: { read_data: true },
    },
  ])
  expect((await sampleOnce({ database: v.database, deliver, rules: RULES })).jobs).toEqual([])
})

it('goes by what was read: what is due comes after half of its time, the longest unread first', async () => {
  await v.database.kysely
    .updateTable('backups')
    .set({ verified_at: new Date(Date.now() - 20 * 24 * HOUR_MS) })
    .where('id', '=', String(ids[1]))
    .execute()
  const { jobs } = await sampleOnce({ database: v.database, deliver, rules: RULES })
  expect(jobs.map(({ backup_id, options }) => [backup_id, options['read_data']])).toEqual([
    [ids[1], true],
    [ids[2], false],
  ])
  const lease = await acquireLease(v.database, { subject: String(ids[1]), purpose: 'verify' })
  const leaseToken = lease?.token ?? ''
  const begun = await beginVerification(v.database, { backupId: String(ids[1]), kind: 'data', leaseToken })
  await finishVerification(v.database, {
    ...{ verificationId: begun, state: 'damaged', parts: 2, bytes: 100, findings: [] },
  })
  await lease?.release()
  await v.database.kysely.deleteFrom('jobs').execute()
  // A damaged one counts as read; and the newest waits, since another of its source was looked at today.
  const after = await sampleOnce({ database: v.database, deliver, rules: RULES })
  expect(after.jobs).toEqual([])
})

it('runs until it is stopped, and a catalog that refuses is told to the log', async () => {
  const errors: unknown[] = []
  const log = { info: () => {}, warn: (line: unknown) => void errors.push(line) }
  let isBroken = true
  const sampling = startSampling({
    ...{ database: v.database, rules: RULES, log, everyMs: 20 },
    deliver: async () => {
      if (isBroken) throw new Error('the queue is away')
    },
  })
  while (errors.length === 0) await sleep(10)
  expect(await listJobs(v.database, { limit: 10 })).toEqual([])
  isBroken = false
  while ((await listJobs(v.database, { limit: 10 })).length === 0) await sleep(10)
  await sampling.stop()
  const jobs = await listJobs(v.database, { limit: 10 })
  await sleep(60)
  expect(await listJobs(v.database, { limit: 10 })).toEqual(jobs)
})
