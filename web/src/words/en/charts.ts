import { plural } from '#words/plural.ts'

const count = (value: number, one: string, other: string): string =>
  `${value} ${plural('en', value, { one, other })}`

export const charts = {
  showAsTable: 'Show as table',
  sizeChange: (change: string, since: string) => `${change} since ${since}`,
  sizeSame: (since: string) => `Unchanged since ${since}`,
  noRuns: 'There is no finished run yet.',
  noBackups: 'There is no backup yet.',
  durations: (of: { count: number; failed: number; median: string; longest: string }) =>
    `${count(of.count, 'run', 'runs')}${of.failed === 0 ? '' : `, ${of.failed} failed`}. Usually ${of.median}, ${of.longest} at most.`,
  durationsTable: 'How long the runs took',
  when: 'When',
  took: 'Took',
  result: 'Result',
  good: 'Good',
  failed: 'Failed',
  size: 'Size',
  date: 'Day',
  calendar: 'Calendar of backups',
  day: (of: { day: string; good: number; failed: number; size: string }) =>
    of.good + of.failed === 0
      ? `${of.day}: no backup`
      : `${of.day}: ${count(of.good, 'good backup', 'good backups')}${of.good === 0 ? '' : ` (${of.size})`}${of.failed === 0 ? '' : `, ${of.failed} failed or damaged`}`,
  dayStates: {
    good: 'All good',
    partly: 'Some failed or damaged',
    failed: 'None good',
    none: 'No backup',
  },
  growth: 'Growth of the vault',
  groupBy: 'Lines by',
  groups: { project: 'Project', type: 'Type' },
  growthCut: (count: number) => `Only the newest ${count} backups are counted.`,
  vaultHolds: (size: string, since: string) =>
    `The backups that exist now hold ${size}. The oldest was made on ${since}.`,
}
