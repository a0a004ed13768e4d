import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  askerOfJob,
  beginJob,
  cancelJob,
  createApiKey,
  createJob,
  type Database,
  dueWork,
  finishJob,
  listJobs,
  type NewJob,
  pruneJobs,
  revokeApiKey,
} from '#index.ts'
import { MOST_FURTHER_KEYS, MOST_WAITING } from '#queue/waiting-jobs.ts'

/** What may wait, in which order, and who has asked for it. */
export function describeWaitingJobs(open: () => Promise<Database>): void {
  describe('jobs that wait', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
    })
    afterEach(async () => {
      await database.close()
    })

    const deliver = async () => {}
    const newKey = () => ({ callerId: randomUUID() })
    const create = (request: Partial<NewJob> = {}) =>
      createJob(database, { kind: 'backup', source: 'shop', projectId: 'p', ...request }, deliver)

    test('a key that asks for the same again and again, at once and with new idempotency keys, has one job', async () => {
      const byCaller = newKey()
      const created = await Promise.all(
        Array.from({ length: 24 }, (_, count) =>
          create({ byCaller: count % 3 === 0 ? byCaller : { ...byCaller, idempotencyKey: `k${count}` } }),
        ),
      )
      expect(new Set(created.map(({ job }) => job.id)).size).toBe(1)
      expect(created.filter(({ isNew }) => isNew)).toHaveLength(1)
      expect(await listJobs(database, { limit: 99 })).toHaveLength(1)
    })

    test('each idempotency key that was given the waiting job names it for good, and nothing else', async () => {
      const byCaller = newKey()
      const first = await create({ byCaller: { ...byCaller, idempotencyKey: 'first' } })
      const second = { ...byCaller, idempotencyKey: 'second' }
      expect(await create({ byCaller: second })).toMatchObject({ isNew: false, job: { id: first.job.id } })
      const begun = await beginJob(database, { jobId: first.job.id, worker: 'w' })
      expect(await create({ byCaller: second })).toMatchObject({
        job: { id: first.job.id, state: 'running' },
      })
      const ended = { jobId: first.job.id, leaseToken: begun?.lease.token ?? '', state: 'done' } as const
      await finishJob(database, ended)
      expect(await create({ byCaller: second })).toMatchObject({ job: { id: first.job.id, state: 'done' } })
      await expect(create({ byCaller: second, source: 'other' })).rejects.toMatchObject({ code: 'CONFLICT' })
      const stranger = { ...newKey(), idempotencyKey: 'second' }
      expect(await create({ byCaller: stranger })).toMatchObject({ isNew: true })
      await pruneJobs(database, { endedBefore: new Date(Date.now() + 60_000), limit: 9 })
      expect(await create({ byCaller: second })).toMatchObject({ isNew: true })
    })

    test('so many idempotency keys name a waiting job and no more; who sends none is given it all the same', async () => {
      const byCaller = newKey()
      const { job } = await create({ byCaller })
      await sql`
        insert into control_plane.further_idempotency_keys (api_key_id, idempotency_key, job_id)
        select ${byCaller.callerId}::uuid, 'k' || n, ${job.id}::uuid
          from generate_series(1, ${MOST_FURTHER_KEYS - 1}::integer) n`.execute(database.kysely)
      const last = { ...byCaller, idempotencyKey: 'last' }
      expect(await create({ byCaller: last })).toMatchObject({ job: { id: job.id } })
      const more = create({ byCaller: { ...byCaller, idempotencyKey: 'one more' } })
      await expect(more).rejects.toMatchObject({ code: 'QUEUE_FULL' })
      for (const known of [byCaller, last, { ...byCaller, idempotencyKey: 'k1' }])
        expect(await create({ byCaller: known })).toMatchObject({ isNew: false, job: { id: job.id } })
      const { rows } = await sql`select from control_plane.further_idempotency_keys`.execute(database.kysely)
      expect(rows).toHaveLength(MOST_FURTHER_KEYS)
    })

    test('what runs, is to be cancelled, has begun a backup, is of another key or of a schedule is not given again', async () => {
      const byCaller = newKey()
      const schedule = { scheduleId: randomUUID(), scheduledFor: new Date(0) }
      const scheduled = await create(schedule)
      const running = await create({ byCaller })
      expect(running.job.id).not.toBe(scheduled.job.id)
      await beginJob(database, { jobId: running.job.id, worker: 'w' })
      const second = await create({ byCaller })
      expect(second.isNew).toBe(true)
      expect(await create({ byCaller: newKey() })).toMatchObject({ isNew: true })
      await cancelJob(database, second.job.id, deliver)
      const third = await create({ byCaller })
      expect(third.isNew).toBe(true)
      const backupId = randomUUID()
      await sql`insert into control_plane.backups (id, project_id, type) values (${backupId}, 'p', 'logs')`.execute(
        database.kysely,
      )
      await sql`update control_plane.jobs set backup_id = ${backupId} where id = ${third.job.id}`.execute(
        database.kysely,
      )
      expect(await create({ byCaller })).toMatchObject({ isNew: true })
      const different: Partial<NewJob>[] = [
        { source: 'other' },
        { source: undefined, target: 'a', kind: 'restore', backupId },
        { source: undefined, target: 'b', kind: 'restore', backupId },
        { source: undefined, kind: 'verify', backupId },
        { source: undefined, kind: 'verify', backupId, options: { read_data: true } },
      ]
      for (const one of different) expect(await create({ byCaller, ...one })).toMatchObject({ isNew: true })
      for (const one of different) expect(await create({ byCaller, ...one })).toMatchObject({ isNew: false })
    })

    /** So many jobs that wait, of that key or of keys of their own, in a project. */
    async function fill(count: number, project: string, callerId?: string): Promise<void> {
      await sql`insert into control_plane.projects (id) values (${project}) on conflict do nothing`.execute(
        database.kysely,
      )
      await sql`
        insert into control_plane.jobs (kind, project_id, source, api_key_id)
        select 'backup', ${project}, 's' || n, coalesce(${callerId ?? null}::uuid, gen_random_uuid())
          from generate_series(1, ${count}::integer) n`.execute(database.kysely)
    }

    test('a key has so many and no more, of whatever kind, however many ask at once', async () => {
      const byCaller = newKey()
      await fill(MOST_WAITING.ofKey - 3, 'p', byCaller.callerId)
      const asked = await Promise.allSettled(
        Array.from({ length: 12 }, (_, count) =>
          count % 2 === 0
            ? create({ byCaller, source: `new${count}` })
            : create({ byCaller, kind: 'verify', source: undefined, options: { count } }),
        ),
      )
      expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
      for (const one of asked) {
        if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'QUEUE_FULL' })
      }
      const waiting = await listJobs(database, { limit: 999, state: 'queued' })
      expect(waiting).toHaveLength(MOST_WAITING.ofKey)
      // What waits already is given all the same, others have room, and so has the key when one has ended.
      expect(await create({ byCaller, source: 's1' })).toMatchObject({ isNew: false })
      expect(await create({ byCaller: newKey() })).toMatchObject({ isNew: true })
      await cancelJob(database, waiting[0]?.id ?? '', deliver)
      expect(await create({ byCaller, source: 'one-more' })).toMatchObject({ isNew: true })
    })

    test('a project has so many of all its keys together, and another project its own', async () => {
      await fill(MOST_WAITING.ofProject - 2, 'p')
      const asked = await Promise.allSettled(
        Array.from({ length: 8 }, (_, count) => create({ byCaller: newKey(), source: `new${count}` })),
      )
      expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
      expect(await create({ byCaller: newKey(), projectId: 'q' })).toMatchObject({ isNew: true })
    })

    test('schedules and whoever asks without a key are never refused', async () => {
      await fill(MOST_WAITING.ofProject, 'p')
      const scheduled = { scheduleId: randomUUID(), scheduledFor: new Date(0) }
      expect(await create(scheduled)).toMatchObject({ isNew: true })
      expect(await create()).toMatchObject({ isNew: true })
    })

    test('what schedules have asked for comes before what waits for longer', async () => {
      const longAgo = new Date(Date.now() - 3_600_000)
      for (const source of ['a', 'b', 'c']) await create({ byCaller: newKey(), source, runAfter: longAgo })
      const schedule = { scheduleId: randomUUID(), scheduledFor: new Date(0) }
      await create({ source: 'night', ...schedule, runAfter: new Date(Date.now() - 1_000) })
      await create({
        source: 'c',
        scheduleId: randomUUID(),
        scheduledFor: new Date(0),
        runAfter: new Date(0),
      })
      const order = (await dueWork(database)).map(({ source }) => source)
      expect(order).toEqual(['c', 'night', 'a', 'b'])
    })

    test('a job names the key that has asked for it, as that is now; others have none', async () => {
      const { apiKey } = await createApiKey(database, { name: 'k', scopes: ['backup'] })
      const asked = await create({ byCaller: { callerId: apiKey.id } })
      expect(await askerOfJob(database, asked.job.id)).toEqual({
        kind: 'key',
        scopes: ['backup'],
        project_id: null,
      })
      expect(asked.job).not.toHaveProperty('api_key_id')
      await revokeApiKey(database, apiKey.id)
      expect(await askerOfJob(database, asked.job.id)).toBe('gone')
      const expired = await createApiKey(database, { name: 'k', scopes: ['backup'] })
      const late = await create({ byCaller: { callerId: expired.apiKey.id }, source: 'other' })
      await sql`update control_plane.api_keys set expires_at = created_at + interval '1 millisecond', created_at = created_at - interval '1 hour'
                 where id = ${expired.apiKey.id}`.execute(database.kysely)
      expect(await askerOfJob(database, late.job.id)).toBe('gone')
      expect(await askerOfJob(database, (await create({ byCaller: newKey() })).job.id)).toBe('gone')
      expect(await askerOfJob(database, (await create({ source: 'by-hand' })).job.id)).toBeNull()
    })
  })
}
