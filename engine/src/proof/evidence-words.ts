import type { DrillEvidence } from '@telegram-backup/archive'

// What a record says, in words for auditors.

export const RESULTS: Readonly<Record<DrillEvidence['outcome'], { title: string; words: string }>> = {
  passed: {
    title: 'Passed',
    words: 'The backup was restored, and what was compared is equal to the source.',
  },
  'not compared': {
    title: 'Restored, not compared',
    words: 'The backup was restored. There is no record of the source to compare it with.',
  },
  differs: {
    title: 'Failed: differences found',
    words: 'The backup was restored, and differs from the source as it was when the backup was made.',
  },
  'not restored': { title: 'Failed: not restored', words: 'The backup could not be restored.' },
}

const DEPTHS: Readonly<Record<NonNullable<DrillEvidence['depth']>, string>> = {
  restored: 'The restore ended without an error. Contents were not compared.',
  counts: 'Number of rows of each table, sequences, and number of objects, as recorded at the source.',
  dump: 'Every row, as it is in the dump. The dump was not compared with the source.',
  contents: 'The contents of every row, as recorded at the source in the moment of the backup.',
}
const FILES = 'Every byte of each file, with its kind, mode and time, as recorded when the backup was made.'

/** A map, since the place comes with a record and may be named as a property that every object has. */
const PLACES: ReadonlyMap<string, string> = new Map([
  [
    'a server of its own',
    'A temporary PostgreSQL server, apart from the source and from every other system, removed afterwards',
  ],
  ['a folder of its own', 'A temporary folder, apart from the source, removed afterwards'],
])

/** How far the comparison went. */
export function scopeWords({ depth, compared }: DrillEvidence): string {
  if (depth === undefined) return 'Nothing was compared.'
  const counts = [
    ...(compared?.tables === undefined ? [] : [`${number(compared.tables)} tables`]),
    ...(compared?.rows === undefined ? [] : [`${number(compared.rows)} rows`]),
    ...(compared?.members === undefined ? [] : [`${number(compared.members)} files and folders`]),
    ...(compared?.roles === undefined ? [] : [`${number(compared.roles)} roles`]),
  ]
  const words = depth === 'contents' && compared?.members !== undefined ? FILES : DEPTHS[depth]
  return counts.length === 0 ? words : `${words} Compared: ${counts.join(', ')}.`
}

export function placeWords({ drill }: DrillEvidence): string {
  return PLACES.get(drill.where) ?? drill.where
}

export function timeWords(time: string | Date): string {
  return `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

export function number(count: number): string {
  return count.toLocaleString('en-US')
}
