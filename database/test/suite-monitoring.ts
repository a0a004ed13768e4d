import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  announce,
  type Backup,
  type BackupPageFilter,
  createBackup,
  createSchedule,
  type Database,
  getBackupDetails,
  pageBackups,
  queryBackups,
  queueFacts,
  sourceFacts,
} from '#index.ts'

const ROWS = 10_000

/**
 * Ten thousand backups of one row a minute: 20 sources, each with a twentieth of them; of each source every
 * tenth failed, every seventh complete one is erased. Sizes are the row's number, bytes as sent a half of
 * that.
 */
async function fill(database: Database): Promise<void> {
  await sql`
    insert into control_plane.projects (id) select 'p' || number from generate_series(0, 3) number
  `.execute(database.kysely)
  await sql`
    insert into control_plane.backups
           (project_id, type, source_name, state, size, archive_size, part_count, file_id, created_at, completed_at, error)
    select 'p' || source % 4, (array['database', 'storage', 'logs'])[source % 3 + 1],
           case when source = 0 then null else 's' || source end,
           state, number, number / 2, 1, 'f', made,
           case when state <> 'failed' then made + interval '2 seconds' end, case when state = 'failed' then 'x' end
      from (select number, number % 20 as source,
                   case when number / 20 % 10 = 0 then 'failed' when number / 20 % 7 = 0 then 'erased' else 'complete' end as state,
                   timestamptz '2026-01-01T00:00:00Z' + number * interval '1 minute' as made
              from generate_series(1, ${ROWS}::int) number) rows
  `.execute(database.kysely)
  await sql`analyze control_plane.backups`.execute(database.kysely)
}

async function walk(
  database: Database,
  filter: Omit<BackupPageFilter, 'limit' | 'after'>,
  limit: number,
): Promise<Backup[]> {
  const found: Backup[] = []
  for (;;) {
    const last = found.at(-1)
    const after = last && { createdAt: last.created_at, id: last.id }
    const { backups, hasMore } = await pageBackups(database, { ...filter, limit, after })
    found.push(...backups)
    if (!hasMore) return found
  }
}

/** For those who watch, and for lists that are long. */
export function describeMonitoring(open: () => Promise<Database>): void {
  describe('ten thousand backups that nobody changes', () => {
    let database: Database
    beforeAll(async () => {
      database = await open()
      await fill(database)
    })
    afterAll(() => database.close())

    test('ten thousand backups come in pages, each once, newest first, whatever is asked for', async () => {
      const all = await walk(database, {}, 999)
      expect(new Set(all.map(({ id }) => id)).size).toBe(ROWS)
      const times = all.map(({ created_at }) => created_at.getTime())
      expect(times).toEqual([...times].sort((a, b) => b - a))
      const from = new Date('2026-01-03T00:00:00Z')
      const to = new Date('2026-01-04T00:00:00Z')
      const filters: Omit<BackupPageFilter, 'limit'>[] = [
        { projectId: 'p1' },
        { type: 'logs' },
        { state: 'failed' },
        { from, to },
        { projectId: 'p2', type: 'database', state: 'complete', from },
      ]
      for (const filter of filters) {
        const expected = all.filter(
          backup =>
            (filter.projectId ?? backup.project_id) === backup.project_id &&
            (filter.type ?? backup.type) === backup.type &&
            (filter.state ?? backup.state) === backup.state &&
            backup.created_at >= (filter.from ?? backup.created_at) &&
            backup.created_at <= (filter.to ?? backup.created_at),
        )
        expect(expected.length).toBeGreaterThan(50)
        const found = await walk(database, filter, 200)
        expect(found.map(({ id }) => id)).toEqual(expected.map(({ id }) => id))
      }
    })

    test('the facts of twenty sources with ten thousand backups are those of their rows', async () => {
      const all = await walk(database, {}, ROWS)
      const facts = await sourceFacts(database)
      expect(facts).toHaveLength(20)
      for (const fact of facts) {
        const rows = all.filter(
          row =>
            row.project_id === fact.project_id &&
            row.type === fact.type &&
            row.source_name === fact.source_name,
        )
        const complete = rows.filter(({ state }) => state === 'complete')
        const [newest] = complete
        const sum = (sizes: (number | null)[]) =>
          sizes.reduce<number>((total, size) => total + (size ?? 0), 0)
        expect(fact).toEqual({
          project_id: fact.project_id,
          type: fact.type,
          source_name: fact.source_name,
          is_scheduled: false,
          scheduled_since: null,
          complete_count: complete.length,
          complete_size: sum(complete.map(({ size }) => size)),
          complete_archive_size: sum(complete.map(({ archive_size }) => archive_size)),
          damaged_count: 0,
          last_damaged_at: null,
          last_complete: {
            backup_id: newest?.id,
            created_at: newest?.created_at,
            completed_at: newest?.completed_at,
            size: newest?.size,
            archive_size: newest?.archive_size,
            part_count: 1,
            duration_ms: 2000,
            damaged_at: null,
            missing_files: 0,
          },
          last_verified_at: null,
          last_drilled_at: null,
          last_failed_at: rows.find(({ state }) => state === 'failed')?.created_at,
          recent_sizes: complete.slice(0, 6).map(({ size }) => size),
        })
      }
    })
  })

  describe('monitoring', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
    })
    afterEach(() => database.close())

    test('pages neither repeat nor hide a backup while others come and go, also of the same millisecond', async () => {
      await sql`insert into control_plane.projects (id) values ('p')`.execute(database.kysely)
      const insert = (time: string) =>
        sql`insert into control_plane.backups (project_id, type, created_at) values ('p', 'logs', ${time})`.execute(
          database.kysely,
        )
      for (let count = 0; count < 9; count++) await insert('2026-01-01T00:00:00.123Z')
      const { backups: first } = await pageBackups(database, { limit: 4 })
      await insert('2026-01-02T00:00:00Z')
      const last = first.at(-1)
      if (!last) throw new Error('the first page is empty')
      await sql`delete from control_plane.backups where id = ${last.id}`.execute(database.kysely)
      const { backups: rest } = await pageBackups(database, {
        limit: 99,
        after: { createdAt: last.created_at, id: last.id },
      })
      expect(new Set([...first, ...rest].map(({ id }) => id)).size).toBe(9)
    })

    test('a page of long records ends sooner, and the next ones go on until all have come, each once', async () => {
      await sql`insert into control_plane.projects (id) values ('p')`.execute(database.kysely)
      await sql`
        insert into control_plane.backups (project_id, type, created_at, source)
        select 'p', 'database', now() - number * interval '1 second', jsonb_build_object('comment', repeat('x', 256 * 1024))
          from generate_series(1, 100) number`.execute(database.kysely)
      const { backups, hasMore } = await pageBackups(database, { limit: 500 })
      expect({ hasMore, count: backups.length }).toEqual({ hasMore: true, count: 16 })
      const all = await walk(database, {}, 500)
      expect(new Set(all.map(({ id }) => id)).size).toBe(100)
      expect(all).toHaveLength(100)
    })

    test('lists leave out hashes of contents, which may be many, and a backup by itself has them', async () => {
      const source = { kind: 'postgres', contents: { tables: 1, hashes: { tables: [] } } }
      await sql`insert into control_plane.projects (id) values ('p')`.execute(database.kysely)
      await sql`
        insert into control_plane.backups (project_id, type, created_at, source, tags)
        values ('p', 'database', now(), ${JSON.stringify(source)}, array['a', 'b']), ('p', 'logs', now(), null, '{}')`.execute(
        database.kysely,
      )
      const listed = { kind: 'postgres', contents: { tables: 1 } }
      const { backups } = await pageBackups(database, { limit: 5, type: 'database' })
      const { data } = await queryBackups(database, { type: 'database' })
      expect([...backups, ...data].map(backup => backup.source)).toEqual([listed, listed])
      expect(await getBackupDetails(database, String(data[0]?.id))).toMatchObject({ ...data[0], source })
      expect((await queryBackups(database, { type: 'logs' })).data[0]?.source).toBeNull()
    })

    test.each<BackupPageFilter>([
      { limit: 0 },
      { limit: 1.5 },
      { limit: 1, projectId: '../x' },
      { limit: 1, from: new Date(Number.NaN) },
      { limit: 1, after: { createdAt: new Date(), id: "' or true" } },
    ])('page %j is refused', async filter => {
      await expect(pageBackups(database, filter)).rejects.toMatchObject({ code: 'INVALID' })
    })

    test('one of tomorrow, by a clock that was ahead, is not the newest, and none took less than no time', async () => {
      const made = { project_id: 'p', type: 'logs' as const, file_id: 'f' }
      const at = (minutes: number) => new Date(Date.now() + minutes * 60_000)
      const real = await createBackup(database, { ...made, size: 1, created_at: at(2) })
      await createBackup(database, { ...made, size: 2, created_at: at(24 * 60) })
      expect(await sourceFacts(database)).toMatchObject([
        { complete_count: 2, last_complete: { backup_id: real.id, duration_ms: 0 }, recent_sizes: [1] },
      ])
    })

    test('a source with a schedule and no backup has facts, one whose backups are all erased has none', async () => {
      await fill(database)
      await sql`update control_plane.backups set state = 'erased' where state <> 'failed'`.execute(
        database.kysely,
      )
      await sql`delete from control_plane.backups where state = 'failed'`.execute(database.kysely)
      const plan = { cron: '0 3 * * *', timezone: 'UTC', nextRunAt: null }
      const off = { ...plan, enabled: false, projectId: 'q', type: 'logs' as const }
      await createSchedule(database, { ...plan, source: 'shop', projectId: 'q', type: 'database' })
      await createSchedule(database, { ...off, source: 'shop' })
      const nothing = { complete_count: 0, complete_size: 0, last_complete: null, recent_sizes: [] }
      expect(await sourceFacts(database)).toEqual([
        expect.objectContaining({
          ...nothing,
          source_name: 'shop',
          type: 'database',
          is_scheduled: true,
          scheduled_since: expect.any(Date),
        }),
        expect.objectContaining({ ...nothing, type: 'logs', is_scheduled: false, scheduled_since: null }),
      ])
    })

    test('jobs are counted by kind and state, and who waits longest is known', async () => {
      expect(await queueFacts(database)).toEqual({
        jobs: [],
        waiting: [],
        backups: { sending: 0, complete: 0, failed: 0, erasing: 0, erased: 0 },
        erase_failures: 0,
        notices: [],
      })
      await announce(database, { channels: ['webhook'], notice: {} })
      const waiting_notices = [{ channel: 'webhook', count: 1, oldest_ms: expect.any(Number) }]
      expect(await queueFacts(database)).toMatchObject({ notices: waiting_notices })
      await sql`
        insert into control_plane.jobs (kind, state, created_at, run_after) values
          ('backup', 'queued', now() - interval '2 hours', now() - interval '2 hours'),
          ('backup', 'queued', now() - interval '3 hours', now() - interval '1 hour'),
          ('backup', 'queued', now() - interval '9 hours', now() + interval '1 hour'),
          ('verify', 'queued', now(), now() + interval '1 hour'),
          ('restore', 'running', now() - interval '1 day', now()), ('restore', 'done', now(), now())
      `.execute(database.kysely)
      const { jobs, waiting } = await queueFacts(database)
      expect(jobs).toEqual([
        { kind: 'backup', state: 'queued', count: 3 },
        { kind: 'restore', state: 'done', count: 1 },
        { kind: 'restore', state: 'running', count: 1 },
        { kind: 'verify', state: 'queued', count: 1 },
      ])
      expect(waiting).toEqual([{ kind: 'backup', oldest_ms: expect.any(Number) }])
      // The clock of the machine may have been set back by a moment.
      expect(waiting[0]?.oldest_ms).toBeGreaterThan(7_190_000)
      expect(waiting[0]?.oldest_ms).toBeLessThan(7_300_000)
    })

    test('messages that could not be erased are counted, those that are gone and those of other backups are not', async () => {
      await fill(database)
      await sql`
        insert into control_plane.backup_parts (backup_id, chat_id, kind, part_no, message_id, file_id, file_name, size, sha256, state, error)
        select id, '1', 'part', number, number, 'f', 'f', 1, repeat('a', 64),
               case number when 1 then 'erased' else 'sent' end, case number when 2 then null else 'message can''t be deleted' end
          from control_plane.backups, generate_series(1, 4) number where state in ('complete', 'failed')
      `.execute(database.kysely)
      expect(await queueFacts(database)).toMatchObject({ erase_failures: 0, backups: { failed: 1000 } })
      await sql`
        update control_plane.backups set state = 'erasing' where id in
          (select id from control_plane.backups where state = 'complete' order by created_at limit 5)
      `.execute(database.kysely)
      expect(await queueFacts(database)).toMatchObject({ erase_failures: 10, backups: { erasing: 5 } })
    })
  })
}
