import { hasUnfinishedWork } from '@telegram-backup/database'
import { reconcileAbandonedRuns } from '@telegram-backup/vault/reconcile/abandoned-runs.ts'
import { takeBackCancelled } from '@telegram-backup/vault/reconcile/take-back-cancelled.ts'
import { reconcileUnansweredCalls } from '@telegram-backup/vault/reconcile/unanswered-calls.ts'
import { openSession } from '@telegram-backup/vault/session/open-session.ts'
import { refreshIndexes } from '@telegram-backup/vault/session/refresh-indexes.ts'
import { repeatUntilStopped } from '#repeat-until-stopped.ts'
import type { ServiceContext } from '#service/service-context.ts'
import type { ServicePart } from '#service-part.ts'

const EVERY_MS = 60_000

/**
 * Settles, at its start and once a minute, what processes left behind that died: uploads, commands, jobs that
 * nobody goes on with. A look into the catalog when there is nothing.
 */
export function startHousekeeping(context: ServiceContext): ServicePart {
  return repeatUntilStopped({
    work: async signal => {
      if (await hasUnfinishedWork(context.database)) await reconcile(context, signal)
      return undefined
    },
    everyMs: EVERY_MS,
    log: context.log,
    failed: 'what dead processes left behind was not settled',
  })
}

async function reconcile(context: ServiceContext, signal: AbortSignal): Promise<void> {
  const { log } = context
  const session = await openSession({ ...context, signal })
  await reconcileAbandonedRuns(session, { waitMs: 0 })
  await reconcileUnansweredCalls(session)
  await takeBackCancelled(session)
  const { finished, failed, erased_backups, pending } = session.report
  if (finished.length + failed.length + erased_backups.length > 0) {
    await refreshIndexes(session, await session.gates.entered())
  }
  for (const { backup_id, missing } of finished)
    log.info({ backup_id, missing }, 'finished a backup whose send was interrupted')
  for (const { backup_id, reason } of failed) log.warn({ backup_id, reason }, 'a backup has failed')
  for (const { backup_id } of erased_backups) log.info({ backup_id }, 'erased a backup')
  for (const { backup_id, chat_id, code, reason } of pending) {
    log.warn({ backup_id, chat_id, code, reason }, 'not settled yet')
  }
}
