import { getBackupById, type Job, listHistory, listJobs } from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { reconcileBackup } from '#reconcile/abandoned-runs.ts'
import { mayBeResumed } from '#session/resumable.ts'
import { endsEverything, type VaultSession } from '#session/session.ts'

const CANCELLED_LATELY = { state: 'cancelled', limit: 50 } as const

/**
 * Of jobs that were cancelled while they waited for another attempt, nobody goes on with what is in the chat already. What
 * fails for one of them is told in the report, and stops nothing else.
 */
export async function takeBackCancelled(session: VaultSession): Promise<void> {
  for (const job of await listJobs(session.database, CANCELLED_LATELY)) {
    if (job.kind !== 'backup' || job.backup_id === null) continue
    try {
      await takeBack(session, job, job.backup_id)
    } catch (error) {
      const { code, message } = describeError(error)
      if (endsEverything(session, error)) throw error
      // Whoever works on it will be done, and there is another round.
      if (code === 'BUSY') continue
      session.report.pending.push({ backup_id: job.backup_id, code, reason: message })
    }
  }
}

async function takeBack(session: VaultSession, { finished_at }: Job, backupId: string): Promise<void> {
  const backup = await getBackupById(session.database, backupId)
  if (backup?.state !== 'failed' || !mayBeResumed(backup)) return
  // A person has gone on with it since, and may do so again.
  const history = await listHistory(session.database, backupId)
  if (history.some(({ event, at }) => event === 'resumed' && finished_at !== null && at >= finished_at))
    return
  await reconcileBackup(session, backupId, { forGood: true })
}
