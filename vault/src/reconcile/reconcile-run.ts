import {
  acquireLease,
  type Backup,
  failAbandonedRestore,
  getBackupById,
  type Restore,
} from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import { resumeErases } from '#erase/resume-erases.ts'
import type { Unfinished } from '#reconcile/find-unfinished.ts'
import { eraseFailed, eraseRemains, reconcileSend } from '#reconcile/interrupted-sends.ts'
import { lookForMessages } from '#session/look-for-messages.ts'
import { mayBeResumed } from '#session/resumable.ts'
import type { HeldBackup, VaultSession } from '#session/session.ts'

/** `held`: another process holds the lease, and nothing was touched. */
export type RunOutcome = 'done' | 'held'

/** R2 to R6 for one run. Throws the errors of its chat. */
export async function reconcileRun(session: VaultSession, run: Unfinished): Promise<RunOutcome> {
  if (run.kind === 'restore') return await failRestore(session, run.restore)
  if (run.kind === 'rest') return await reconcileRest(session, run.id)
  return await reconcileByState(session, run.backup)
}

/**
 * R1 to R6 for one backup, without waiting. Returns the backup afterwards; null when there is none. A backup
 * that may be resumed keeps its parts, unless `forGood`. Throws `BUSY` while another process works on it.
 */
export async function reconcileBackup(
  session: VaultSession,
  backupId: string,
  { forGood = false }: { forGood?: boolean } = {},
): Promise<Backup | null> {
  for (;;) {
    const backup = await getBackupById(session.database, backupId)
    if (backup === null || isAtRest(backup, forGood)) return backup
    if ((await reconcileByState(session, backup)) === 'held') {
      throw new BackupError('Another process works on the backup of this job', {
        code: 'BUSY',
        hint: 'The job is tried again. A process that died is noticed within a minute.',
      })
    }
    // A send is a complete or a failed backup now.
    if (backup.state !== 'sending') return await getBackupById(session.database, backupId)
  }
}

function isAtRest(backup: Backup, forGood: boolean): boolean {
  const { state } = backup
  if (state === 'failed') return mayBeResumed(backup) && !forGood
  return state === 'complete' || state === 'erased'
}

/** Does nothing when another process changed the state just before the lease became ours. */
async function reconcileByState(session: VaultSession, found: Backup): Promise<RunOutcome> {
  if (found.state === 'erasing')
    return (await resumeErases(session, [found.id])).has(found.id) ? 'done' : 'held' // R4
  return await underLease(session, found.id, async held => {
    const backup = await getBackupById(session.database, found.id)
    if (backup?.state !== found.state) return
    if (backup.state === 'sending')
      await reconcileSend(session, held, backup) // R2, R3
    else await eraseFailed(session, held) // R2, R5
  })
}

/**
 * R2 for a backup at rest. Taking and releasing the lease clears an old one. Messages of a failed backup are
 * adopted first, so that they can be erased like the rest.
 */
function reconcileRest(session: VaultSession, id: string): Promise<RunOutcome> {
  return underLease(session, id, async held => {
    await lookForMessages(session, held)
    const backup = await getBackupById(session.database, id)
    if (backup?.state === 'failed' && !mayBeResumed(backup)) await eraseRemains(session, held)
  })
}

const UNKNOWN_OUTCOME =
  'The restoring process ended early. The target may hold the backup or its previous contents: check the target'

/** R6: an abandoned restore counts as failed. */
async function failRestore(
  { database, report }: VaultSession,
  { id, backup_id, target }: Restore,
): Promise<RunOutcome> {
  if (!(await failAbandonedRestore(database, id, UNKNOWN_OUTCOME))) return 'held'
  report.restores.push({ restore_id: id, backup_id, reason: `${UNKNOWN_OUTCOME}: ${target}` })
  return 'done'
}

async function underLease(
  { database }: VaultSession,
  backupId: string,
  work: (held: HeldBackup) => Promise<void>,
): Promise<RunOutcome> {
  const lease = await acquireLease(database, { subject: backupId, purpose: 'reconcile' })
  if (lease === null) return 'held'
  try {
    await work({ backupId, lease })
    return 'done'
  } finally {
    await lease.release()
  }
}
