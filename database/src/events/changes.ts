import { type Kysely, sql } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'
import type { Change, ChangePage, EventKind } from '#events/types.event.ts'
import { alertsByIds } from '#monitoring/alerts.ts'
import { jobOf } from '#queue/job-rows.ts'
import { inSnapshot } from '#snapshot.ts'

/** Changes of one page. */
const PAGE = 100
/**
 * The owner of a database decides how long the record of its source is; a page ends early after long ones.
 */
const MOST_BYTES_OF_RECORDS = 256 * 1024

/**
 * The changes after a position, which an earlier page gave as `through`; none without a position, which means
 * "from now on". A page with `isReset` for a position that is not of this catalog, that it has not reached,
 * or whose changes are forgotten: they are kept for a day, or until 50,000 objects have changed since. `work`
 * gets the page and the catalog as it was when the page was read.
 */
export async function readChanges<Result>(
  database: Database,
  after: string | undefined,
  work: (page: ChangePage, snapshot: Database) => Promise<Result>,
): Promise<Result> {
  return await inSnapshot(database, async snapshot => work(await pageAfter(snapshot, after), snapshot))
}

async function pageAfter(database: Database, after: string | undefined): Promise<ChangePage> {
  const { kysely } = database
  const bounds = await readBounds(kysely)
  const at = (number: number): string => `${bounds.prefix}-${number}`
  const nothing = { through: at(bounds.newest), hasMore: false, changes: [] }
  if (after === undefined) return { ...nothing, isReset: false }
  const [, prefix, digits] = /^([0-9a-f]{8}\.\d{1,9})-(\d{1,15})$/.exec(after) ?? []
  const from = Number(digits)
  const isKnown = prefix === bounds.prefix && from >= bounds.pruned && from <= bounds.newest
  if (!isKnown) return { ...nothing, isReset: true }
  const { rows, hasMore } = await rowsAfter(kysely, from)
  const last = rows.at(-1)
  return {
    isReset: false,
    through: last !== undefined && hasMore ? at(last.number) : at(bounds.newest),
    hasMore,
    changes: await withThings(kysely, rows, at),
  }
}

/**
 * `prefix` names the catalog and its generation: a catalog that was rebuilt counts anew. `newest`: the newest
 * number that can be seen; all smaller ones can be seen, too.
 */
async function readBounds(
  kysely: Kysely<CatalogSchema>,
): Promise<{ prefix: string; newest: number; pruned: number }> {
  const { rows } = await sql<{ prefix: string; newest: number; pruned: number }>`
    with bounds as (
      select coalesce((select pg_catalog.max(number) from control_plane.events), 0) as newest,
             coalesce((select pg_catalog.max(pruned_through) from control_plane.event_order), 0) as pruned)
    select pg_catalog.left(id::text, 8) || '.' || generation as prefix, greatest(newest, pruned) as newest, pruned
      from control_plane.catalog, bounds
  `.execute(kysely)
  return rows[0] ?? { prefix: '', newest: 0, pruned: 0 }
}

interface EventRow {
  number: number
  kind: EventKind
  object: string
  project_id: string | null
}

async function rowsAfter(
  kysely: Kysely<CatalogSchema>,
  from: number,
): Promise<{ rows: EventRow[]; hasMore: boolean }> {
  const { rows } = await sql<EventRow & { listed: number }>`
    with page as materialized (
      select number, kind, object, project_id, case kind when 'backup' then object::uuid end as backup_id
        from control_plane.events where number > ${from} order by number limit ${PAGE + 1}),
    sized as (
      select page.*, pg_catalog.count(*) over () as listed,
             pg_catalog.sum(coalesce(pg_catalog.octet_length(source::text), 0))
               over (order by number rows between unbounded preceding and 1 preceding) as bytes_before
        from page left join control_plane.backups on backups.id = page.backup_id)
    select number, kind, object, project_id, listed from sized
     where coalesce(bytes_before, 0) < ${MOST_BYTES_OF_RECORDS} order by number limit ${PAGE}
  `.execute(kysely)
  return { rows, hasMore: rows.length < (rows[0]?.listed ?? 0) }
}

/** Adds the objects, with one query for each kind. */
async function withThings(
  kysely: Kysely<CatalogSchema>,
  rows: readonly EventRow[],
  at: (number: number) => string,
): Promise<Change[]> {
  const idsOf = (kind: EventKind): string[] =>
    rows.filter(row => row.kind === kind).map(({ object }) => object)
  const backups = await read(idsOf('backup'), ids =>
    kysely.selectFrom('backups').selectAll().where('id', 'in', ids).execute(),
  )
  const jobs = await read(idsOf('job'), async ids => {
    const found = await kysely.selectFrom('jobs').selectAll().where('id', 'in', ids).execute()
    return found.map(jobOf)
  })
  const schedules = await read(idsOf('schedule'), ids =>
    kysely.selectFrom('schedules').selectAll().where('id', 'in', ids).execute(),
  )
  const alerts = await read(idsOf('alert'), ids => alertsByIds({ kysely }, ids))
  return rows.map(({ kind, object, project_id, number }): Change => {
    const about = { position: at(number), object, project_id }
    if (kind === 'backup') return { ...about, kind, thing: backups.get(object) ?? null }
    if (kind === 'job') return { ...about, kind, thing: jobs.get(object) ?? null }
    if (kind === 'schedule') return { ...about, kind, thing: schedules.get(object) ?? null }
    return { ...about, kind, thing: alerts.get(object) ?? null }
  })
}

async function read<Thing extends { id: string }>(
  ids: readonly string[],
  query: (ids: readonly string[]) => Promise<Thing[]>,
): Promise<Map<string, Thing>> {
  const things = ids.length === 0 ? [] : await query(ids)
  return new Map(things.map(thing => [thing.id, thing]))
}
