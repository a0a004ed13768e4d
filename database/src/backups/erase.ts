import { hint, option } from '@telegram-backup/errors'
import { sql, type Transaction } from 'kysely'
import { addToAudit } from '#audit/audit.ts'
import { IS_OF_THE_SAME } from '#backups/groups.ts'
import { lockBackup } from '#backups/ledger.ts'
import { refusePinned } from '#backups/pins.ts'
import { oneEraserAtATime, refuseStep } from '#backups/records.ts'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { movedChats } from '#chats/chats.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkUuid } from '#input-checks.ts'
import { addToHistory } from '#jobs/backup-history.ts'
import { endingLease, holdLease, type Lease, now } from '#leases/lease.ts'
import { claimLeaseOrRefuse, describeHolder, dropLease, guardWrite, isAbandoned } from '#leases/lease-rows.ts'
import { whenFree } from '#leases/lock-wait.ts'

/**
 * Makes a backup `erasing` and takes its lease, in one transaction. A backup that is `erasing` already only
 * gives its lease; `evenTheLast` then adds the approval. CatalogError LAST_BACKUP for the last good one of
 * its project and type unless `evenTheLast`, BUSY while a living process works on it or restores it (after
 * the time to wait), CONFLICT while it is being sent, pinned, or erased, NOT_FOUND.
 * @param mark.reason why, for the history
 */
export async function markErasing(
  database: Database,
  mark: { backupId: string; evenTheLast: boolean; reason?: string | undefined },
): Promise<Lease> {
  checkUuid('backup id', mark.backupId)
  return await whenFree(database, () => markNow(database, mark))
}

async function markNow(
  database: Database,
  mark: { backupId: string; evenTheLast: boolean; reason?: string | undefined },
): Promise<Lease> {
  const { backupId, evenTheLast, reason = 'erased by name' } = mark
  const since = now()
  const token = await inTransaction(database.kysely, async trx => {
    const { claimed, state } = await claimForErase(trx, { backupId, evenTheLast })
    if (state !== 'erasing') {
      await trx.updateTable('backups').set({ state: 'erasing' }).where('id', '=', backupId).execute()
    }
    if (state !== 'erasing' || evenTheLast) {
      const details = { reason, even_the_last: evenTheLast }
      const { actor } = database
      await addToHistory(trx, { backupId, event: 'erasing', actor, details })
      await addToAudit(trx, { actor, act: 'backup.erase', backupId, details })
    }
    return claimed
  })
  return holdLease(database, backupId, token, since)
}

async function claimForErase(
  trx: Transaction<CatalogSchema>,
  { backupId, evenTheLast }: { backupId: string; evenTheLast: boolean },
) {
  const claimed = await claimLeaseOrRefuse(trx, { subject: backupId, purpose: 'erase' })
  await oneEraserAtATime(trx)
  const state = await lockForErase(trx, backupId)
  if (state !== 'erasing') {
    if (state === 'complete' && !evenTheLast) await refuseTheLast(trx, backupId)
    await refuseBeingRestored(trx, backupId)
  }
  return { claimed, state }
}

const ROLLED_BACK = new Error('Only the checks were asked for')

/** Throws what `markErasing` would throw now, and changes nothing. */
export async function assertErasableNow(
  database: Database,
  of: { backupId: string; evenTheLast: boolean },
): Promise<void> {
  checkUuid('backup id', of.backupId)
  try {
    await inTransaction(database.kysely, async trx => {
      await claimForErase(trx, of)
      throw ROLLED_BACK
    })
  } catch (error) {
    if (error !== ROLLED_BACK) throw error
  }
}

/**
 * Throws what `markErasing` would throw, except BUSY, and changes nothing. For a caller that leaves the
 * erasing to a job; the answer may change until then.
 */
export async function assertErasable(
  database: Database,
  { backupId, evenTheLast }: { backupId: string; evenTheLast: boolean },
): Promise<void> {
  checkUuid('backup id', backupId)
  await inTransaction(database.kysely, async trx => {
    const state = await lockForErase(trx, backupId)
    if (state === 'erasing') return
    if (state === 'complete' && !evenTheLast) await refuseTheLast(trx, backupId)
  })
}

/** Its state; refuses a backup that may not become `erasing`. */
async function lockForErase(trx: Transaction<CatalogSchema>, backupId: string) {
  const { state } = await lockBackup(trx, backupId)
  if (state === 'erasing') return state
  refuseStep(state, 'erasing')
  await refusePinned(trx, backupId)
  return state
}

async function refuseTheLast(trx: Transaction<CatalogSchema>, backupId: string): Promise<void> {
  const { rows } = await sql<{ spare: boolean }>`
    select ${hasSpare} as spare from control_plane.backups backup where id = ${backupId}
  `.execute(trx)
  if (rows[0]?.spare) return
  throw new CatalogError('This is the last good backup of its project and type', {
    code: 'LAST_BACKUP',
    hint: hint`Make another one first, or ask with ${option('even-the-last')}.`,
  })
}

/** Another complete backup of the same thing that is known to be as good as `backup`. */
const hasSpare = sql<boolean>`exists (
  select from control_plane.backups other
   where other.id <> backup.id and ${IS_OF_THE_SAME}
     and other.state = 'complete' and (other.damaged_at is null or backup.damaged_at is not null))`

/**
 * Whether an `erasing` backup may be erased: it is not the last good one of its project and type, a person
 * approved that even the last may go, or one of its messages is already gone. False for any other backup.
 */
export async function mayErase(database: Database, backupId: string): Promise<boolean> {
  checkUuid('backup id', backupId)
  const { rows } = await sql<{ may: boolean }>`
    select backup.completed_at is null or ${hasSpare}
      or exists (select from control_plane.backup_parts
                  where backup_id = backup.id and state in ('erased', 'tombstone'))
      or exists (select from control_plane.backup_history
                  where backup_id = backup.id and event = 'erasing' and details @> '{"even_the_last": true}') as may
      from control_plane.backups backup where id = ${backupId} and state = 'erasing'
  `.execute(database.kysely)
  return rows[0]?.may ?? false
}

/** A restore reads the messages to the end. An abandoned restore does not count. */
async function refuseBeingRestored(trx: Transaction<CatalogSchema>, backupId: string): Promise<void> {
  const readers = await trx
    .selectFrom('leases')
    .innerJoin('restores', 'restores.id', 'leases.subject')
    .selectAll('leases')
    .where('restores.backup_id', '=', backupId)
    .where('restores.state', '=', 'running')
    .where(sql<boolean>`leases.expires_at > clock_timestamp()`)
    .execute()
  const reader = readers.find(lease => !isAbandoned(lease))
  if (reader === undefined) return
  throw new CatalogError(`The backup is being restored: ${describeHolder(reader)}`, {
    code: 'BUSY',
    hint: 'Wait until that restore has ended.',
  })
}

/** Whether messages of a backup may be gone although their rows do not say so yet. */
export async function hasBegunErasing({ kysely }: Database, backupId: string): Promise<boolean> {
  const begun = await kysely
    .selectFrom('backup_history')
    .select('id')
    .where('backup_id', '=', backupId)
    .where('event', '=', BEGUN)
    .limit(1)
    .executeTakeFirst()
  return begun !== undefined
}

const BEGUN = 'erasing_begun'

/**
 * To be called before the first message is erased. May be repeated. CatalogError LEASE_LOST, BUSY during a
 * restore.
 */
export async function beginErasing(
  database: Database,
  { backupId, leaseToken }: { backupId: string; leaseToken: string },
): Promise<void> {
  checkUuid('backup id', backupId)
  await inTransaction(database.kysely, async trx => {
    await guardWrite(trx, backupId, leaseToken)
    if (await hasBegunErasing({ ...database, kysely: trx }, backupId)) return
    await refuseBeingRestored(trx, backupId)
    await addToHistory(trx, { backupId, event: BEGUN, actor: database.actor })
  })
}

/**
 * Makes a backup `erased` and ends its lease. CatalogError CONFLICT when one of its messages is neither
 * erased nor replaced, or the backup is not `erasing`, NOT_FOUND, LEASE_LOST. Messages from before a group
 * became a supergroup can never be erased and do not count.
 */
export async function finishErase(
  database: Database,
  erased: { backupId: string; leaseToken?: string | undefined },
): Promise<void> {
  const { backupId, leaseToken } = erased
  checkUuid('backup id', backupId)
  await endingLease(leaseToken, () =>
    inTransaction(database.kysely, async trx => {
      await guardWrite(trx, backupId, leaseToken, { ending: true })
      refuseStep((await lockBackup(trx, backupId)).state, 'erased')
      const { left } = await trx
        .selectFrom('backup_parts')
        .select(({ fn }) => fn.countAll<number>().as('left'))
        .where('backup_id', '=', backupId)
        .where('message_id', 'is not', null)
        .where('state', 'not in', ['erased', 'tombstone'])
        .where('chat_id', 'not in', movedChats(trx))
        .executeTakeFirstOrThrow()
      if (left > 0)
        throw new CatalogError(`${left} messages of the backup are still in the chat`, { code: 'CONFLICT' })
      await trx.updateTable('backups').set({ state: 'erased' }).where('id', '=', backupId).execute()
      await addToHistory(trx, { backupId, event: 'erased', actor: database.actor })
      if (leaseToken !== undefined) await dropLease(trx, backupId, leaseToken)
    }),
  )
}

/**
 * Another machine erased a complete backup in this chat. Its rows for the chat become `erased`, and so does
 * the backup, unless another chat still has it: then it is damaged until it is repaired from there.
 */
export async function noteErasedElsewhere(
  database: Database,
  { backupId, chatId }: { backupId: string; chatId: string },
): Promise<void> {
  checkUuid('backup id', backupId)
  await inTransaction(database.kysely, async trx => {
    await guardWrite(trx, backupId, undefined)
    await trx
      .updateTable('backup_parts')
      .set({ state: 'erased', erased_at: sql<Date>`now()` })
      .where('backup_id', '=', backupId)
      .where('chat_id', '=', chatId)
      .execute()
    const elsewhere = await trx
      .selectFrom('backup_parts')
      .select('part_no')
      .where('backup_id', '=', backupId)
      .where('state', '=', 'sent')
      .limit(1)
      .executeTakeFirst()
    await trx
      .updateTable('backups')
      .set(elsewhere ? { damaged_at: sql<Date>`now()` } : { state: 'erased' })
      .where('id', '=', backupId)
      .where('state', '=', 'complete')
      .execute()
    const details = { chat_id: chatId }
    await addToHistory(trx, { backupId, event: 'erased elsewhere', actor: database.actor, details })
  })
}
