import type { Backup } from '@telegram-backup/database'
import { reconcilePacks } from '@telegram-backup/vault/objects/reconcile/reconcile-packs.ts'
import { reconcileAbandonedRuns } from '@telegram-backup/vault/reconcile/abandoned-runs.ts'
import { reconcile as reconcileAll } from '@telegram-backup/vault/reconcile/reconcile.ts'
import { reconcileBackup } from '@telegram-backup/vault/reconcile/reconcile-run.ts'
import { takeBackCancelled } from '@telegram-backup/vault/reconcile/take-back-cancelled.ts'
import { reconcileUnansweredCalls } from '@telegram-backup/vault/reconcile/unanswered-calls.ts'
import { openSession } from '@telegram-backup/vault/session/open-session.ts'
import { refreshIndexes } from '@telegram-backup/vault/session/refresh-indexes.ts'
import type { ReportedReason, SessionReport } from '@telegram-backup/vault/session/report.ts'
import type { Engine, RunWatching, Watching } from '#engine.ts'

export type { ReportedReason, SessionReport }

type Reconciling = Omit<Engine, 'service'>

/**
 * Cleans up after crashes and lost answers: finds lost messages, finishes or fails interrupted sends,
 * continues to erase, updates the index. It leaves alone what other processes work on. `isDone` of the report
 * says whether anything is left.
 */
export async function reconcile(
  engine: Reconciling,
  { signal, note, onProgress }: RunWatching,
): Promise<SessionReport> {
  return await reconcileAll(await openSession({ ...engine, signal, onProgress, say: line => note(line) }))
}

/** The part of it that a service does every minute: it waits for no lease, and does not compare the chats. */
export async function reconcileAbandoned(
  engine: Reconciling,
  { signal }: Pick<Watching, 'signal'>,
): Promise<SessionReport> {
  const session = await openSession({ ...engine, signal })
  await reconcileAbandonedRuns(session, { waitMs: 0 })
  await reconcileUnansweredCalls(session)
  await reconcilePacks(session)
  await takeBackCancelled(session)
  const { finished, failed, erased_backups } = session.report
  if (finished.length + failed.length + erased_backups.length > 0) {
    await refreshIndexes(session, await session.gates.entered())
  }
  return session.report
}

/**
 * Reconciles one backup at once. Resolves to the backup as it is then; null for an unknown id. Throws `BUSY`
 * while another process works on it.
 * @param options.forGood also erases what a later send could continue
 */
export async function reconcileOne(
  engine: Reconciling,
  backupId: string,
  { signal, forGood = false }: { signal: AbortSignal; forGood?: boolean },
): Promise<Backup | null> {
  return await reconcileBackup(await openSession({ ...engine, signal }), backupId, { forGood })
}
