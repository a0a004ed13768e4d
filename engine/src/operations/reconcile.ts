import { reconcile as reconcileAll } from '@telegram-backup/vault/reconcile/reconcile.ts'
import { openSession } from '@telegram-backup/vault/session/open-session.ts'
import type { ReportedReason, SessionReport } from '@telegram-backup/vault/session/report.ts'
import type { Engine, Watching } from '#operations/engine.ts'

export type { ReportedReason, SessionReport }

/**
 * Brings to rest what crashes and lost answers left behind: finds lost messages, finishes or fails broken
 * sends, goes on with erasing, draws the index. What living processes work on is left alone. `isDone` of the
 * report says whether anything is left.
 */
export async function reconcile(engine: Engine, { signal, note }: Watching): Promise<SessionReport> {
  return await reconcileAll(await openSession({ ...engine, signal, say: line => note(line) }))
}
