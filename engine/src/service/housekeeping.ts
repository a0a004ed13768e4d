import { hasUnfinishedWork } from '@telegram-backup/database'
import { reconcileAbandoned } from '#operations/reconcile.ts'
import { repeatUntilStopped } from '#repeat-until-stopped.ts'
import type { ServiceContext } from '#service/service-context.ts'
import type { ServicePart } from '#service-part.ts'

const EVERY_MS = 60_000

/**
 * Reconciles what dead processes left, at its start and once a minute. Without any, it only reads the
 * catalog.
 */
export function startHousekeeping(context: ServiceContext): ServicePart {
  return repeatUntilStopped({
    work: async signal => {
      if (await hasUnfinishedWork(context.database)) await reconcile(context, signal)
      return undefined
    },
    everyMs: EVERY_MS,
    log: context.log,
    failed: 'what dead processes left was not reconciled',
  })
}

async function reconcile(context: ServiceContext, signal: AbortSignal): Promise<void> {
  const { log } = context
  const { finished, failed, erased_backups, pending } = await reconcileAbandoned(context, { signal })
  for (const { backup_id, missing } of finished)
    log.info({ backup_id, missing }, 'finished a backup whose send was interrupted')
  for (const { backup_id, reason } of failed) log.warn({ backup_id, reason }, 'a backup has failed')
  for (const { backup_id } of erased_backups) log.info({ backup_id }, 'erased a backup')
  for (const { backup_id, chat_id, code, reason } of pending) {
    log.warn({ backup_id, chat_id, code, reason }, 'not reconciled yet')
  }
}
