import type { Selectable } from 'kysely'
import { sql } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import { movedChats } from '#chats/chats.ts'
import type { Database } from '#database.ts'
import type { Backup, Restore } from '#jobs/types.backup.ts'
import type { LeasePurpose } from '#leases/holder.ts'
import { describeHolder, isAbandoned } from '#leases/lease-rows.ts'

/** Whether a process works on it. A run that is not alive is abandoned. */
export interface Attendance {
  /** Its lease has not expired, and the holder of the lease is not known to be gone. */
  alive: boolean
  /** By the clock of the database; null when there is no lease. */
  leaseExpiresAt: Date | null
}

/** All unfinished work, living and abandoned, for reconcile. Each list is oldest first. */
export interface UnfinishedWork {
  sending: (Backup & Attendance)[]
  erasing: (Backup & Attendance)[]
  /** Failed backups with messages that are still in a chat and can be removed. */
  failedWithMessages: (Backup & Attendance)[]
  /** Restores that have not ended. */
  restores: (Restore & Attendance)[]
  /** The number of calls that may have made a message of unknown id. */
  openSends: number
  leases: LeaseFacts[]
}

export interface LeaseFacts {
  subject: string
  purpose: LeasePurpose
  holder: string
  alive: boolean
  expiresAt: Date
}

export async function unfinishedWork(database: Database): Promise<UnfinishedWork> {
  const { kysely } = database
  const leases = await kysely
    .selectFrom('leases')
    .selectAll()
    .select(sql<boolean>`expires_at <= clock_timestamp()`.as('expired'))
    .orderBy('taken_at')
    .execute()
  const facts = leases.map(factsOf)
  const bySubject = new Map(facts.map(lease => [lease.subject, lease]))
  const attended = <Row extends { id: string }>(row: Row): Row & Attendance => {
    const lease = bySubject.get(row.id)
    return { ...row, alive: lease?.alive ?? false, leaseExpiresAt: lease?.expiresAt ?? null }
  }
  const open = kysely.selectFrom('backups').selectAll().orderBy('created_at').orderBy('id')
  const sending = await open.where('state', '=', 'sending').execute()
  const erasing = await open.where('state', '=', 'erasing').execute()
  const failed = await open
    .where('state', '=', 'failed')
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('backup_parts')
          .select('part_no')
          .whereRef('backup_parts.backup_id', '=', 'backups.id')
          .where('backup_parts.message_id', 'is not', null)
          .where('backup_parts.state', 'in', ['sent', 'damaged'])
          .where('backup_parts.chat_id', 'not in', movedChats(kysely)),
      ),
    )
    .execute()
  const restores = await kysely
    .selectFrom('restores')
    .selectAll()
    .where('state', '=', 'running')
    .orderBy('started_at')
    .orderBy('id')
    .execute()
  const { count } = await kysely
    .selectFrom('open_sends')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return {
    sending: sending.map(attended),
    erasing: erasing.map(attended),
    failedWithMessages: failed.map(attended),
    restores: restores.map(attended),
    openSends: count,
    leases: facts,
  }
}

/**
 * Whether there is unfinished work other than calls that belong to no backup and no pack. Every start asks,
 * so it is one query. The lease of a writer of packs that has not expired is no sign of it: a service has one
 * all the time.
 */
export async function hasUnfinishedWork({ kysely }: Database): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    select exists (select from control_plane.leases where purpose <> 'objects' or expires_at <= clock_timestamp())
        or exists (select from control_plane.backups where state in ('sending', 'erasing'))
        or exists (select from control_plane.restores where state = 'running')
        or exists (select from control_plane.open_sends where backup_id is not null or pack_id is not null)
        or exists (select from control_plane.packs where state = 'intended')
        or exists (select from control_plane.object_uploads)
        or exists (select from control_plane.backups join control_plane.backup_parts part on part.backup_id = backups.id
                    where backups.state = 'failed' and part.message_id is not null and part.state in ('sent', 'damaged')
                      and part.chat_id not in (select chat_id from control_plane.chats where moved_to is not null))
        as found
  `.execute(kysely)
  return rows[0]?.found === true
}

function factsOf(lease: Selectable<CatalogSchema['leases']> & { expired: boolean }): LeaseFacts {
  return {
    subject: lease.subject,
    purpose: lease.purpose,
    holder: describeHolder(lease),
    alive: !lease.expired && !isAbandoned(lease),
    expiresAt: lease.expires_at,
  }
}
