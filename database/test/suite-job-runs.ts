import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  abandonedJobs,
  type BegunJob,
  beginJob,
  cancelJob,
  createJob,
  type Database,
  finishJob,
  getJob,
  type Job,
  jobsAtWork,
  type Lease,
  type NewJob,
  noteProgress,
  openBackup,
  pruneJobs,
  putBackJob,
  recoverJob,
} from '#index.ts'

const PROGRESS = { bytes_done: 5, bytes_total: 10, parts_done: 1 }

/** As jobs go. */
export function describeJobRuns(open: () => Promise<Database>): void {
  describe('job runs', () => {
    let database: Database
    const leases: Lease[] = []
    beforeEach(async () => {
      database = await open()
    })
    afterEach(async () => {
      for (const lease of leases.splice(0)) await lease.release()
      await database.close()
    })

    const nowhere = async () => {}

    async function create(request: Partial<NewJob> = {}): Promise<string> {
      const { job } = await createJob(database, { kind: 'backup', source: 'shop', ...request }, nowhere)
      return job.id
    }

    async function begin(jobId: string): Promise<BegunJob | null> {
      const begun = await beginJob(database, { jobId, worker: 'machine 1' })
      if (begun) leases.push(begun.lease)
      return begun
    }

    async function run(jobId: string): Promise<BegunJob> {
      const begun = await begin(jobId)
      if (begun === null) throw new Error('there is nothing to begin')
      return begun
    }

    /** As whoever finds it does. */
    async function bringBack(jobId: string): Promise<boolean> {
      return await recoverJob(database, jobId, () => ({ state: 'queued' }), nowhere)
    }

    async function expire(subject: string): Promise<void> {
      await sql`update control_plane.leases set expires_at = clock_timestamp() - interval '1 second' where subject = ${subject}`.execute(
        database.kysely,
      )
    }

    test('one runs under its lease, tells how far it is, and ends', async () => {
      const id = await create()
      const { job, lease } = await run(id)
      expect(job).toMatchObject({
        state: 'running',
        attempt: 1,
        worker: 'machine 1',
        started_at: expect.any(Date),
      })
      expect(lease.isHeld()).toBe(true)
      const leaseToken = lease.token
      expect(await noteProgress(database, { jobId: id, leaseToken, progress: PROGRESS })).toBe(false)
      expect(await getJob(database, id)).toMatchObject({ progress: PROGRESS })
      await cancelJob(database, id, nowhere)
      expect(await noteProgress(database, { jobId: id, leaseToken, progress: PROGRESS })).toBe(true)
      const error = { code: 'UNREACHABLE', message: 'no\0 answer \ud800', hint: 'wait' }
      await finishJob(database, { jobId: id, leaseToken, state: 'failed', error })
      expect(lease.isHeld()).toBe(false)
      expect(await getJob(database, id)).toMatchObject({
        state: 'failed',
        error: { code: 'UNREACHABLE', message: 'no answer \ufffd', hint: 'wait' },
        progress: PROGRESS,
        finished_at: expect.any(Date),
      })
      expect(await begin(id)).toBeNull()
      const { rows } = await sql`select from control_plane.leases`.execute(database.kysely)
      expect(rows).toEqual([])
    })

    test('of many who begin one at once, one gets it', async () => {
      const id = await create()
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => begin(id)))
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'BUSY' })
      }
      expect(await getJob(database, id)).toMatchObject({ attempt: 1 })
    })

    test('of two backups of a source one runs at a time; other sources and other kinds are not in the way', async () => {
      const [first, second] = [await create(), await create()]
      const one = await run(first)
      await expect(begin(second)).rejects.toMatchObject({ code: 'BUSY' })
      expect(await getJob(database, second)).toMatchObject({ state: 'queued', attempt: 0 })
      await run(await create({ source: 'other' }))
      await run(await create({ kind: 'restore', source: undefined, target: 'staging' }))
      await finishJob(database, { jobId: first, leaseToken: one.lease.token, state: 'done' })
      await run(second)
    })

    test('of many backups of a source that are begun at once, one runs', async () => {
      const ids = await Promise.all([1, 2, 3, 4, 5, 6].map(() => create()))
      const outcomes = await Promise.allSettled(ids.map(id => begin(id)))
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      const refused = outcomes.filter(outcome => outcome.status === 'rejected')
      expect(refused.map(({ reason }) => reason.code)).toEqual(Array(5).fill('BUSY'))
      const { rows } = await sql`select from control_plane.leases`.execute(database.kysely)
      expect(rows).toHaveLength(1)
    })

    test('what a process that is gone has left is found, and is begun by one other once it was brought back', async () => {
      const [dead, alive] = [await create(), await create({ source: 'other' })]
      const atWork = async () => (await jobsAtWork(database, { limit: 9 })).map(({ id }) => id)
      const begun = await run(dead)
      await run(alive)
      expect(await abandonedJobs(database)).toEqual([])
      expect(await atWork()).toEqual([alive, dead])
      await sql`update control_plane.leases set pid = 999999999 where subject = ${dead}`.execute(
        database.kysely,
      )
      expect((await abandonedJobs(database)).map(({ id }) => id)).toEqual([dead])
      expect(await atWork()).toEqual([alive])
      // A restore that was cut off, for one, is not to go on because its message comes twice.
      await expect(begin(dead)).rejects.toMatchObject({ code: 'BUSY' })
      expect((await abandonedJobs(database)).map(({ id }) => id)).toEqual([dead])
      expect(await getJob(database, dead)).toMatchObject({ state: 'running', attempt: 1, tries: {} })
      expect(await Promise.all([bringBack(dead), bringBack(dead)])).toContain(true)
      const { job: next } = await run(dead)
      expect(next).toMatchObject({ attempt: 2, tries: { INTERRUPTED: 1 }, started_at: begun.job.started_at })
      expect(await abandonedJobs(database)).toEqual([])
      await sql`delete from control_plane.leases where subject = ${alive}`.execute(database.kysely)
      expect((await abandonedJobs(database)).map(({ id }) => id)).toEqual([alive])
      expect(await atWork()).toEqual([dead])
    })

    test('a run that lost its job can write nothing about it any more, and is told', async () => {
      const id = await create()
      const lost = await run(id)
      await expire(id)
      await bringBack(id)
      const next = await run(id)
      const of = { jobId: id, leaseToken: lost.lease.token }
      const writes = [
        () => noteProgress(database, { ...of, progress: PROGRESS }),
        () => finishJob(database, { ...of, state: 'done' }),
        () => putBackJob(database, { ...of, afterMs: 0 }, nowhere),
      ]
      for (const write of writes) await expect(write()).rejects.toMatchObject({ code: 'LEASE_LOST' })
      expect(lost.lease.signal.reason).toMatchObject({ code: 'LEASE_LOST' })
      expect(await getJob(database, id)).toMatchObject({
        state: 'running',
        attempt: 2,
        progress: { bytes_done: 0 },
      })
      await finishJob(database, { jobId: id, leaseToken: next.lease.token, state: 'done' })
      for (const write of writes) await expect(write()).rejects.toMatchObject({ code: 'LEASE_LOST' })
    })

    test('one that is put back waits again with the reason, and its queue has it in the same moment', async () => {
      const id = await create()
      const { lease } = await run(id)
      const error = { code: 'UNREACHABLE', message: 'no answer' }
      const of = { jobId: id, leaseToken: lease.token, afterMs: 30_000, error }
      const refusing = putBackJob(database, of, async () => {
        throw new Error('no room')
      })
      await expect(refusing).rejects.toThrow('no room')
      expect(await getJob(database, id)).toMatchObject({ state: 'running', error: null })
      const handed: Job[] = []
      await putBackJob(database, of, async job => {
        handed.push(job)
      })
      expect(handed).toEqual([
        expect.objectContaining({ id, state: 'queued', error, tries: { UNREACHABLE: 1 } }),
      ])
      const { rows } = await sql<{ seconds: number }>`
        select extract(epoch from run_after - clock_timestamp())::float8 as seconds from control_plane.jobs where id = ${id}
      `.execute(database.kysely)
      expect(rows[0]?.seconds).toBeGreaterThan(20)
      expect(rows[0]?.seconds).toBeLessThanOrEqual(30)
      expect(lease.isHeld()).toBe(false)
      const next = await run(id)
      expect(next.job).toMatchObject({ attempt: 2 })
      await finishJob(database, {
        jobId: id,
        leaseToken: next.lease.token,
        state: 'done',
        progress: PROGRESS,
      })
      expect(await getJob(database, id)).toMatchObject({ state: 'done', error: null, progress: PROGRESS })
    })

    test('a cancelled one is not begun, and one that is gone neither', async () => {
      const id = await create()
      await cancelJob(database, id, nowhere)
      expect(await begin(id)).toBeNull()
      expect(await begin(randomUUID())).toBeNull()
      await expect(begin('x')).rejects.toMatchObject({ code: 'INVALID' })
      const { rows } = await sql`select from control_plane.leases`.execute(database.kysely)
      expect(rows).toEqual([])
    })

    test('one that waits for another try and is cancelled has ended of that, and of nothing that it failed of before', async () => {
      const id = await create()
      const { lease } = await run(id)
      const error = { code: 'SOURCE', message: 'The source shop cannot be backed up', hint: 'Mend it.' }
      await putBackJob(database, { jobId: id, leaseToken: lease.token, afterMs: 60_000, error }, nowhere)
      await cancelJob(database, id, nowhere)
      const cancelled = await getJob(database, id)
      expect(cancelled).toMatchObject({ state: 'cancelled', tries: { SOURCE: 1 } })
      expect(cancelled?.error).toEqual({ code: 'CANCELLED', message: 'Cancelled' })
    })

    test('cancelling and beginning at once end in a cancelled job or in one that is asked to stop', async () => {
      for (let round = 0; round < 10; round++) {
        const id = await create({ source: `s${round}` })
        const [begun] = await Promise.all([begin(id), cancelJob(database, id, nowhere)])
        const job = await getJob(database, id)
        expect(job?.cancel_requested_at).toBeInstanceOf(Date)
        expect(job?.state).toBe(begun === null ? 'cancelled' : 'running')
      }
    })

    test('a job names its backup from the moment in which that is opened', async () => {
      const id = await create({ projectId: 'p' })
      const { lease } = await run(id)
      const backupId = randomUUID()
      const scheduledFor = new Date('2026-01-01T00:00:00Z')
      const opened = await openBackup(database, {
        backupId,
        projectId: 'p',
        type: 'logs',
        filename: 'f',
        chatId: '-1',
        encrypted: true,
        origin: { jobId: id, sourceName: 'shop', scheduledFor },
      })
      leases.push(opened.lease)
      expect(await getJob(database, id)).toMatchObject({ backup_id: backupId, state: 'running' })
      await finishJob(database, { jobId: id, leaseToken: lease.token, state: 'done' })
    })

    test('old jobs that have ended are forgotten in batches, but not the newest of a schedule', async () => {
      const schedule = randomUUID()
      await sql`
        insert into control_plane.jobs (kind, state, schedule_id, scheduled_for, created_at, finished_at)
        select 'backup', state, case when number < 3 then ${schedule}::uuid end, made, made, case when state <> 'queued' then made end
          from (select number, case number when 7 then 'queued' else 'done' end as state,
                       timestamptz '2026-01-01T00:00:00Z' + number * interval '1 day' as made
                  from generate_series(0, 9) number) rows
      `.execute(database.kysely)
      const endedBefore = new Date('2026-01-09T00:00:00Z')
      const counts: number[] = []
      for (let round = 0; round < 3; round++)
        counts.push(await pruneJobs(database, { endedBefore, limit: 4 }))
      expect(counts).toEqual([4, 2, 0])
      const { rows } = await sql<{ day: number }>`
        select extract(day from created_at at time zone 'UTC')::int as day from control_plane.jobs order by 1
      `.execute(database.kysely)
      expect(rows.map(({ day }) => day)).toEqual([3, 8, 9, 10])
    })
  })
}
