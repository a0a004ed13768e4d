import { getBackupById, type Job, listHistory, listJobs } from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { reconcileBackup } from '#reconcile/reconcile-run.ts'
import { mayBeResumed } from '#session/resumable.ts'
import { reportPending, type VaultSession } from '#session/session.ts'

const RECENTLY_CANCELLED = { state: 'cancelled', limit: 50 } as const

/**
 * Erases the messages of jobs that were cancelled while they waited for another attempt. A failure goes into
 * the report, and stops no other job.
 */
export async function takeBackCancelled(session: VaultSession): Promise<void> {
  for (const job of await listJobs(session.database, RECENTLY_CANCELLED)) {
    if (job.kind !== 'backup' || job.backup_id === null) continue
    try {
      await takeBack(session, job, job.backup_id)
    } catch (error) {
      // Another process works on it; the next round tries again.
      if (describeError(error).code === 'BUSY' && !session.signal.aborted) continue
      reportPending(session, { backup_id: job.backup_id }, error)
    }
  }
}

async function takeBack(session: VaultSession, { finished_at }: Job, backupId: string): Promise<void> {
  const backup = await getBackupById(session.database, backupId)
  if (backup?.state !== 'failed' || !mayBeResumed(backup)) return
  // A person has resumed it since, and may do so again.
  const history = await listHistory(session.database, backupId)
  if (history.some(({ event, at }) => event === 'resumed' && finished_at !== null && at >= finished_at))
    return
  await reconcileBackup(session, backupId, { forGood: true })
}
