import { sql } from 'kysely'
import { addToAudit } from '#audit/audit.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkCount, isUuid } from '#input-checks.ts'
import type { Alert, RecordedAlert } from '#monitoring/types.alert.ts'

/** The fields of an {@link Alert}. */
const ALERT_COLUMNS: readonly (keyof Alert)[] = [
  'id',
  'key',
  'kind',
  'details',
  'since',
  'seen_at',
  'told_at',
  'muted_until',
  'muted_by',
]

/** All open alerts, oldest first. */
export async function openAlerts(database: Database): Promise<Alert[]> {
  return await database.kysely
    .selectFrom('alerts')
    .select(ALERT_COLUMNS)
    .orderBy('since')
    .orderBy('key')
    .execute()
}

export interface AlertFilter {
  state: 'open' | 'ended' | 'all'
  /** Only alerts of this project; those of none are left out. */
  projectId?: string | undefined
  /** Only alerts that come after this one in the list; `createdAt` is its beginning. */
  after?: { createdAt: Date; id: string } | undefined
  /** At most so many. */
  limit: number
}

const COLUMNS = sql`id, key, kind, details, since, seen_at, told_at, muted_until, muted_by`
const ALL_ALERTS = sql`(
  select ${COLUMNS}, null::timestamptz as ended_at from control_plane.alerts
   union all
  select ${COLUMNS}, ended_at from control_plane.ended_alerts)`

/** Alerts, the newest beginning first; ended ones are kept for 400 days. */
export async function listAlerts({ kysely }: Database, filter: AlertFilter): Promise<RecordedAlert[]> {
  checkCount('limit', filter.limit, 1)
  const { state, projectId, after, limit } = filter
  const { rows } = await sql<RecordedAlert>`
    select * from ${ALL_ALERTS} alert
     where ${state === 'all' ? sql`true` : sql`(ended_at is null) = ${state === 'open'}`}
       and ${projectId === undefined ? sql`true` : sql`details ->> 'project' = ${projectId}`}
       and ${after === undefined ? sql`true` : sql`(since, id) < (${after.createdAt}, ${after.id}::uuid)`}
     order by since desc, id desc limit ${limit}
  `.execute(kysely)
  return rows
}

/** Those of these alerts that there are, also ended ones. */
export async function alertsByIds(
  { kysely }: Pick<Database, 'kysely'>,
  ids: readonly string[],
): Promise<RecordedAlert[]> {
  const { rows } = await sql<RecordedAlert>`
    select * from ${ALL_ALERTS} alert where id = any(${ids.filter(isUuid)}::uuid[])`.execute(kysely)
  return rows
}

/** One alert, also an ended one; null for an unknown id or one that is no UUID. */
export async function getAlert({ kysely }: Database, id: string): Promise<RecordedAlert | null> {
  if (!isUuid(id)) return null
  const { rows } = await sql<RecordedAlert>`
    select * from ${ALL_ALERTS} alert where id = ${id}::uuid limit 1`.execute(kysely)
  return rows[0] ?? null
}

/**
 * Holds back the notices of an open alert for so many minutes; 0 ends that. Null for an unknown id and for
 * an alert that has ended. CatalogError INVALID.
 */
export async function muteAlert(
  database: Database,
  { id, minutes }: { id: string; minutes: number },
): Promise<RecordedAlert | null> {
  checkCount('number of minutes', minutes)
  if (!isUuid(id)) return null
  const { actor } = database
  return await inTransaction(database.kysely, async trx => {
    const row = await trx
      .updateTable('alerts')
      .set(
        minutes === 0
          ? { muted_until: null, muted_by: null }
          : {
              muted_until: sql<Date>`clock_timestamp() + ${minutes} * interval '1 minute'`,
              muted_by: actor,
            },
      )
      .where('id', '=', id)
      .returning(ALERT_COLUMNS)
      .executeTakeFirst()
    if (row === undefined) return null
    const { project } = row.details
    const projectId = typeof project === 'string' ? project : null
    const details = minutes === 0 ? { alert: row.key } : { alert: row.key, minutes }
    const act = minutes === 0 ? 'alert.unmute' : 'alert.mute'
    await addToAudit(trx, { actor, act, object: row.id, projectId, details })
    return { ...row, ended_at: null }
  })
}

/** Deletes alerts that ended more than 400 days ago, at most `limit` at a time, and returns their number. */
export async function pruneEndedAlerts({ kysely }: Database, { limit }: { limit: number }): Promise<number> {
  checkCount('limit', limit, 1)
  const { numAffectedRows } = await sql`
    with old as materialized (
      select id from control_plane.ended_alerts
       where ended_at < clock_timestamp() - interval '400 days' order by ended_at limit ${limit})
    delete from control_plane.ended_alerts using old where ended_alerts.id = old.id
  `.execute(kysely)
  return Number(numAffectedRows ?? 0)
}
