import { isUnsettled } from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import type { SessionOptions } from '#session/open-session.ts'
import type { SessionReport } from '#session/report.ts'
import { endsEverything } from '#session/session.ts'

/**
 * What every send does first: settles what dead runs left behind, without waiting for a lease, and without the second
 * chat and the indexes, which the send itself sees to. With nothing to settle it costs one look into the catalog and no
 * call of the Bot API. It never fails: what it did and what it could not do is said, in a line each.
 * @param open.resuming a backup that goes on now: nobody is told how to go on with it
 */
export async function reconcileBeforeSend(
  open: SessionOptions & { note: (line: string) => void; resuming?: string },
): Promise<void> {
  try {
    if (!(await isUnsettled(open.database))) return
    // Loaded when it is wanted: hardly ever.
    const { findUnfinished, reconcileAbandonedRuns } = await import('#reconcile/abandoned-runs.ts')
    const { openSession } = await import('#session/open-session.ts')
    const dead = (await findUnfinished(open)).filter(({ isAlive }) => !isAlive)
    if (dead.length === 0) return
    const session = await openSession(open)
    await reconcileAbandonedRuns(session, { waitMs: 0 }).catch((error: unknown) => {
      // The send will meet the same, and knows better what it means.
      if (!endsEverything(session, error)) throw error
    })
    for (const line of linesOf(session.report, open.resuming)) open.note(line)
  } catch (error) {
    open.note(`warning: what earlier runs left behind was not settled: ${describeError(error).message}`)
  }
}

function linesOf(report: SessionReport, resuming: string | undefined): string[] {
  return [
    ...report.finished.map(({ backup_id }) => `finished backup ${backup_id}, whose send was interrupted`),
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
