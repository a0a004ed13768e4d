import { setTimeout as sleep } from 'node:timers/promises'
import { sql, type Transaction } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type CatalogSchema,
  type ChangePage,
  changeTags,
  createBackup,
  createJob,
  createSchedule,
  type Database,
  noteConditions,
  openAlerts,
  readChanges,
  removeSchedule,
} from '#index.ts'

/** What has changed, in the order of commits. */
export function describeEvents(open: () => Promise<Database>): void {
  describe('events', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
    })
    afterEach(() => database.close())

    const page = (after?: string): Promise<ChangePage> => readChanges(database, after, async found => found)
    const since = async (after: string): Promise<string[]> =>
      (await page(after)).changes.map(({ kind, object, thing }) => `${kind} ${object} ${thing !== null}`)
    const newBackup = () =>
      createBackup(database, { project_id: 'shop', type: 'database', file_id: 'f', size: 1 })
    const newJob = async () =>
      (await createJob(database, { kind: 'backup', projectId: 'shop', source: 'shop' }, async () => {})).job

    test('several changes of one object are one event, at the place of the newest', async () => {
      const { through } = await page()
      const first = await newBackup()
      const job = await newJob()
      await changeTags(database, first.id, { add: ['nightly'], remove: [] })
      const { changes, hasMore } = await page(through)
      expect(changes).toMatchObject([
        { kind: 'job', object: job.id, project_id: 'shop', thing: { version: 1 } },
        { kind: 'backup', object: first.id, project_id: 'shop', thing: { tags: ['nightly'] } },
      ])
      expect(hasMore).toBe(false)
    })

    test('a schedule that is removed is an event without the object; an alert that ends, one with its end', async () => {
      const schedule = await createSchedule(database, {
        source: 'shop',
        projectId: 'shop',
        type: 'database',
        cron: '0 3 * * *',
        timezone: 'UTC',
        nextRunAt: null,
      })
      const found = [{ key: 'k', kind: 'backup_failed', details: { project: 'shop' }, notice: {} }]
      const note = (quietForMs: number, of: typeof found) =>
        noteConditions(database, {
          found: of,
          kinds: ['backup_failed'],
          quietForMs,
          channels: [],
          recovery: () => ({}),
        })
      await note(60_000, found)
      const { through } = await page()
      const [alert] = await openAlerts(database)
      await note(60_000, found)
      expect(await since(through), 'seen again is no change').toEqual([])
      await removeSchedule(database, schedule.id)
      await sleep(5)
      await note(1, [])
      expect(await since(through)).toEqual([`schedule ${schedule.id} false`, `alert ${alert?.id} true`])
      expect((await page(through)).changes.at(-1)).toMatchObject({
        project_id: 'shop',
        thing: { ended_at: expect.any(Date) },
      })
    })

    test('a job of a schedule changes how the schedule is shown; its progress does not', async () => {
      const terms = { source: 'shop', projectId: 'shop', type: 'database', cron: '0 3 * * *' } as const
      const { id } = await createSchedule(database, { ...terms, timezone: 'UTC', nextRunAt: null })
      const { through } = await page()
      const request = { kind: 'backup', projectId: 'shop', source: 'shop', scheduleId: id } as const
      const { job } = await createJob(database, request, async () => {})
      const made = await page(through)
      expect(made.changes.map(({ kind }) => kind)).toEqual(['job', 'schedule'])
      await sql`update control_plane.jobs set progress = '{"bytes_done": 1}'`.execute(database.kysely)
      expect(await since(made.through)).toEqual([`job ${job.id} true`])
    })

    test('a verification is an event of its backup', async () => {
      const { id } = await newBackup()
      const { through } = await page()
      await sql`insert into control_plane.verifications (backup_id, kind, actor) values (${id}, 'data', 'a')`.execute(
        database.kysely,
      )
      expect(await since(through)).toEqual([`backup ${id} true`])
    })

    test.each(['', 'garbage', '00000000.1-1', '-1', "1'; drop table x"])(
      'a position %j is answered with a reset',
      async after => {
        expect(await page(after)).toMatchObject({ isReset: true, changes: [], hasMore: false })
      },
    )

    test('a position of the future, of another generation, or whose changes are forgotten, is a reset', async () => {
      const before = (await page()).through
      await newBackup()
      const { through } = await page()
      const number = Number(through.split('-')[1])
      expect(await page(through.replace(/\d+$/, String(number + 1)))).toMatchObject({ isReset: true })
      expect(await page(through.replace('.1-', '.2-'))).toMatchObject({ isReset: true })
      expect(await page(before)).toMatchObject({ isReset: false })
      await sql`update control_plane.events set at = at - interval '25 hours'`.execute(database.kysely)
      await sql`select pg_catalog.setval('control_plane.event_numbers', (${number}::bigint / 1000 + 1) * 1000 - 1)`.execute(
        database.kysely,
      )
      const job = await newJob()
      expect(await page(before)).toMatchObject({ isReset: true, changes: [] })
      expect(await since(through), 'what it has seen was forgotten').toEqual([`job ${job.id} true`])
    })

    test('many changes come in pages', async () => {
      const { through } = await page()
      await sql`insert into control_plane.jobs (kind) select 'verify' from pg_catalog.generate_series(1, 250)`.execute(
        database.kysely,
      )
      const sizes: number[] = []
      for (let next = await page(through); ; next = await page(next.through)) {
        sizes.push(next.changes.length)
        if (!next.hasMore) break
      }
      expect(sizes).toEqual([100, 100, 50])
    })

    test('a transaction gets its number only when the one before it can be seen', async () => {
      const { through } = await page()
      const insert = (trx: Transaction<CatalogSchema>) =>
        sql`insert into control_plane.jobs (kind) values ('verify')`.execute(trx)
      const order: string[] = []
      let second: Promise<unknown> | undefined
      await database.kysely.transaction().execute(async trx => {
        await insert(trx)
        // As at the end of the transaction, which then takes a long time.
        await sql`set constraints all immediate`.execute(trx)
        second = database.kysely
          .transaction()
          .execute(insert)
          .then(() => order.push('second'))
        await sleep(100)
        expect(await since(through)).toEqual([])
        order.push('first')
      })
      await second
      expect(order).toEqual(['first', 'second'])
      expect(await since(through)).toHaveLength(2)
    })

    test('whoever follows has at each moment what the catalog has, whatever is written, held open, or rolled back', async () => {
      let { through } = await page()
      const mirror = new Map<string, number>()
      const writers = Array.from({ length: 6 }, (_, number) => write(database, number))
      let isWriting = true
      const written = Promise.all(writers).finally(() => {
        isWriting = false
      })
      let looks = 0
      for (let isLast = false; !isLast; ) {
        isLast = !isWriting
        await readChanges(database, through, async (found, snapshot) => {
          expect(found.isReset).toBe(false)
          for (const { object, thing } of found.changes)
            mirror.set(object, (thing as { size: number } | null)?.size ?? -1)
          through = found.through
          if (found.hasMore) return
          looks++
          const rows = await snapshot.kysely.selectFrom('backups').select(['id', 'size']).execute()
          expect(new Map(rows.map(({ id, size }) => [id, size]))).toEqual(mirror)
        })
      }
      await written
      expect(looks).toBeGreaterThan(10)
      expect(mirror.size).toBeGreaterThan(20)
    })
  })
}

class RolledBack extends Error {}

/** Transactions of one writer: some long, some rolled back, some on rows that the others change, too. */
async function write(database: Database, number: number): Promise<void> {
  let seed = number + 1
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % below
  }
  for (let round = 0; round < 25; round++) {
    const work = async (trx: Transaction<CatalogSchema>): Promise<void> => {
      await sql`insert into control_plane.projects (id) values ('shop') on conflict do nothing`.execute(trx)
      if (random(2) === 0)
        await sql`insert into control_plane.backups (project_id, type, size) values ('shop', 'logs', ${random(1e6)})`.execute(
          trx,
        )
      await sleep(random(4) === 0 ? 40 : 0)
      // One row only, so that no two writers wait for each other's.
      await sql`update control_plane.backups set size = size + 1 where id =
        (select id from control_plane.backups order by id offset ${random(5)} limit 1)`.execute(trx)
      await sleep(random(4) === 0 ? 40 : 0)
      if (random(5) === 0) throw new RolledBack()
    }
    await database.kysely
      .transaction()
      .setIsolationLevel('read committed')
      .execute(work)
      .catch((error: unknown) => {
        if (!(error instanceof RolledBack)) throw error
      })
  }
}
