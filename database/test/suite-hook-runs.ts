import { sql } from 'kysely'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  addJobLog,
  beginHookRun,
  createJob,
  type Database,
  endHookRun,
  listJobLog,
  pruneJobLog,
} from '#index.ts'

/** Runs of hooks, and the log of jobs. */
export function describeHookRuns(open: () => Promise<Database>): void {
  describe('hook runs', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
    })

    test('one run at a time has the hooks of a source; the refusal names the holder', async () => {
      const first = await beginHookRun(database, 'shop')
      expect(first.interruptedSince).toBeNull()
      await expect(beginHookRun(database, 'shop')).rejects.toMatchObject({
        code: 'BUSY',
        message: expect.stringMatching(/source shop are in use since 2\d{3}-.*hooks, process \d+ on /),
      })
      const other = await beginHookRun(database, 'uploads')
      await endHookRun(database, first)
      const next = await beginHookRun(database, 'shop')
      expect(next.interruptedSince).toBeNull()
      for (const run of [next, other]) await endHookRun(database, run)
      expect((await sql`select from control_plane.leases`.execute(database.kysely)).rows).toEqual([])
    })

    test('a run whose process died is known to the next one on its machine, and to none elsewhere', async () => {
      const dead = await beginHookRun(database, 'shop')
      const { token } = dead.lease
      await sql`update control_plane.leases set pid = 999999999`.execute(database.kysely)
      const next = await beginHookRun(database, 'shop')
      expect(next.interruptedSince).toBeInstanceOf(Date)
      // A process that was only away does not end the run of the one that took over.
      expect(token).not.toBe(next.lease.token)
      await endHookRun(database, dead)
      await expect(beginHookRun(database, 'shop')).rejects.toMatchObject({ code: 'BUSY' })
      await sql`update control_plane.hook_runs set hostname = 'elsewhere'`.execute(database.kysely)
      const here = await beginHookRun(database, 'shop')
      expect(here.interruptedSince).toBeNull()
      await endHookRun(database, here)
      await endHookRun(database, next)
    })

    test('the log of a job keeps the order, pages, and goes with its job or when it is old', async () => {
      const { job } = await createJob(database, { kind: 'backup', source: 'shop' }, async () => {})
      const lines = Array.from({ length: 5 }, (_, index) => ({
        stage: 'before',
        level: 'info' as const,
        text: `line ${index}\0\ud800`,
      }))
      await addJobLog(database, { jobId: job.id, lines })
      await addJobLog(database, {
        jobId: job.id,
        lines: [{ stage: 'after', level: 'error', text: 'x'.repeat(9000) }],
      })
      await addJobLog(database, { jobId: '00000000-0000-4000-8000-000000000000', lines })
      const first = await listJobLog(database, { jobId: job.id, limit: 3 })
      expect(first.map(({ text }) => text)).toEqual(['line 0\ufffd', 'line 1\ufffd', 'line 2\ufffd'])
      const rest = await listJobLog(database, { jobId: job.id, after: first.at(-1)?.id, limit: 10 })
      expect(rest.map(({ stage, text }) => [stage, text.length])).toEqual([
        ['before', 7],
        ['before', 7],
        ['after', 8192],
      ])
      expect(await listJobLog(database, { jobId: job.id, stage: 'after', limit: 10 })).toHaveLength(1)
      expect(await pruneJobLog(database, { before: new Date(Date.now() - 60_000), limit: 2 })).toBe(0)
      expect(await pruneJobLog(database, { before: new Date(Date.now() + 60_000), limit: 2 })).toBe(2)
      await sql`delete from control_plane.jobs`.execute(database.kysely)
      expect((await sql`select from control_plane.job_log`.execute(database.kysely)).rows).toEqual([])
    })
  })
}
