import type { Drilled } from '@telegram-backup/connectors/drilling.ts'

/**
 * How a drill ended. passed: restored, and as it was · not compared: restored, and there is nothing to
 * compare with · differs: restored, and not as it was · nothing to restore: it is one file, of which every
 * byte was read.
 */
export type DrillReport =
  | (Drilled & { state: 'passed' | 'not compared' | 'differs'; verification_id: string; seconds: number })
  | { state: 'nothing to restore'; reason: string }

/** The error that differences stand for; undefined where there are none. */
export function differenceIn(report: DrillReport): { code: string; error: string; hint: string } | undefined {
  if (report.state !== 'differs') return undefined
  const [first] = report.differences
  return {
    code: 'DIFFERENT',
    error: `What was restored is not as it was: ${first?.reason ?? ''}`,
    hint: 'The bytes are those that were sent. Make a new backup, drill it, and look what differs in both.',
  }
}
