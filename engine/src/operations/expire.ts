import type { Database } from '@telegram-backup/database'
import { openSession } from '@telegram-backup/vault/session/open-session.ts'
import type { SessionReport } from '@telegram-backup/vault/session/report.ts'
import type { Engine, Watching } from '#operations/engine.ts'
import { applyRetention } from '#retention/apply-retention.ts'
import { planRetention, type RetentionPlan, withWord } from '#retention/catalog-plan.ts'
import { type RetentionAnnouncer, runRetention } from '#retention/run-retention.ts'

export type { RetentionPlan, SessionReport }

/** What would become of each backup, and why. Changes nothing. */
export async function planExpiry(database: Database): Promise<RetentionPlan> {
  return await planRetention(database)
}

/** Callbacks of an expiry. */
export interface ExpireHooks extends Watching {
  /**
   * Called with the backups of each source that would lose more than half at once. Unless it resolves to
   * true, they stay.
   */
  agree: (inDoubt: RetentionPlan) => Promise<boolean>
}

/** What retention has done. */
export interface Expired {
  plan: RetentionPlan
  report: SessionReport
  /** Everything was done, and nothing waits for a word. */
  isDone: boolean
}

/** Erases the backups that retention no longer keeps, and those that are marked to be erased. */
export async function expire(engine: Engine, hooks: ExpireHooks): Promise<Expired> {
  const { signal, note } = hooks
  const found = await planRetention(engine.database)
  const inDoubt = found.filter(({ needsWord }) => needsWord)
  const agreed = inDoubt.length === 0 ? false : await hooks.agree(inDoubt)
  const plan = agreed ? withWord(found) : found
  const session = await openSession({ ...engine, signal, say: line => note(line) })
  await applyRetention(session, plan, { agreed, waitForLiving: true })
  const { report } = session
  return { plan, report, isDone: report.isDone && (agreed || inDoubt.length === 0) }
}

/** The same for the service: it announces first what will go, and leaves what needs a confirmation. */
export async function expireAfterNotice(
  engine: Engine,
  announcer: RetentionAnnouncer,
  { signal }: Pick<Watching, 'signal'>,
): Promise<SessionReport> {
  const session = await openSession({ ...engine, signal })
  await runRetention(session, announcer)
  return session.report
}
