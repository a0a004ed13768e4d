import { type RawBuilder, sql } from 'kysely'
import { SAME_THING } from '#backups/groups.ts'
import { oneEraserAtATime } from '#backups/records.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkTime } from '#input-checks.ts'

/**
 * Makes complete backups `erasing` whose `expires_at` has come, of one project or of all, and returns their
 * number. It leaves out pinned backups and those with a policy or a schedule: retention plans these and calls
 * `markExpired`. For callers with the catalog alone: only the time decides, even where regular backups have
 * stopped or a clock was wrong. `deleteExpiredBackups` of `@telegram-backup/api-gateway/backups` holds those
 * back. The newest complete backup of a project and type that is not damaged always stays, or the newest
 * damaged one if there is no other.
 */
export async function deleteExpiredBackups(
  database: Database,
  options: { projectId?: string; now?: Date } = {},
): Promise<number> {
  const { projectId, now = new Date() } = options
  checkTime('now', now)
  const ofKind = sql`other.project_id = backup.project_id and other.type = backup.type`
  return await mark(
    database,
    sql<boolean>`backup.expires_at <= ${now}
      and ${projectId === undefined ? sql`true` : sql`backup.project_id = ${projectId}`}
      and not exists (select from control_plane.schedules other
                       where ${ofKind} and other.source = backup.source_name)
      and not exists (select from control_plane.source_policies other
                       where ${ofKind} and other.source = backup.source_name)
      and not exists (select from control_plane.retention_policies other where ${ofKind})`,
  )
}

/**
 * Makes complete backups `erasing` that a plan no longer keeps, and returns their number. Backups that were
 * pinned since, and the last good one of a project and type, stay.
 */
export async function markExpired(database: Database, backupIds: readonly string[]): Promise<number> {
  if (backupIds.length === 0) return 0
  return await mark(database, sql<boolean>`backup.id = any(${backupIds}::uuid[])`)
}

async function mark(database: Database, which: RawBuilder<boolean>): Promise<number> {
  return await inTransaction(database.kysely, async trx => {
    await oneEraserAtATime(trx)
    const { numAffectedRows } = await sql`
      with ranked as (
        select id, row_number() over (
          partition by ${SAME_THING}
          order by (damaged_at is null) desc, created_at desc, id desc
        ) as place
        from control_plane.backups
        where state = 'complete'
      ), expired as (
        update control_plane.backups backup set state = 'erasing'
        where state = 'complete' and pinned_at is null and id in (select id from ranked where place > 1) and ${which}
        returning id, project_id
      ), noted as (
        insert into control_plane.audit (actor, act, object, project_id, details)
        select ${database.actor}, 'backup.erase', id::text, project_id, '{"reason": "expired"}' from expired
      )
      insert into control_plane.backup_history (backup_id, event, details, actor)
      select id, 'erasing', '{"reason": "expired"}', ${database.actor} from expired
    `.execute(trx)
    return Number(numAffectedRows ?? 0)
  })
}
