import { type Expression, type RawBuilder, type SelectQueryBuilder, sql } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'
import {
  checkCount,
  checkedTag,
  checkPage,
  checkProjectId,
  checkState,
  checkTime,
  checkType,
  checkUuid,
  storable,
} from '#input-checks.ts'
import type { Backup, BackupState, BackupType } from '#jobs/types.backup.ts'

/** All that match, or one page of them: `limit` backups after the first `offset`. */
interface Page {
  limit?: number
  offset?: number
}

/** One page of backups, newest first, and how many there are on all pages. */
export interface BackupPage {
  data: Backup[]
  total: number
}

/** What to look for; an absent field matches everything. */
export interface BackupFilter extends Page, Matching {}

interface Matching {
  projectId?: string | undefined
  type?: BackupType | undefined
  state?: BackupState | undefined
  /** Whether erased ones match; true if `state` is given. Default: true. */
  isErasedWanted?: boolean | undefined
  sourceName?: string | undefined
  tag?: string | undefined
  /** Made at this time or later. */
  from?: Date | undefined
  /** Made at this time or earlier. */
  to?: Date | undefined
}

/**
 * Backups of all projects, newest first. CatalogError INVALID for a limit or offset that is not a whole
 * number from 0, an unknown type or state, a bad tag, or a bad project id.
 */
export async function queryBackups(database: Database, filter: BackupFilter = {}): Promise<BackupPage> {
  checkPage(filter)
  return await newestFirst(database, matching(database.kysely.selectFrom('backups'), filter), filter)
}

/** Backups of one project. CatalogError INVALID as for `queryBackups`. */
export async function queryByProject(
  database: Database,
  projectId: string,
  filter: Omit<BackupFilter, 'projectId'> = {},
): Promise<BackupPage> {
  return await queryBackups(database, { ...filter, projectId })
}

/** Backups of one type created from `from` to `to`, both included, newest first. */
export async function queryByTypeAndDateRange(
  database: Database,
  type: BackupType,
  from: Date,
  to: Date,
  { projectId, ...page }: Omit<BackupFilter, 'type' | 'state'> = {},
): Promise<BackupPage> {
  checkPage(page)
  checkType(type)
  checkTime('from', from)
  checkTime('to', to)
  return await newestFirst(
    database,
    matching(database.kysely.selectFrom('backups'), { projectId, type, from, to }),
    page,
  )
}

/** Which backups a page is cut from; an absent field matches everything. */
export interface BackupPageFilter extends Matching {
  /** At most so many, 1 or more. */
  limit: number
  /** Only those that come after this one in the list, whether it is still there or not. */
  after?: { createdAt: Date; id: string } | undefined
}

/**
 * The owner of a database decides how long the record of its source is; hundreds of long ones would fill the
 * memory.
 */
const MOST_BYTES_OF_RECORDS = 4 * 1024 * 1024

/**
 * One page of backups, newest first (of the same millisecond: greatest id first), and whether more follow.
 * Each page costs the same, and changes meanwhile neither repeat nor hide a backup. The page ends early after
 * the backup with which the records exceed 4 MiB. Hashes of contents are not in these records.
 * CatalogError INVALID for a bad value.
 */
export async function pageBackups(
  database: Database,
  filter: BackupPageFilter,
): Promise<{ backups: Backup[]; hasMore: boolean }> {
  const { limit, after } = filter
  checkCount('limit', limit, 1)
  let query = matching(database.kysely.selectFrom('backups').select(sql`backups`.as('whole')), filter)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    // One more row shows whether there is a next page.
    .limit(limit + 1)
  if (after !== undefined) {
    checkTime('time to go on from', after.createdAt)
    checkUuid('id to go on from', after.id)
    query = query.where(sql<boolean>`(created_at, id) < (${after.createdAt}, ${after.id}::uuid)`)
  }
  const sized = database.kysely
    .selectFrom(withoutHashes(query).as('listed'))
    .selectAll()
    .select([
      sql<number>`count(*) over ()`.as('listed'),
      sql<number>`coalesce(sum(coalesce(octet_length(source::text), 0) + coalesce(octet_length(error), 0))
        over (order by created_at desc, id desc rows between unbounded preceding and 1 preceding), 0)`.as(
        'bytes_before',
      ),
    ])
  const rows = await database.kysely
    .selectFrom(sized.as('sized'))
    .selectAll()
    .where('bytes_before', '<', MOST_BYTES_OF_RECORDS)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .execute()
  const backups = rows.slice(0, limit).map(({ listed: _, bytes_before: __, ...backup }) => backup)
  return { backups, hasMore: backups.length < (rows[0]?.listed ?? 0) }
}

/** All columns of the rows in `whole`; of the record of a database, without what only a drill reads. */
function withoutHashes(rows: Expression<{ whole: unknown }>): RawBuilder<Backup> {
  return sql<Backup>`(select lean.* from ${rows} as page, lateral jsonb_populate_record(
    page.whole, jsonb_build_object('source', (page.whole).source #- '{contents,hashes}')) as lean)`
}

function matching<Row>(
  backups: SelectQueryBuilder<CatalogSchema, 'backups', Row>,
  { projectId, type, state, isErasedWanted = true, sourceName, tag, from, to }: Matching,
): SelectQueryBuilder<CatalogSchema, 'backups', Row> {
  if (projectId !== undefined) checkProjectId(projectId)
  if (type !== undefined) checkType(type)
  if (state !== undefined) checkState(state)
  if (from !== undefined) checkTime('from', from)
  if (to !== undefined) checkTime('to', to)
  let query = backups
  if (projectId !== undefined) query = query.where('project_id', '=', projectId)
  if (type !== undefined) query = query.where('type', '=', type)
  if (state !== undefined) query = query.where('state', '=', state)
  else if (!isErasedWanted) query = query.where('state', '<>', 'erased')
  if (sourceName !== undefined) query = query.where('source_name', '=', storable(sourceName))
  if (tag !== undefined) query = query.where(sql<boolean>`tags @> array[${checkedTag(tag)}]`)
  if (from !== undefined) query = query.where('created_at', '>=', from)
  if (to !== undefined) query = query.where('created_at', '<=', to)
  return query
}

async function newestFirst(
  database: Database,
  found: SelectQueryBuilder<CatalogSchema, 'backups', object>,
  page: Page,
): Promise<BackupPage> {
  let query = found.select(sql`backups`.as('whole')).orderBy('created_at', 'desc').orderBy('id')
  if (page.limit !== undefined) query = query.limit(page.limit)
  if (page.offset !== undefined) query = query.offset(page.offset)
  const data = await database.kysely
    .selectFrom(withoutHashes(query).as('listed'))
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .execute()
  const { total } = await found
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow()
  return { data, total }
}
