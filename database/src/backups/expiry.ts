import { type RawBuilder, sql } from 'kysely'
import { oneEraserAtATime } from '#backups/records.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkTime } from '#input-checks.ts'

/**
 * Marks complete backups as to be erased whose `expires_at` has come, of one project or of all, and returns how many: those about
 * which nothing else decides. What is pinned is left alone, and so is all that has a policy or a schedule:
 * whoever plans retention decides about it, and calls `markExpired`. For whoever has the catalog alone: a time that has come is
 * all that it goes by, also where backups that came regularly have stopped, or a clock was wrong. `deleteExpiredBackups` of
 * `@telegram-backup/api-gateway/backups` holds those back, and none of these programs calls this one. The newest complete backup of a
 * project and type that is not known to be damaged always stays (the newest damaged one, if there is no other).
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
 * Marks complete backups as to be erased that a plan no longer keeps, and returns how many. What was pinned meanwhile, and the last
 * good one of a project and type, stays.
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
          partition by project_id, type
          order by (damaged_at is null) desc, created_at desc, id desc
        ) as place
        from control_plane.backups
        where state = 'complete'
      ), expired as (
        update control_plane.backups backup set state = 'erasing'
        where state = 'complete' and pinned_at is null and id in (select id from ranked where place > 1) and ${which}
        returning id
      )
      insert into control_plane.backup_history (backup_id, event, details, actor)
      select id, 'erasing', '{"reason": "expired"}', ${database.actor} from expired
    `.execute(trx)
    return Number(numAffectedRows ?? 0)
  })
}
