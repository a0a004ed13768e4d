import type { Drilled } from '@telegram-backup/connectors/drilling.ts'
import type { Verification } from '@telegram-backup/database'
import type { DrillPhases } from '#proof/phase-clock.ts'

/**
 * How a drill ended. passed: restored, and equal to its source · not compared: restored, without a record to
 * compare with · differs: restored, and different · nothing to restore: a single file, of which every byte
 * was read.
 */
export type DrillReport = RestoredReport | { state: 'nothing to restore'; reason: string }

/** What the catalog keeps of it is all but `verification_id`, which is the id of its row. */
export type RestoredReport = Drilled & {
  state: 'passed' | 'not compared' | 'differs'
  verification_id: string
  seconds: number
  /** Together `seconds`. */
  phases: DrillPhases
}

/**
 * What the catalog kept of a drill; undefined for other verifications, and for drills of earlier versions.
 */
export function recordedReport({
  report,
}: Pick<Verification, 'report'>): Omit<RestoredReport, 'verification_id'> | undefined {
  const { state, depth, compared, not_covered, differences } = (report ?? {}) as Partial<RestoredReport>
  const isReport = state && depth && compared && Array.isArray(not_covered) && Array.isArray(differences)
  return isReport ? (report as unknown as RestoredReport) : undefined
}

/** The differences of a drill as an error; undefined without any. */
export function differenceIn(report: DrillReport): { code: string; error: string; hint: string } | undefined {
  if (report.state !== 'differs') return undefined
  const [first] = report.differences
  return {
    code: 'DIFFERENT',
    error: `What was restored differs from the source: ${first?.reason ?? ''}`,
    hint: 'The bytes are unchanged since the send. Make a new backup, drill it, and compare the differences of both.',
  }
}
