import { sql } from 'kysely'
import { catalogClock } from '#clock.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'

/** A notice about a backup: it will be erased, or a person must confirm that first. */
export interface RetentionNotice {
  backup_id: string
  kind: 'erase' | 'word'
  /** When the notice was sent; for a waiting one, when it was queued. */
  told_at: Date
  /** Its notice is not sent yet. */
  is_waiting: boolean
}

/** All current notices, and the time by the database's clock. */
export async function listRetentionNotices(
  database: Database,
): Promise<{ now: Date; notices: RetentionNotice[] }> {
  const now = await catalogClock(database)
  const { rows: notices } = await sql<RetentionNotice>`
    select backup_id, kind, told_at,
           exists (select from control_plane.notices where notices.id = notice_id) as is_waiting
      from control_plane.retention_notices
  `.execute(database.kysely)
  return { now, notices }
}

/**
 * Records the notices in `good`, new ones with `noticeId` (null when no notice waits). Others are forgotten,
 * so that they will be sent again.
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
    // In one statement: a shortened policy may bring thousands.
    await sql`
      insert into control_plane.retention_notices (backup_id, kind, notice_id)
      select *, ${noticeId}::bigint
        from unnest(${good.map(({ backup_id }) => backup_id)}::uuid[], ${good.map(({ kind }) => kind)}::text[])
      on conflict do nothing
    `.execute(trx)
  })
}
