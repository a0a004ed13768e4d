import {
  type Attendance,
  type Backup,
  openSends,
  type Restore,
  unfinishedWork,
} from '@telegram-backup/database'
import { mayBeResumed } from '#session/resumable.ts'
import type { VaultSession } from '#session/session.ts'

/** Something whose run has not ended, or died. */
export type Unfinished = {
  /** Id of a backup or a restore; also the subject of its lease. */
  readonly id: string
  /** How the report names it. */
  readonly reported: { backup_id: string } | { restore_id: string }
  /** By the database's clock; null without a lease. */
  readonly leaseExpiresAt: Date | null
  /** Its lease has not expired, and the holder is not known to be gone. */
  readonly isAlive: boolean
} & (
  | { readonly kind: 'sending' | 'erasing' | 'failed'; readonly backup: Backup }
  | { readonly kind: 'restore'; readonly restore: Restore }
  /** A backup at rest with an unanswered call, or with a lease that its holder never released. */
  | { readonly kind: 'rest' }
)

/** R1: all unfinished work, in the order in which it is reconciled. */
export async function findUnfinished({ database }: Pick<VaultSession, 'database'>): Promise<Unfinished[]> {
  const found = await unfinishedWork(database)
  const backups = [
    ...found.sending.map(backup => ofBackup('sending', backup)),
    ...found.erasing.map(backup => ofBackup('erasing', backup)),
    ...found.failedWithMessages.filter(isToBeErased).map(backup => ofBackup('failed', backup)),
  ]
  const restores = found.restores.map((restore): Unfinished => {
    return { kind: 'restore', restore, reported: { restore_id: restore.id }, ...leaseOf(restore) }
  })
  const known = new Set([...backups, ...restores].map(({ id }) => id))
  const unanswered = found.openSends === 0 ? [] : await openSends(database, {})
  const others = new Set([
    ...unanswered.map(open => open.backupId).filter(id => id !== null),
    ...found.leases.filter(lease => !lease.alive).map(lease => lease.subject),
  ])
  const atRest = [...others.difference(known)].map((id): Unfinished => {
    return { kind: 'rest', id, reported: { backup_id: id }, leaseExpiresAt: null, isAlive: false }
  })
  return [...backups, ...atRest, ...restores]
}

function ofBackup(kind: 'sending' | 'erasing' | 'failed', backup: Backup & Attendance): Unfinished {
  return { kind, backup, reported: { backup_id: backup.id }, ...leaseOf(backup) }
}

function leaseOf({ id, leaseExpiresAt, alive }: { id: string } & Attendance) {
  return { id, leaseExpiresAt, isAlive: alive }
}

/**
 * A backup that may be resumed keeps its messages for a while. Not when a run died while it resumed it: that
 * run may have erased messages that the catalog still names.
 */
function isToBeErased(backup: Backup & Attendance): boolean {
  const isAbandoned = backup.leaseExpiresAt !== null && !backup.alive
  return isAbandoned || !mayBeResumed(backup)
}
