import { isUnsettled } from '@telegram-backup/database'
import { shownIdOf } from '@telegram-backup/database/missing-files'
import { describeError } from '@telegram-backup/errors'
import type { OpenSettling } from '#session/open-session.ts'
import type { SettlingReport } from '#session/report.ts'
import { endsEverything } from '#session/session.ts'

/**
 * What every send does first: settles what dead runs left behind, without waiting for a lease, and without the second
 * chat and the indexes, which the send itself sees to. With nothing to settle it costs one look into the catalog and no
 * call of the Bot API. It never fails: what it did and what it could not do is said, in a line each.
 * @param open.resuming a backup that goes on now: nobody is told how to go on with it
 */
export async function settleQuietly(
  open: OpenSettling & { note: (line: string) => void; resuming?: string },
): Promise<void> {
  try {
    if (!(await isUnsettled(open.database))) return
    // Loaded when it is wanted: hardly ever.
    const { findUnsettled, settleDeadRuns } = await import('#reconcile/abandoned-runs.ts')
    const { openSettling } = await import('#session/open-session.ts')
    const dead = (await findUnsettled(open)).filter(({ isAlive }) => !isAlive)
    if (dead.length === 0) return
    const settling = await openSettling(open)
    await settleDeadRuns(settling, { waitMs: 0 }).catch((error: unknown) => {
      // The send will meet the same, and knows better what it means.
      if (!endsEverything(settling, error)) throw error
    })
    for (const line of linesOf(settling.report, open.resuming)) open.note(line)
  } catch (error) {
    open.note(`warning: what earlier runs left behind was not settled: ${describeError(error).message}`)
  }
}

function linesOf(report: SettlingReport, resuming: string | undefined): string[] {
  return [
    ...report.finished.map(
      ({ backup_id, missing }) =>
        `finished backup ${shownIdOf(backup_id, 'complete', missing)}, whose send was interrupted`,
    ),
    ...report.failed
      .filter(({ backup_id, resumable }) => !(resumable && backup_id === resuming))
      .map(({ backup_id, reason }) => `backup ${backup_id} has failed: ${reason}`),
    ...report.erased_backups.map(({ backup_id }) => `erased backup ${backup_id}`),
    ...report.pending.map(
      ({ backup_id, reason }) =>
        `warning: backup ${backup_id} is not settled: ${reason}; see telegram-backup reconcile`,
    ),
  ]
}
