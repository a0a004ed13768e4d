import type { DrillReport, RestoredReport } from '@telegram-backup/engine/proof/drill-report.ts'
import { count } from '@telegram-backup/engine/units/human-units.ts'

/** So many things that were not covered are listed for people; as JSON, all are. */
const MOST_LISTED = 20

/** The result of a drill, in a few lines: the differences first. */
export function describeDrill(report: DrillReport): string[] {
  if (report.state === 'nothing to restore') return [`Drill: ${report.reason}`]
  const { where, differences, not_covered, notes, seconds, phases } = report
  const more = not_covered.length - MOST_LISTED
  return [
    ...differences.map(({ reason }) => `DIFFERS ${inOneLine(reason)}`),
    ...not_covered
      .slice(0, MOST_LISTED)
      .map(({ table, reason }) => `not covered  ${inOneLine(table)}: ${reason}`),
    ...(more > 0 ? [`not covered  ${more} more; the JSON lists them`] : []),
    ...notes.map(note => `note    ${note}`),
    `Drill: restored in ${where} in ${Math.round(seconds)} s, ${drillResult(report)}.`,
    `Time: ${phaseWords(phases)}.`,
  ]
}

/** A name in it may have line breaks: nobody shall write a result of his own. */
function inOneLine(text: string): string {
  return text.replaceAll(/[\r\n\u2028\u2029]+/g, ' ')
}

/** What the drill has shown, without a full stop. */
export function drillResult(
  report: Pick<RestoredReport, 'state' | 'depth' | 'compared' | 'not_covered' | 'differences'>,
): string {
  const { state, depth, compared, not_covered, differences } = report
  const what = comparedWords(compared)
  if (state === 'differs')
    return `NOT the same as its source: ${count(differences.length, 'difference')}, compared ${what}`
  if (depth === 'restored') return 'not compared: the backup has no record of its source'
  if (compared.roles !== undefined) return `the same as when it was backed up: ${what}`
  if (depth === 'counts') return `as many as when it was backed up: ${what}; contents not compared`
  const left = not_covered.length === 0 ? '' : `; not covered: ${notCoveredWords(not_covered)}`
  const result = depth === 'dump' ? `${compared.contents} to the dump` : compared.contents
  return `contents ${result}: ${what}${left}`
}

function notCoveredWords(notCovered: RestoredReport['not_covered']): string {
  const names = notCovered.slice(0, 3).map(({ table }) => inOneLine(table))
  const more = notCovered.length - names.length
  return [...names, ...(more > 0 ? [`${more} more`] : [])].join(', ')
}

/** Tenths only where they matter. */
function phaseWords(phases: RestoredReport['phases']): string {
  const seconds = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} s`
  const { fetch_seconds, open_seconds, restore_seconds, compare_seconds } = phases
  return [
    `${seconds(fetch_seconds)} waiting for the chat`,
    `${seconds(open_seconds)} for decryption`,
    `${seconds(restore_seconds)} restoring`,
    `${seconds(compare_seconds)} comparing and removing it`,
  ].join(', ')
}

function comparedWords({ tables, rows, members, roles }: RestoredReport['compared']): string {
  if (members !== undefined) return count(members, 'member')
  if (roles !== undefined) return `${count(roles, 'role')}, with their memberships and settings`
  return `${count(tables ?? 0, 'table')} with ${count(rows ?? 0, 'row')}, sequences and objects`
}
