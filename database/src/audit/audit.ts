import { type Kysely, sql } from 'kysely'
import type { AuditEntry, NewAuditEntry } from '#audit/types.audit.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'
import { checkCount, checkTime, storable, storableJson } from '#input-checks.ts'

/**
 * Writes who did what. To be called in the transaction of the act, so that no act is without its row. The
 * project of an act on a backup is the backup's.
 */
export async function addToAudit(kysely: Kysely<CatalogSchema>, entry: NewAuditEntry): Promise<void> {
  const { object, project } =
    'backupId' in entry
      ? {
          object: entry.backupId.toLowerCase(),
          project: sql`(select project_id from control_plane.backups where id = ${entry.backupId}::uuid)`,
        }
      : { object: entry.object, project: sql`${entry.projectId}::text` }
  const details = storableJson(entry.details ?? {})
  await sql`
    insert into control_plane.audit (actor, act, object, project_id, details)
    values (${storable(entry.actor)}, ${entry.act}, ${storable(object)}, ${project}, ${details}::jsonb)
  `.execute(kysely)
}

/** Which acts; an absent field matches everything. */
export interface AuditFilter {
  projectId?: string | undefined
  act?: string | undefined
  object?: string | undefined
  actor?: string | undefined
  /** From this time on. */
  from?: Date | undefined
  /** Before this time. */
  to?: Date | undefined
  /** Only acts that come after the one of this id in the list. */
  after?: number | undefined
  /** At most so many. */
  limit: number
}

/** Acts, newest first. CatalogError INVALID. */
export async function listAudit({ kysely }: Database, filter: AuditFilter): Promise<AuditEntry[]> {
  checkCount('limit', filter.limit, 1)
  if (filter.from !== undefined) checkTime('time', filter.from)
  if (filter.to !== undefined) checkTime('time', filter.to)
  let query = kysely.selectFrom('audit').selectAll().orderBy('id', 'desc').limit(filter.limit)
  if (filter.projectId !== undefined) query = query.where('project_id', '=', filter.projectId)
  if (filter.act !== undefined) query = query.where('act', '=', filter.act)
  if (filter.object !== undefined) query = query.where('object', '=', filter.object)
  if (filter.actor !== undefined) query = query.where('actor', '=', filter.actor)
  if (filter.from !== undefined) query = query.where('at', '>=', filter.from)
  if (filter.to !== undefined) query = query.where('at', '<', filter.to)
  if (filter.after !== undefined) query = query.where('id', '<', filter.after)
  return await query.execute()
}

/** How long an act is kept; a trigger of the table refuses to delete it earlier. */
const KEPT = sql`interval '400 days'`

/** Deletes acts older than 400 days, at most `limit` at a time, and returns their number. */
export async function pruneAudit({ kysely }: Database, { limit }: { limit: number }): Promise<number> {
  checkCount('limit', limit, 1)
  const { numAffectedRows } = await sql`
    with old as materialized (
      select id from control_plane.audit where at < clock_timestamp() - ${KEPT} order by at limit ${limit})
    delete from control_plane.audit using old where audit.id = old.id
  `.execute(kysely)
  return Number(numAffectedRows ?? 0)
}
