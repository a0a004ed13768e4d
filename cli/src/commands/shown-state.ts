import type { Cell } from '#commands/terminal-table.ts'

const STYLES = [
  [/DAMAGED|^failed|^not made|differs/, 'red'],
  [/missing|torn|^sending|^erasing|^running|^held|^overdue/, 'yellow'],
  [/^erased|^cancelled|^skipped|^off\b|^revoked|^expired/, 'dim'],
] as const

/** The state of a backup, a job or a schedule, in the colour of what it asks of a person. */
export function shownState(words: string): Cell {
  const [, style] = STYLES.find(([pattern]) => pattern.test(words)) ?? []
  return style === undefined ? words : { text: words, style }
}
