import { openSession } from '@telegram-backup/vault/session/open-session.ts'
import type { SessionReport } from '@telegram-backup/vault/session/report.ts'
import type { Engine, RunWatching, Watching } from '#engine.ts'
import { applyRetention } from '#retention/apply-retention.ts'
import { planRetention, type RetentionPlan, withWord } from '#retention/catalog-plan.ts'
import { type RetentionAnnouncer, runRetention } from '#retention/run-retention.ts'

export { planRetention, type RetentionPlan, type SessionReport }

export interface ExpireHooks extends RunWatching {
  /**
   * Called with the backups of sources that would lose more than half at once; they stay unless it says true.
   */
  agree: (inDoubt: RetentionPlan) => Promise<boolean>
}

export interface Expired {
  plan: RetentionPlan
  report: SessionReport
  /** Everything was done, and nothing waits for a confirmation. */
  isDone: boolean
}

/** Erases the backups that retention no longer keeps, and those that are marked to be erased. */
export async function expire(engine: Engine, hooks: ExpireHooks): Promise<Expired> {
  const { signal, note, onProgress } = hooks
  const found = await planRetention(engine.database)
  const inDoubt = found.filter(({ needsWord }) => needsWord)
  const agreed = inDoubt.length === 0 ? false : await hooks.agree(inDoubt)
  const plan = agreed ? withWord(found) : found
  const session = await openSession({ ...engine, signal, onProgress, say: line => note(line) })
  await applyRetention(session, plan, { agreed, waitForLiving: true })
  const { report } = session
  return { plan, report, isDone: report.isDone && (agreed || inDoubt.length === 0) }
}

/** The same for a service: it first announces what it will erase, and leaves what needs a confirmation. */
export async function expireAfterNotice(
  engine: Engine,
  announcer: RetentionAnnouncer,
  { signal }: Pick<Watching, 'signal'>,
): Promise<SessionReport> {
  const session = await openSession({ ...engine, signal })
  await runRetention(session, announcer)
  return session.report
}
