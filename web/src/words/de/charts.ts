import type { Words } from '#words/en/index.ts'
import { plural } from '#words/plural.ts'

const count = (value: number, one: string, other: string): string =>
  `${value} ${plural('de', value, { one, other })}`

export const charts: Words['charts'] = {
  showAsTable: 'Als Tabelle zeigen',
  sizeChange: (change, since) => `${change} seit ${since}`,
  sizeSame: since => `Unverändert seit ${since}`,
  noRuns: 'Es gibt noch keinen beendeten Lauf.',
  noBackups: 'Es gibt noch keine Sicherung.',
  durations: of =>
    `${count(of.count, 'Lauf', 'Läufe')}${of.failed === 0 ? '' : `, ${of.failed} fehlgeschlagen`}. Meist ${of.median}, höchstens ${of.longest}.`,
  durationsTable: 'Wie lange die Läufe dauerten',
  when: 'Wann',
  took: 'Dauer',
  result: 'Ergebnis',
  good: 'Gut',
  failed: 'Fehlgeschlagen',
  size: 'Größe',
  date: 'Tag',
  calendar: 'Kalender der Sicherungen',
  day: of =>
    of.good + of.failed === 0
      ? `${of.day}: keine Sicherung`
      : `${of.day}: ${count(of.good, 'gute Sicherung', 'gute Sicherungen')}${of.good === 0 ? '' : ` (${of.size})`}${of.failed === 0 ? '' : `, ${of.failed} fehlgeschlagen oder beschädigt`}`,
  dayStates: {
    good: 'Alle gut',
    partly: 'Teils fehlgeschlagen oder beschädigt',
    failed: 'Keine gut',
    none: 'Keine Sicherung',
  },
  growth: 'Wachstum des Tresors',
  groupBy: 'Linien nach',
  groups: { project: 'Projekt', type: 'Art' },
  growthCut: count => `Nur die neuesten ${count} Sicherungen sind gezählt.`,
  vaultHolds: (size, since) =>
    `Die vorhandenen Sicherungen belegen ${size}. Die älteste wurde am ${since} gemacht.`,
}
