import { queryBackups, unsettled } from '@telegram-backup/database'
import { describeError } from '#lib/backups/backup-error.ts'
import { settleDeadRuns } from '#settling/dead-runs.ts'
import { eraseBackup } from '#settling/erase-backup.ts'
import { type ExpiryDecision, planExpiry } from '#settling/expiry-plan.ts'
import { endsEverything, type Settling } from '#settling/settling.ts'

/** Every complete backup whose time has come, and every one that is marked to be erased already. */
export async function findExpired({ database }: Pick<Settling, 'database'>): Promise<ExpiryDecision[]> {
  const marked = (await unsettled(database)).erasing.map(backup => ({
    backup,
    decision: 'erase' as const,
    reason: 'marked to be erased',
  }))
  const { data } = await queryBackups(database, { state: 'complete' })
  return [...marked, ...planExpiry(data, new Date())]
}

/**
 * Erases what `findExpired` says. What is wrong with one of them is in the report and stops no other. Throws when the
 * catalog fails or the signal fires.
 */
export async function expire(settling: Settling, decisions: readonly ExpiryDecision[]): Promise<void> {
  const { report } = settling
  for (const { backup, decision, reason } of decisions) {
    if (decision === 'keep') report.kept.push({ backup_id: backup.id, reason })
    // Those that are marked may be the work of a living process, or want an approval.
    if (decision === 'keep' || backup.state === 'erasing') continue
    settling.say(`erasing backup ${backup.id}: ${reason}`)
    try {
      const { isErased, messages } = await eraseBackup(settling, { backupId: backup.id, evenTheLast: false })
      if (isErased) continue
      const kept = messages.filter(({ outcome }) => outcome === 'kept')
      const words = `${kept.length} of its messages could be neither deleted nor replaced: ${kept[0]?.reason}`
      report.pending.push({ backup_id: backup.id, reason: words })
    } catch (error) {
      if (endsEverything(settling, error)) throw error
      const { message, code } = describeError(error)
      report.pending.push({ backup_id: backup.id, code, reason: message })
    }
  }
  await settleDeadRuns(settling, { waitMs: 0, only: 'erasing' })
}
