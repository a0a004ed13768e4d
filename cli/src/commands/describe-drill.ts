import type { DrillReport } from '@telegram-backup/engine/proof/drill-report.ts'
import { count } from '@telegram-backup/engine/units/human-units.ts'

/** What a drill came to, in a few lines. */
export function describeDrill(report: DrillReport): string[] {
  if (report.state === 'nothing to restore') return [`Drill: ${report.reason}`]
  const { state, where, compared, differences, notes, seconds } = report
  const what =
    compared === null
      ? ''
      : 'members' in compared
        ? count(compared.members, 'member')
        : `${count(compared.tables, 'table')} with ${count(compared.rows, 'row')}, sequences and objects`
  const ends = {
    passed: `as it was when it was backed up: ${what}`,
    'not compared': 'and that is all that can be said: there is no record of its source to compare with',
    differs: `NOT as it was: ${count(differences.length, 'difference')}, compared ${what}`,
  }
  return [
    ...differences.map(({ reason }) => `DIFFERS ${reason}`),
    ...notes.map(note => `note    ${note}`),
    `Drill: restored in ${where} within ${Math.round(seconds)} s, ${ends[state]}.`,
  ]
}
