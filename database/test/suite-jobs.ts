import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  beginJob,
  cancelJob,
  createJob,
  type Database,
  finishJob,
  getJob,
  type Job,
  listJobs,
  type NewJob,
  type SqlRunner,
} from '#index.ts'

/** As jobs are asked for. */
export function describeJobs(open: () => Promise<Database>): void {
  describe('jobs', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
      await sql`drop table if exists public.delivered`.execute(database.kysely)
      await sql`create table public.delivered (id uuid primary key, run_after timestamptz)`.execute(
        database.kysely,
      )
    })
    afterEach(async () => {
      await sql`drop table public.delivered`.execute(database.kysely)
      await database.close()
    })

    /** A queue as far as these tests need one: a table. */
    const deliver = async (job: Job, runner: SqlRunner) => {
      await runner.executeSql('insert into public.delivered values ($1, $2)', [job.id, job.run_after])
    }
    async function delivered(): Promise<string[]> {
      const { rows } = await sql<{ id: string }>`select id from public.delivered`.execute(database.kysely)
      return rows.map(({ id }) => id)
    }
    const create = (request: Partial<NewJob> = {}) =>
      createJob(database, { kind: 'backup', source: 'shop', projectId: 'p', ...request }, deliver)

    test('one is written down as it was asked for, and is handed to the queue', async () => {
      const runAfter = new Date(Date.now() + 60_000)
      const { job, isNew } = await create({ options: { read_data: true }, actor: 'ann', runAfter })
      expect(isNew).toBe(true)
      expect(job).toMatchObject({
        kind: 'backup',
        state: 'queued',
        source: 'shop',
        target: null,
        project_id: 'p',
        backup_id: null,
        options: { read_data: true },
        actor: 'ann',
        attempt: 0,
        run_after: runAfter,
        progress: { bytes_done: 0, bytes_total: null, parts_done: 0 },
        error: null,
        created_at: expect.any(Date),
        started_at: null,
        finished_at: null,
      })
      expect(await getJob(database, job.id)).toEqual(job)
      expect(await delivered()).toEqual([job.id])
      expect((await create({ source: 'other' })).job.actor).toBe(database.actor)
      expect(job).not.toHaveProperty('idempotency_key')
      expect(job).not.toHaveProperty('api_key_id')
    })

    test('one that the queue does not take is not there', async () => {
      const refusing = createJob(database, { kind: 'expire', projectId: 'new' }, async (job, runner) => {
        await deliver(job, runner)
        throw new Error('no room')
      })
      await expect(refusing).rejects.toThrow('no room')
      expect(await listJobs(database, { limit: 9 })).toEqual([])
      expect(await delivered()).toEqual([])
      const projects = await database.kysely.selectFrom('projects').selectAll().execute()
      expect(projects).toEqual([])
    })

    test('an unknown id has none', async () => {
      expect(await getJob(database, randomUUID())).toBeNull()
      expect(await getJob(database, "' or true")).toBeNull()
      expect(await cancelJob(database, randomUUID(), deliver)).toBeNull()
      expect(await cancelJob(database, '../x', deliver)).toBeNull()
    })

    test.each<Partial<NewJob>>([
      { projectId: '../etc' },
      { backupId: 'x' },
      { source: 'a\0b' },
      { byCaller: { callerId: randomUUID(), idempotencyKey: '' } },
      { byCaller: { callerId: randomUUID(), idempotencyKey: 'k'.repeat(256) } },
      { byCaller: { callerId: 'x' } },
      { options: { text: 'a\0b' } },
    ])('one with %j is refused', async request => {
      await expect(create(request)).rejects.toMatchObject({ code: 'INVALID' })
      expect(await delivered()).toEqual([])
    })

    test('of many requests with one idempotency key at once one makes a job, and all get it', async () => {
      const byCaller = { callerId: randomUUID(), idempotencyKey: 'again' }
      const options = { overwrite: true, b: 1, a: [2, { z: 1, y: 2 }] }
      const eight = Array.from({ length: 8 }, () => create({ byCaller, options }))
      const created = await Promise.all(eight)
      expect(created.filter(({ isNew }) => isNew)).toHaveLength(1)
      expect(new Set(created.map(({ job }) => job.id)).size).toBe(1)
      expect(await delivered()).toHaveLength(1)
      const reordered = { a: [2, { y: 2, z: 1 }], b: 1, overwrite: true }
      expect(await create({ byCaller, options: reordered })).toMatchObject({ isNew: false })
    })

    test('the same key means the same job also when it has a backup by now, and has ended', async () => {
      const byCaller = { callerId: randomUUID(), idempotencyKey: 'again' }
      const { job } = await create({ byCaller })
      const backupId = randomUUID()
      await sql`insert into control_plane.backups (id, project_id, type) values (${backupId}, 'p', 'logs')`.execute(
        database.kysely,
      )
      await sql`update control_plane.jobs set backup_id = ${backupId}, state = 'done'`.execute(
        database.kysely,
      )
      expect(await create({ byCaller })).toMatchObject({
        isNew: false,
        job: { id: job.id, state: 'done' },
      })
      const verify: Partial<NewJob> = { kind: 'verify', source: undefined, backupId }
      const other = { callerId: byCaller.callerId, idempotencyKey: 'verify' }
      const first = await create({ ...verify, byCaller: other })
      const second = await create({ ...verify, backupId: backupId.toUpperCase(), byCaller: other })
      expect(second).toMatchObject({ isNew: false, job: { id: first.job.id } })
    })

    test('a key that was used for something else is refused; another API key has keys of its own', async () => {
      const byCaller = { callerId: randomUUID(), idempotencyKey: 'k' }
      await create({ byCaller, options: { a: 1 } })
      const others: Partial<NewJob>[] = [
        { options: { a: 2 } },
        { options: {} },
        { options: { a: 1 }, source: 'other' },
        { options: { a: 1 }, target: 'staging' },
        { options: { a: 1 }, kind: 'verify' },
        { options: { a: 1 }, backupId: randomUUID() },
      ]
      for (const other of others) {
        await expect(create({ byCaller, ...other })).rejects.toMatchObject({ code: 'CONFLICT' })
      }
      const stranger = { ...byCaller, callerId: randomUUID() }
      expect(await create({ byCaller: stranger, options: { a: 2 } })).toMatchObject({ isNew: true })
    })

    test('a backup has one job at a time that erases it, however many ask for it', async () => {
      const backupId = randomUUID()
      await sql`insert into control_plane.projects (id) values ('p')`.execute(database.kysely)
      await sql`insert into control_plane.backups (id, project_id, type) values (${backupId}, 'p', 'logs')`.execute(
        database.kysely,
      )
      const erase = (more: Partial<NewJob> = {}) =>
        create({ kind: 'erase', source: undefined, backupId, ...more })
      const created = await Promise.all([1, 2, 3, 4].map(() => erase()))
      expect(created.filter(({ isNew }) => isNew)).toHaveLength(1)
      expect(new Set(created.map(({ job }) => job.id)).size).toBe(1)
      expect(await erase({ options: { even_the_last: true } })).toMatchObject({ isNew: true })
      expect(await erase({ kind: 'verify' })).toMatchObject({ isNew: true })
      await cancelJob(database, created[0]?.job.id ?? '', deliver)
      expect(await erase()).toMatchObject({ isNew: true })
    })

    test('a time of a schedule has one job, however many ask for it at once', async () => {
      const schedule = { scheduleId: randomUUID(), scheduledFor: new Date('2026-01-01T03:00:00Z') }
      const created = await Promise.all([1, 2, 3, 4, 5, 6].map(() => create(schedule)))
      expect(created.filter(({ isNew }) => isNew)).toHaveLength(1)
      expect(new Set(created.map(({ job }) => job.id)).size).toBe(1)
      const next = { ...schedule, scheduledFor: new Date('2026-01-02T03:00:00Z') }
      expect(await create(next)).toMatchObject({ isNew: true })
      expect(await create({ ...schedule, scheduleId: randomUUID() })).toMatchObject({ isNew: true })
      expect(await delivered()).toHaveLength(3)
    })

    test('lists come newest first, page by page, narrowed by project, state, source and schedule', async () => {
      const scheduleId = randomUUID()
      const ids: string[] = []
      for (let count = 0; count < 6; count++) {
        const { job } = await create({
          projectId: count % 2 ? 'odd' : 'even',
          source: `s${count}`,
          ...(count > 3 && { scheduleId, scheduledFor: new Date(count) }),
        })
        ids.unshift(job.id)
      }
      await sql`update control_plane.jobs set created_at = '2026-01-01T00:00:00Z'`.execute(database.kysely)
      const found = async (filter: Partial<Parameters<typeof listJobs>[1]>) =>
        (await listJobs(database, { limit: 99, ...filter })).map(({ id }) => id)
      const newestFirst = [...ids].sort().reverse()
      expect(await found({})).toEqual(newestFirst)
      const paged: string[] = []
      for (;;) {
        const last = paged.at(-1)
        const after = last === undefined ? undefined : { createdAt: new Date('2026-01-01'), id: last }
        const page = await found({ limit: 4, after })
        paged.push(...page)
        if (page.length < 4) break
      }
      expect(paged).toEqual(newestFirst)
      expect(await found({ projectId: 'odd' })).toHaveLength(3)
      expect(await found({ source: 's2' })).toEqual([ids[3]])
      expect(new Set(await found({ scheduleId }))).toEqual(new Set(ids.slice(0, 2)))
      await cancelJob(database, ids[0] ?? '', deliver)
      expect(await found({ state: 'cancelled' })).toEqual([ids[0]])
      expect(await found({ state: 'queued', projectId: 'odd' })).toHaveLength(2)
    })

    test('one that waits is cancelled at once, one that runs is asked to stop, one that has ended is refused', async () => {
      const { job } = await create()
      const cancelled = await cancelJob(database, job.id, deliver)
      expect(cancelled).toMatchObject({
        state: 'cancelled',
        error: { code: 'CANCELLED', message: 'Cancelled' },
        finished_at: expect.any(Date),
        cancel_requested_at: expect.any(Date),
      })
      await expect(cancelJob(database, job.id, deliver)).rejects.toMatchObject({ code: 'CONFLICT' })
      const running = await create()
      const begun = await beginJob(database, { jobId: running.job.id, worker: 'w' })
      const asked = await cancelJob(database, running.job.id, deliver)
      expect(asked).toMatchObject({
        state: 'running',
        finished_at: null,
        cancel_requested_at: expect.any(Date),
      })
      const again = await cancelJob(database, running.job.id, deliver)
      expect(again?.cancel_requested_at).toEqual(asked?.cancel_requested_at)
      const leaseToken = begun?.lease.token ?? ''
      for (const state of ['done', 'failed'] as const) {
        const ended = state === 'done' ? running.job : (await create({ source: state })).job
        const token =
          state === 'done'
            ? leaseToken
            : ((await beginJob(database, { jobId: ended.id, worker: 'w' }))?.lease.token ?? '')
        const error = state === 'failed' ? { code: 'INTEGRITY', message: 'x' } : undefined
        await finishJob(database, { jobId: ended.id, leaseToken: token, state, error })
        await expect(cancelJob(database, ended.id, deliver)).rejects.toMatchObject({ code: 'CONFLICT' })
      }
    })
  })
}
