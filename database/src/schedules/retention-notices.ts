import { sql } from 'kysely'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'

/** What was told about a backup: that it is to go, or that a person's word is wanted before it goes. */
export interface RetentionNotice {
  backup_id: string
  kind: 'erase' | 'word'
  /** When somebody was told; of one that waits, when it was handed in. */
  told_at: Date
  /** Its notice waits still to be told. */
  is_waiting: boolean
}

/** All notices that are still good, and what time it is by the database's clock. */
export async function listRetentionNotices(
  database: Database,
): Promise<{ now: Date; notices: RetentionNotice[] }> {
  const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(database.kysely)
  const { rows: notices } = await sql<RetentionNotice>`
    select backup_id, kind, told_at,
           exists (select from control_plane.notices where notices.id = notice_id) as is_waiting
      from control_plane.retention_notices
  `.execute(database.kysely)
  return { now: rows[0]?.now ?? new Date(), notices }
}

/**
 * Remembers what was told, of what is new by that notice (null: by none that could wait); a notice that is not among `good` any more is forgotten, so that it will be told anew.
 */
export async function rememberRetentionNotices(
  database: Database,
  good: readonly Pick<RetentionNotice, 'backup_id' | 'kind'>[],
  noticeId: number | null,
): Promise<void> {
  const keys = good.map(({ backup_id, kind }) => `${backup_id} ${kind}`)
  await inTransaction(database.kysely, async trx => {
    await trx
      .deleteFrom('retention_notices')
      .where(sql<boolean>`not (backup_id::text || ' ' || kind) = any(${keys}::text[])`)
      .execute()
    // In one statement: on the day on which a policy is shortened there are thousands.
    await sql`
      insert into control_plane.retention_notices (backup_id, kind, notice_id)
      select *, ${noticeId}::bigint
        from unnest(${good.map(({ backup_id }) => backup_id)}::uuid[], ${good.map(({ kind }) => kind)}::text[])
      on conflict do nothing
    `.execute(trx)
  })
}
