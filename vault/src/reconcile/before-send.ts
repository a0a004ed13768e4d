import { hasUnfinishedWork, unfinishedPacks } from '@telegram-backup/database'
import { shownIdOf } from '@telegram-backup/database/missing-files'
import { describeError, hint, run } from '@telegram-backup/errors'
import type { SessionOptions } from '#session/open-session.ts'
import type { ReportedReason, SessionReport } from '#session/report.ts'
import { endsEverything } from '#session/session.ts'

/**
 * Every send begins with this: it reconciles abandoned runs, without waiting for a lease. The send itself
 * takes care of the second chat and the indexes. With nothing to do it costs one query of the catalog. It
 * never fails: `note` gets a line for each thing that was done or could not be done.
 * @param open.resuming a backup that is resumed now: no line says how to resume it
 */
export async function reconcileBeforeSend(
  open: SessionOptions & { note: (line: string) => void; resuming?: string },
): Promise<void> {
  try {
    if (!(await hasUnfinishedWork(open.database))) return
    const { findUnfinished } = await import('#reconcile/find-unfinished.ts')
    const { reconcileAbandonedRuns } = await import('#reconcile/abandoned-runs.ts')
    const { reconcilePacks } = await import('#objects/reconcile/reconcile-packs.ts')
    const { openSession } = await import('#session/open-session.ts')
    const dead = (await findUnfinished(open)).filter(({ isAlive }) => !isAlive)
    const packs = await unfinishedPacks(open.database)
    if (dead.length + packs.length === 0) return
    const session = await openSession(open)
    const reconcileAll = async (): Promise<void> => {
      await reconcileAbandonedRuns(session, { waitMs: 0 })
      await reconcilePacks(session)
    }
    await reconcileAll().catch((error: unknown) => {
      // The send will meet the same error, and can explain it better.
      if (!endsEverything(session, error)) throw error
    })
    for (const line of linesOf(session.report, open.resuming)) open.note(line)
  } catch (error) {
    open.note(
      `warning: messages that earlier runs left in the chat were not reconciled: ${describeError(error).message}`,
    )
  }
}

function linesOf(report: SessionReport, resuming: string | undefined): string[] {
  return [
    ...report.finished.map(
      ({ backup_id, missing }) =>
        `finished backup ${shownIdOf(backup_id, 'complete', missing)}, whose send was interrupted`,
    ),
    ...report.failed
      .filter(({ backup_id, resumable }) => !(resumable && backup_id === resuming))
      .map(({ backup_id, reason }) => `backup ${backup_id} has failed: ${reason}`),
    ...report.erased_backups.map(({ backup_id }) => `erased backup ${backup_id}`),
    ...report.packs
      .filter(({ outcome }) => outcome === 'adopted')
      .map(({ sequence, bucket_id }) => `found pack ${sequence} of bucket ${bucket_id}`),
    ...report.pending.map(of =>
      String(hint`warning: ${subjectOf(of)} is not reconciled: ${of.reason}; see ${run('reconcile')}`),
    ),
  ]
}

function subjectOf({ backup_id, pack_id, chat_id = '' }: ReportedReason): string {
  if (backup_id !== undefined) return `backup ${backup_id}`
  return pack_id === undefined ? `chat ${chat_id}` : `pack ${pack_id}`
}
