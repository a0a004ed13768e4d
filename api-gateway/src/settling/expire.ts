import { mayErase, queryBackups, unsettled } from '@telegram-backup/database'
import { describeError } from '#lib/backups/backup-error.ts'
import { settleDeadRuns } from '#settling/dead-runs.ts'
import { eraseBackup } from '#settling/erase-backup.ts'
import { type ExpiryDecision, planExpiry } from '#settling/expiry-plan.ts'
import { endsEverything, type Settling } from '#settling/settling.ts'

/** Every complete backup whose time has come, and every one that is marked to be erased already. */
export async function findExpired({ database }: Pick<Settling, 'database'>): Promise<ExpiryDecision[]> {
  const marked: ExpiryDecision[] = []
  for (const backup of (await unsettled(database)).erasing) {
    marked.push(
      (await mayErase(database, backup.id))
        ? { backup, decision: 'erase', reason: 'marked to be erased' }
        : {
            backup,
            decision: 'keep',
            reason: 'marked to be erased, but it is the last good one of its project and type',
          },
    )
  }
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
    // Those that are marked may be the work of a living process, or want an approval: see below.
    if (backup.state === 'erasing') continue
    if (decision === 'keep') {
      report.kept.push({ backup_id: backup.id, reason })
      continue
    }
    settling.say(`erasing backup ${backup.id}: ${reason}`)
    try {
      const { isErased, messages } = await eraseBackup(settling, { backupId: backup.id, evenTheLast: false })
      if (isErased) continue
      const kept = messages.filter(({ outcome }) => outcome === 'kept')
      if (kept.length === 0) continue
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
