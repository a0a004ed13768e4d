import type { DrillReport } from '@telegram-backup/engine/proof/drill-report.ts'
import { count } from '@telegram-backup/engine/units/human-units.ts'

/** The result of a drill, in a few lines. */
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
    passed: `the same as when it was backed up: ${what}`,
    'not compared': 'not compared: the backup has no record of its source',
    differs: `NOT the same as its source: ${count(differences.length, 'difference')}, compared ${what}`,
  }
  return [
    ...differences.map(({ reason }) => `DIFFERS ${reason}`),
    ...notes.map(note => `note    ${note}`),
    `Drill: restored in ${where} in ${Math.round(seconds)} s, ${ends[state]}.`,
  ]
}
