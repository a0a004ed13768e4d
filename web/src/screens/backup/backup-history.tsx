import type { BackupDetails } from '#api/generated/types.gen.ts'
import { PlainText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { LongTable } from '#screens/backup/long-table.tsx'
import { Section } from '#screens/backup/section.tsx'
import type { Column } from '#shell/data-table.tsx'
import type { Words } from '#words/en/index.ts'
import { useWords } from '#words/language.tsx'

type Entry = BackupDetails['history'][number] & { place: number }

/** What happened to the backup, newest first. Only an administrator sees by whom. */
export function BackupHistory({ backup: { history } }: { backup: BackupDetails }) {
  const { backup } = useWords()
  const rows = history.map((entry, place) => ({ ...entry, place })).toReversed()
  const hasActors = history.some(({ actor }) => actor !== undefined)
  const columns: Column<Entry>[] = [
    { key: 'when', header: backup.when, label: backup.when, cell: ({ at }) => <Time at={at} /> },
    {
      key: 'event',
      header: backup.event,
      label: backup.event,
      cell: ({ event }) =>
        isKnown(backup.events, event) ? backup.events[event] : <PlainText>{event}</PlainText>,
    },
    ...(hasActors
      ? [
          {
            key: 'actor',
            header: backup.actor,
            label: backup.actor,
            cell: ({ actor }: Entry) => <PlainText>{actor}</PlainText>,
          },
        ]
      : []),
    {
      key: 'details',
      header: backup.details,
      label: backup.details,
      cell: ({ details }) => <PlainText>{textOf(details, backup)}</PlainText>,
    },
  ]
  return (
    <Section title={backup.history}>
      <LongTable
        caption={backup.historyTable}
        columns={columns}
        rows={rows}
        keyOf={({ place }) => String(place)}
      />
    </Section>
  )
}

/** The fields depend on the event, and may quote other programs. */
function textOf(details: Record<string, unknown>, { kinds, results }: Words['backup']): string {
  const { kind, state, ...others } = details
  return [
    wordOf(kinds, kind),
    wordOf(results, state),
    ...Object.entries(others)
      .filter(([, value]) => value !== null && value !== 0)
      .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`),
  ]
    .filter(text => text !== undefined)
    .join(', ')
}

/** What a value means, if it has words. */
function wordOf(words: Readonly<Record<string, string>>, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return Object.hasOwn(words, text) ? words[text] : text
}

/** A newer version may record events that these words lack. */
function isKnown<Known extends object>(words: Known, event: string): event is keyof Known & string {
  return Object.hasOwn(words, event)
}
