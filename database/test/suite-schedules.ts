import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { inTransaction } from '#connections.ts'
import {
  cancelJob,
  createSchedule,
  type Database,
  type FiringDecision,
  fireDueSchedules,
  getSchedule,
  type Job,
  lastJobsOf,
  listJobs,
  listRetentionPolicies,
  listSchedules,
  listSourcePolicies,
  type NewSchedule,
  removeSchedule,
  removeSourcePolicies,
  type Schedule,
  setRetentionPolicy,
  updateSchedule,
} from '#index.ts'
import { nextMillisecond } from '#test/clock.ts'

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute))
const nowhere = async () => {}

/** Fires for the time that is due, and again a minute later; nothing while a job of it is open. */
function everyMinute({ next_run_at }: Schedule, { isBusy }: { isBusy: boolean }): FiringDecision {
  const due = next_run_at ?? at(0)
  return { fireFor: isBusy ? null : due, nextRunAt: new Date(due.getTime() + 60_000) }
}

/** Schedules, what they make, and policies. */
export function describeSchedules(open: () => Promise<Database>): void {
  describe('schedules', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
    })
    afterEach(() => database.close())

    const create = (more: Partial<NewSchedule> = {}) =>
      createSchedule(database, {
        source: 'shop',
        projectId: 'p',
        type: 'database',
        cron: '* * * * *',
        timezone: 'Europe/Berlin',
        nextRunAt: at(1),
        ...more,
      })

    const fire = (minute: number, decide = everyMinute, deliver: (job: Job) => Promise<void> = nowhere) =>
      fireDueSchedules(database, decide, deliver, { now: at(minute) })

    test('one is made with its project, is read, changed and removed, and what it made stays', async () => {
      const made = await create({ keep: { daily: 7, within_ms: 5 }, jitterSeconds: 30, catchUp: 'skip' })
      expect(made).toEqual({
        id: expect.any(String),
        source: 'shop',
        project_id: 'p',
        type: 'database',
        cron: '* * * * *',
        timezone: 'Europe/Berlin',
        enabled: true,
        keep: { daily: 7, within_ms: 5 },
        jitter_seconds: 30,
        catch_up: 'skip',
        next_run_at: at(1),
        last_fired_for: null,
        created_at: expect.any(Date),
        updated_at: expect.any(Date),
      })
      expect(await getSchedule(database, made.id)).toEqual(made)
      await fire(1)
      const changed = await updateSchedule(database, made.id, {
        cron: '0 3 * * *',
        keep: null,
        nextRunAt: at(9),
      })
      expect(changed).toMatchObject({
        cron: '0 3 * * *',
        keep: null,
        next_run_at: at(9),
        timezone: 'Europe/Berlin',
      })
      expect(changed?.last_fired_for).toEqual(at(1))
      expect(await removeSchedule(database, made.id)).toBe(true)
      expect(await removeSchedule(database, made.id)).toBe(false)
      expect(await getSchedule(database, made.id)).toBeNull()
      expect(await listJobs(database, { limit: 9 })).toHaveLength(1)
    })

    test('the policy of a removed schedule stays one of its source until somebody lets go of it', async () => {
      const keep = { daily: 7 }
      const removed = [await create({ keep }), await create({ keep }), await create({ keep: { last: 1 } })]
      const kept = await create({ keep: { last: 2 } })
      for (const { id } of [...removed, await create()]) await removeSchedule(database, id)
      const of = { project_id: 'p', type: 'database' as const, source: 'shop' }
      const left = async () =>
        (await listSourcePolicies(database)).map(({ updated_at: _, ...policy }) => policy)
      expect(new Set(await left())).toEqual(
        new Set([
          { ...of, keep },
          { ...of, keep: { last: 1 } },
        ]),
      )
      await nextMillisecond(database)
      expect(await removeSourcePolicies(database, { ...of, source: 'other' })).toBe(0)
      expect(await removeSourcePolicies(database, of)).toBe(2)
      expect(await left()).toEqual([])
      const now = await getSchedule(database, kept.id)
      expect(now?.updated_at.getTime()).toBeGreaterThan(kept.updated_at.getTime())
    })

    test('unknown ids have none, and bad values are refused', async () => {
      for (const id of [randomUUID(), '../x', '']) {
        expect(await getSchedule(database, id)).toBeNull()
        expect(await updateSchedule(database, id, { enabled: false })).toBeNull()
        expect(await removeSchedule(database, id)).toBe(false)
      }
      const bad: Partial<NewSchedule>[] = [
        { projectId: '../x' },
        { source: '' },
        { cron: 'a\0' },
        { timezone: '' },
        { jitterSeconds: -1 },
        { jitterSeconds: 86_401 },
      ]
      for (const more of bad) await expect(create(more)).rejects.toMatchObject({ code: 'INVALID' })
      expect(await listSchedules(database)).toEqual([])
      const { id } = await create()
      await expect(create({ id })).rejects.toMatchObject({ code: 'CONFLICT' })
      await expect(updateSchedule(database, id, { jitterSeconds: -1 })).rejects.toMatchObject({
        code: 'INVALID',
      })
    })

    test('lists are in the order of making, of one project or of all', async () => {
      const ids: string[] = []
      for (const projectId of ['p', 'q', 'p']) {
        ids.push((await create({ projectId })).id)
        await nextMillisecond(database)
      }
      expect((await listSchedules(database)).map(({ id }) => id)).toEqual(ids)
      expect((await listSchedules(database, { projectId: 'q' })).map(({ id }) => id)).toEqual([ids[1]])
    })

    test('a project gets no more of them than it may have, also when several are made at once', async () => {
      await create({ projectId: 'q' })
      const plan = { source: 'shop', projectId: 'p', type: 'database', cron: '* * * * *' } as const
      const making = [1, 2, 3, 4, 5].map(() =>
        createSchedule(database, { ...plan, timezone: 'UTC', nextRunAt: null }, { most: 3 }),
      )
      const made = await Promise.allSettled(making)
      const refused = made.filter(({ status }) => status === 'rejected')
      expect(refused).toEqual(
        Array(2).fill({ status: 'rejected', reason: expect.objectContaining({ code: 'CONFLICT' }) }),
      )
      expect(await listSchedules(database, { projectId: 'p' })).toHaveLength(3)
    })

    test('a time fires once, however many connections look', async () => {
      const ids = await Promise.all([1, 2, 3].map(number => create({ source: `s${number}` })))
      const fired = await Promise.all([1, 2, 3, 4, 5, 6].map(() => fire(1)))
      expect(fired.flat()).toHaveLength(3)
      expect(new Set(fired.flat().map(({ schedule_id }) => schedule_id))).toEqual(
        new Set(ids.map(({ id }) => id)),
      )
      for (const job of fired.flat()) {
        expect(job).toMatchObject({
          kind: 'backup',
          scheduled_for: at(1),
          project_id: 'p',
          actor: 'schedule',
        })
      }
      expect(await fire(1)).toEqual([])
    })

    test('one that is not due, or not enabled, or has no next time, does not fire', async () => {
      await create({ nextRunAt: at(2) })
      await create({ enabled: false })
      await create({ nextRunAt: null })
      expect(await fire(1)).toEqual([])
      expect(await fire(2)).toHaveLength(1)
    })

    test('while its last job waits or runs it is said to be busy, and goes on to its next time', async () => {
      const { id } = await create()
      const [first] = await fire(1)
      expect(await fire(2)).toEqual([])
      expect(await getSchedule(database, id)).toMatchObject({ next_run_at: at(3), last_fired_for: at(1) })
      await cancelJob(database, first?.id ?? '', nowhere)
      await nextMillisecond(database)
      expect(await fire(3)).toMatchObject([{ scheduled_for: at(3) }])
      const other = await create({ source: 'other', nextRunAt: at(4) })
      await create({ source: 'none' })
      await fire(4)
      const last = await lastJobsOf(database, [id, other.id, randomUUID()])
      expect([...last.keys()].sort()).toEqual([id, other.id].sort())
      expect(last.get(id)).toMatchObject({ scheduled_for: at(3), progress: { bytes_done: 0 } })
      expect(last.get(other.id)).toMatchObject({ scheduled_for: at(4), source: 'other' })
      expect(await lastJobsOf(database, [])).toEqual(new Map())
    })

    test('a time that has a job already makes no second one, and the schedule goes on', async () => {
      const { id } = await create()
      const [job] = await fire(1)
      await cancelJob(database, job?.id ?? '', nowhere)
      await updateSchedule(database, id, { nextRunAt: at(1) })
      expect(await fire(1)).toEqual([])
      expect(await getSchedule(database, id)).toMatchObject({ next_run_at: at(2) })
      expect(await listJobs(database, { limit: 9 })).toHaveLength(1)
    })

    test('one that another process has in hand is passed over, and does not hold up the others', async () => {
      const held = await create({ source: 'held' })
      await create({ source: 'free', nextRunAt: at(2) })
      const locked = Promise.withResolvers<void>()
      const done = Promise.withResolvers<void>()
      const holding = inTransaction(database.kysely, async trx => {
        await trx.selectFrom('schedules').selectAll().where('id', '=', held.id).forUpdate().execute()
        locked.resolve()
        await done.promise
      })
      await locked.promise
      expect(await fire(5)).toMatchObject([{ source: 'free' }])
      done.resolve()
      await holding
      expect(await fire(5)).toMatchObject([{ source: 'held' }])
    })

    test('a job that the queue does not take leaves the schedule as it was', async () => {
      const { id } = await create()
      const failing = fire(1, everyMinute, async () => {
        throw new Error('no room')
      })
      await expect(failing).rejects.toThrow('no room')
      expect(await getSchedule(database, id)).toMatchObject({ next_run_at: at(1), last_fired_for: null })
      expect(await listJobs(database, { limit: 9 })).toEqual([])
      expect(await fire(1)).toHaveLength(1)
    })

    test('one that is due again at once is looked at once in a call', async () => {
      await create()
      let looks = 0
      await fire(9, schedule => {
        looks++
        return { fireFor: null, nextRunAt: schedule.next_run_at }
      })
      expect(looks).toBe(1)
    })

    test('without a given time the clock of the database counts, and jitter delays the job', async () => {
      const future = new Date(Date.now() + 3_600_000)
      await create({ source: 'later', nextRunAt: future })
      await create({ source: 'now', nextRunAt: new Date(Date.now() - 1_000) })
      const seen: Date[] = []
      const [job, ...others] = await fireDueSchedules(
        database,
        ({ next_run_at }, { now }) => {
          seen.push(now)
          return { fireFor: next_run_at, runAfter: future, nextRunAt: future }
        },
        nowhere,
      )
      expect(others).toEqual([])
      expect(job).toMatchObject({ source: 'now', run_after: future })
      expect(Math.abs(Date.now() - (seen[0]?.getTime() ?? 0))).toBeLessThan(60_000)
    })

    test('a project and type has one policy, which the last word sets and null takes away', async () => {
      const policy = (keep: Parameters<typeof setRetentionPolicy>[1]['keep']) =>
        setRetentionPolicy(database, { project_id: 'p', type: 'logs', keep })
      await Promise.all([1, 2, 3, 4].map(last => policy({ last })))
      await policy({ daily: 7, minimum: 2 })
      await setRetentionPolicy(database, { project_id: 'a', type: 'logs', keep: {} })
      expect(await listRetentionPolicies(database)).toEqual([
        { project_id: 'a', type: 'logs', keep: {} },
        { project_id: 'p', type: 'logs', keep: { daily: 7, minimum: 2 } },
      ])
      await policy(null)
      await policy(null)
      expect(await listRetentionPolicies(database)).toHaveLength(1)
      const bad = setRetentionPolicy(database, { project_id: '../x', type: 'logs', keep: {} })
      await expect(bad).rejects.toMatchObject({ code: 'INVALID' })
      const { rows } = await sql<{ seconds: number }>`
        select extract(epoch from clock_timestamp() - max(updated_at))::int as seconds from control_plane.retention_policies
      `.execute(database.kysely)
      expect(rows[0]?.seconds).toBeLessThan(60)
    })
  })
}
