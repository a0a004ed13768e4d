import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  beginJob,
  cancelJob,
  createApiKey,
  createJob,
  type Database,
  dueWork,
  finishJob,
  keyThatAsked,
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
    const newKey = () => ({ apiKeyId: randomUUID() })
    const create = (request: Partial<NewJob> = {}) =>
      createJob(database, { kind: 'backup', source: 'shop', projectId: 'p', ...request }, deliver)

    test('a key that asks for the same again and again, at once and with new idempotency keys, has one job', async () => {
      const byKey = newKey()
      const created = await Promise.all(
        Array.from({ length: 24 }, (_, count) =>
          create({ byKey: count % 3 === 0 ? byKey : { ...byKey, idempotencyKey: `k${count}` } }),
        ),
      )
      expect(new Set(created.map(({ job }) => job.id)).size).toBe(1)
      expect(created.filter(({ isNew }) => isNew)).toHaveLength(1)
      expect(await listJobs(database, { limit: 99 })).toHaveLength(1)
    })

    test('each idempotency key that was given the waiting job names it for good, and nothing else', async () => {
      const byKey = newKey()
      const first = await create({ byKey: { ...byKey, idempotencyKey: 'first' } })
      const second = { ...byKey, idempotencyKey: 'second' }
      expect(await create({ byKey: second })).toMatchObject({ isNew: false, job: { id: first.job.id } })
      const begun = await beginJob(database, { jobId: first.job.id, worker: 'w' })
      expect(await create({ byKey: second })).toMatchObject({ job: { id: first.job.id, state: 'running' } })
      const ended = { jobId: first.job.id, leaseToken: begun?.lease.token ?? '', state: 'done' } as const
      await finishJob(database, ended)
      expect(await create({ byKey: second })).toMatchObject({ job: { id: first.job.id, state: 'done' } })
      await expect(create({ byKey: second, source: 'other' })).rejects.toMatchObject({ code: 'CONFLICT' })
      const stranger = { ...newKey(), idempotencyKey: 'second' }
      expect(await create({ byKey: stranger })).toMatchObject({ isNew: true })
      await pruneJobs(database, { endedBefore: new Date(Date.now() + 60_000), limit: 9 })
      expect(await create({ byKey: second })).toMatchObject({ isNew: true })
    })

    test('so many idempotency keys name a waiting job and no more; who sends none is given it all the same', async () => {
      const byKey = newKey()
      const { job } = await create({ byKey })
      await sql`
        insert into control_plane.further_idempotency_keys (api_key_id, idempotency_key, job_id)
        select ${byKey.apiKeyId}::uuid, 'k' || n, ${job.id}::uuid
          from generate_series(1, ${MOST_FURTHER_KEYS - 1}::integer) n`.execute(database.kysely)
      const last = { ...byKey, idempotencyKey: 'last' }
      expect(await create({ byKey: last })).toMatchObject({ job: { id: job.id } })
      const more = create({ byKey: { ...byKey, idempotencyKey: 'one more' } })
      await expect(more).rejects.toMatchObject({ code: 'QUEUE_FULL' })
      for (const known of [byKey, last, { ...byKey, idempotencyKey: 'k1' }])
        expect(await create({ byKey: known })).toMatchObject({ isNew: false, job: { id: job.id } })
      const { rows } = await sql`select from control_plane.further_idempotency_keys`.execute(database.kysely)
      expect(rows).toHaveLength(MOST_FURTHER_KEYS)
    })

    test('what runs, is to be cancelled, has begun a backup, is of another key or of a schedule is not given again', async () => {
      const byKey = newKey()
      const schedule = { scheduleId: randomUUID(), scheduledFor: new Date(0) }
      const scheduled = await create(schedule)
      const running = await create({ byKey })
      expect(running.job.id).not.toBe(scheduled.job.id)
      await beginJob(database, { jobId: running.job.id, worker: 'w' })
      const second = await create({ byKey })
      expect(second.isNew).toBe(true)
      expect(await create({ byKey: newKey() })).toMatchObject({ isNew: true })
      await cancelJob(database, second.job.id, deliver)
      const third = await create({ byKey })
      expect(third.isNew).toBe(true)
      const backupId = randomUUID()
      await sql`insert into control_plane.backups (id, project_id, type) values (${backupId}, 'p', 'logs')`.execute(
        database.kysely,
      )
      await sql`update control_plane.jobs set backup_id = ${backupId} where id = ${third.job.id}`.execute(
        database.kysely,
      )
      expect(await create({ byKey })).toMatchObject({ isNew: true })
      const different: Partial<NewJob>[] = [
        { source: 'other' },
        { source: undefined, target: 'a', kind: 'restore', backupId },
        { source: undefined, target: 'b', kind: 'restore', backupId },
        { source: undefined, kind: 'verify', backupId },
        { source: undefined, kind: 'verify', backupId, options: { read_data: true } },
      ]
      for (const one of different) expect(await create({ byKey, ...one })).toMatchObject({ isNew: true })
      for (const one of different) expect(await create({ byKey, ...one })).toMatchObject({ isNew: false })
    })

    /** So many jobs that wait, of that key or of keys of their own, in a project. */
    async function fill(count: number, project: string, apiKeyId?: string): Promise<void> {
      await sql`insert into control_plane.projects (id) values (${project}) on conflict do nothing`.execute(
        database.kysely,
      )
      await sql`
        insert into control_plane.jobs (kind, project_id, source, api_key_id)
        select 'backup', ${project}, 's' || n, coalesce(${apiKeyId ?? null}::uuid, gen_random_uuid())
          from generate_series(1, ${count}::integer) n`.execute(database.kysely)
    }

    test('a key has so many and no more, of whatever kind, however many ask at once', async () => {
      const byKey = newKey()
      await fill(MOST_WAITING.ofKey - 3, 'p', byKey.apiKeyId)
      const asked = await Promise.allSettled(
        Array.from({ length: 12 }, (_, count) =>
          count % 2 === 0
            ? create({ byKey, source: `new${count}` })
            : create({ byKey, kind: 'verify', source: undefined, options: { count } }),
        ),
      )
      expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
      for (const one of asked) {
        if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'QUEUE_FULL' })
      }
      const waiting = await listJobs(database, { limit: 999, state: 'queued' })
      expect(waiting).toHaveLength(MOST_WAITING.ofKey)
      // What waits already is given all the same, others have room, and so has the key when one has ended.
      expect(await create({ byKey, source: 's1' })).toMatchObject({ isNew: false })
      expect(await create({ byKey: newKey() })).toMatchObject({ isNew: true })
      await cancelJob(database, waiting[0]?.id ?? '', deliver)
      expect(await create({ byKey, source: 'one-more' })).toMatchObject({ isNew: true })
    })

    test('a project has so many of all its keys together, and another project its own', async () => {
      await fill(MOST_WAITING.ofProject - 2, 'p')
      const asked = await Promise.allSettled(
        Array.from({ length: 8 }, (_, count) => create({ byKey: newKey(), source: `new${count}` })),
      )
      expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
      expect(await create({ byKey: newKey(), projectId: 'q' })).toMatchObject({ isNew: true })
    })

    test('schedules and whoever asks without a key are never refused', async () => {
      await fill(MOST_WAITING.ofProject, 'p')
      const scheduled = { scheduleId: randomUUID(), scheduledFor: new Date(0) }
      expect(await create(scheduled)).toMatchObject({ isNew: true })
      expect(await create()).toMatchObject({ isNew: true })
    })

    test('what schedules have asked for comes before what waits for longer', async () => {
      const longAgo = new Date(Date.now() - 3_600_000)
      for (const source of ['a', 'b', 'c']) await create({ byKey: newKey(), source, runAfter: longAgo })
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
      const asked = await create({ byKey: { apiKeyId: apiKey.id } })
      expect(await keyThatAsked(database, asked.job.id)).toMatchObject({ id: apiKey.id, scopes: ['backup'] })
      expect(asked.job).not.toHaveProperty('api_key_id')
      await revokeApiKey(database, apiKey.id)
      expect(await keyThatAsked(database, asked.job.id)).toBe('gone')
      const expired = await createApiKey(database, { name: 'k', scopes: ['backup'] })
      const late = await create({ byKey: { apiKeyId: expired.apiKey.id }, source: 'other' })
      await sql`update control_plane.api_keys set expires_at = created_at + interval '1 millisecond', created_at = created_at - interval '1 hour'
                 where id = ${expired.apiKey.id}`.execute(database.kysely)
      expect(await keyThatAsked(database, late.job.id)).toBe('gone')
      expect(await keyThatAsked(database, (await create({ byKey: newKey() })).job.id)).toBe('gone')
      expect(await keyThatAsked(database, (await create({ source: 'by-hand' })).job.id)).toBeNull()
    })
  })
}
