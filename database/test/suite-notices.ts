import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  announce,
  claimNotice,
  closeNotice,
  createJob,
  type Database,
  giveUpNotices,
  type NoticeChannel,
  noteConditions,
  openAlerts,
  openJobs,
  postponeNotice,
} from '#index.ts'

const BOTH: NoticeChannel[] = ['chat', 'webhook']

/** What is to be told, and is told once. */
export function describeNotices(open: () => Promise<Database>): void {
  describe('notices', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
    })
    afterEach(() => database.close())

    const find = (keys: string[], quietForMs = 60_000, channels = BOTH) =>
      noteConditions(database, {
        found: keys.map(key => ({ key, kind: 'overdue', details: { key }, notice: { text: `bad ${key}` } })),
        kinds: ['overdue'],
        quietForMs,
        channels,
        recovery: (alert, now) => ({ text: `good ${alert.key}`, ms: now.getTime() - alert.since.getTime() }),
      })
    const claim = (channels = BOTH, claimForMs = 60_000) => claimNotice(database, { channels, claimForMs })

    async function tellAll(): Promise<string[]> {
      const told: string[] = []
      for (let notice = await claim(); notice !== null; notice = await claim()) {
        told.push(`${notice.channel}: ${notice.notice['text']}`)
        await closeNotice(database, { ...notice, wasTold: true })
      }
      return told.sort()
    }

    test('what many processes find wrong at once is told once by each channel, and so is that it is right again', async () => {
      const found = await Promise.all([1, 2, 3, 4, 5, 6].map(n => find(n % 2 ? ['a', 'b'] : ['b', 'a'])))
      expect(found.flatMap(({ raised }) => raised.map(({ key }) => key)).sort()).toEqual(['a', 'b'])
      expect(await tellAll()).toEqual(['chat: bad a', 'chat: bad b', 'webhook: bad a', 'webhook: bad b'])
      expect(await openAlerts(database)).toMatchObject([
        { told_at: expect.any(Date) },
        { told_at: expect.any(Date) },
      ])
      await sql`update control_plane.alerts set seen_at = seen_at - interval '1 hour', since = since - interval '1 hour'
        where key = 'a'`.execute(database.kysely)
      const ended = await Promise.all([1, 2, 3, 4].map(() => find(['b'])))
      const resolved = ended.flatMap(result => result.resolved)
      expect(resolved.map(({ alert }) => alert.key)).toEqual(['a'])
      // The clock of the machine may have been set back by a moment.
      expect(resolved[0]?.notice['ms']).toBeGreaterThan(3_590_000)
      expect(await tellAll()).toEqual(['chat: good a', 'webhook: good a'])
      expect((await openAlerts(database)).map(({ key }) => key)).toEqual(['b'])
    })

    test('what is newer than all that was told of an open alert is told again, once, and not sooner than news may come', async () => {
      const grow = (at: string, newsEveryMs: number) =>
        noteConditions(database, {
          found: [
            {
              key: 'a',
              kind: 'damaged',
              details: { newest: at },
              notice: { text: 'bad' },
              newest: { at: new Date(at), notice: { text: `worse ${at}` } },
            },
          ],
          kinds: [],
          quietForMs: 60_000,
          channels: ['chat'],
          newsEveryMs,
          recovery: () => ({}),
        })
      await grow('2026-11-25T10:00:00.000Z', 0)
      await grow('2026-11-25T10:00:00.000Z', 0)
      expect(await tellAll()).toEqual(['chat: bad'])
      const later = '2026-11-25T10:00:00.001Z'
      expect((await grow(later, 3_600_000)).raised).toEqual([])
      const raised = (await Promise.all([1, 2, 3, 4].map(() => grow(later, 0)))).flatMap(one => one.raised)
      expect(raised.map(({ notice }) => notice)).toEqual([{ text: `worse ${later}` }])
      // Found by a process whose look is older.
      await grow('2026-11-25T10:00:00.000Z', 0)
      expect(await tellAll()).toEqual([`chat: worse ${later}`])
      expect(await openAlerts(database)).toMatchObject([{ details: { newest: later } }])
    })

    test('an alert holds as long as one process finds it, and those of other kinds are left alone', async () => {
      await find(['a'])
      expect((await find([], 60_000)).resolved).toEqual([])
      const other = await noteConditions(database, {
        found: [],
        kinds: ['another'],
        quietForMs: 0,
        channels: BOTH,
        recovery: () => ({}),
      })
      expect(other.resolved).toEqual([])
      expect(await openAlerts(database)).toHaveLength(1)
    })

    test('a notice goes to one process, and to another when that one has died with it', async () => {
      await announce(database, { channels: ['chat'], notice: { text: 'hello' } })
      const claimed = await Promise.all([1, 2, 3, 4].map(() => claim(['chat'])))
      const first = claimed.find(notice => notice !== null)
      expect(claimed.filter(notice => notice !== null)).toHaveLength(1)
      expect(first?.may_be_told).toBe(false)
      expect(await claim(['webhook'])).toBeNull()
      await sql`update control_plane.notices set claimed_until = clock_timestamp() - interval '1 second'`.execute(
        database.kysely,
      )
      expect(await claim(['chat'])).toMatchObject({
        notice: { text: 'hello' },
        tries: 2,
        may_be_told: true,
        delivery_id: first?.delivery_id,
      })
    })

    test('each try of a notice has the same id, and another notice another one; whether it may have been told is known', async () => {
      await announce(database, { channels: BOTH, notice: { text: 'hello' } })
      const ids = new Set<string>()
      const claimAgain = async (mayBeTold: boolean, expected: boolean): Promise<void> => {
        const notice = await claim(['webhook'])
        expect(notice?.may_be_told).toBe(expected)
        ids.add(notice?.delivery_id ?? '')
        await postponeNotice(database, { id: notice?.id ?? 0, afterMs: -1_000, isRefused: false, mayBeTold })
      }
      await claimAgain(false, false)
      await claimAgain(true, false)
      await claimAgain(false, true)
      expect([...ids]).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)])
      expect(ids).not.toContain((await claim(['chat']))?.delivery_id)
    })

    test('a channel tells in order while it is down, and one notice that it refuses for ever does not stop the others', async () => {
      await announce(database, { channels: BOTH, notice: { text: 'first' } })
      await announce(database, { channels: BOTH, notice: { text: 'second' } })
      const postpone = async (afterMs: number, isRefused: boolean): Promise<void> => {
        const notice = await claim(['webhook'])
        expect(notice).toMatchObject({ notice: { text: 'first' } })
        await postponeNotice(database, { id: notice?.id ?? 0, afterMs, isRefused })
      }
      for (let tries = 0; tries < 5; tries++) await postpone(-1_000, false)
      await postpone(-1_000, true)
      await postpone(-1_000, true)
      expect(await claim(['chat'])).toMatchObject({ notice: { text: 'first' } })
      await postpone(60_000, true)
      expect(await claim(['webhook'])).toMatchObject({ notice: { text: 'second' }, tries: 1 })
    })

    test('what waits for its channel holds up those behind it', async () => {
      await announce(database, { channels: ['webhook'], notice: { text: 'first' } })
      await announce(database, { channels: ['webhook'], notice: { text: 'second' } })
      const notice = await claim()
      await postponeNotice(database, { id: notice?.id ?? 0, afterMs: 60_000, isRefused: false })
      expect(await claim()).toBeNull()
    })

    test('a notice that waits for a time which no clock shows any more does not hold up those behind it', async () => {
      await announce(database, { channels: ['webhook'], notice: { text: 'first' } })
      await sql`
        update control_plane.notices set next_try_at = clock_timestamp() + interval '1 day',
               claimed_until = clock_timestamp() + interval '1 day'
      `.execute(database.kysely)
      expect(await claim()).toMatchObject({ notice: { text: 'first' } })
      expect(await claim()).toBeNull()
    })

    test('what nobody could tell for too long is given up, whatever its channel', async () => {
      await announce(database, { channels: ['webhook'], notice: { text: 'old' } })
      await sql`update control_plane.notices set created_at = clock_timestamp() - interval '4 days'`.execute(
        database.kysely,
      )
      await announce(database, { channels: ['webhook'], notice: { text: 'new' } })
      expect(await giveUpNotices(database, { olderThanMs: 3 * 86_400_000 })).toBe(1)
      expect(await claim()).toMatchObject({ notice: { text: 'new' } })
    })

    test('what is given up is gone, and its alert counts as told to nobody', async () => {
      await find(['a'], 60_000, ['webhook'])
      const notice = await claim()
      if (notice === null) throw new Error('no notice')
      await closeNotice(database, { ...notice, wasTold: false })
      expect(await claim()).toBeNull()
      expect(await openAlerts(database)).toMatchObject([{ told_at: null }])
    })

    test('open jobs are counted by kind and place, with how long the oldest has waited whose time has come', async () => {
      const later = new Date(Date.now() + 3_600_000)
      const deliver = async (): Promise<void> => {}
      await createJob(database, { kind: 'backup', projectId: 'p', source: 's' }, deliver)
      await createJob(database, { kind: 'backup', projectId: 'p', source: 's', runAfter: later }, deliver)
      await createJob(database, { kind: 'expire', runAfter: later }, deliver)
      const backups = { kind: 'backup', source: 's', target: null, count: 2, running: 0 }
      const expiry = {
        kind: 'expire',
        source: null,
        target: null,
        count: 1,
        running: 0,
        oldest_ms: null,
        failing: null,
      }
      expect(await openJobs(database)).toEqual([
        { ...backups, oldest_ms: expect.any(Number), failing: null },
        expiry,
      ])
      await sql`
        update control_plane.jobs set error = 'no answer', error_code = 'UNREACHABLE',
               created_at = created_at - interval '20 minutes' where kind = 'backup' and run_after > clock_timestamp()
      `.execute(database.kysely)
      const failing = { code: 'UNREACHABLE', message: 'no answer', for_ms: expect.any(Number) }
      expect(await openJobs(database)).toEqual([
        { ...backups, oldest_ms: expect.any(Number), failing },
        expiry,
      ])
    })
  })
}
