import type { BackupDetails } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { detailLines } from '#screens/backup/history-details.ts'
import { LongTable } from '#screens/backup/long-table.tsx'
import type { Column } from '#shell/data-table.tsx'
import { LongText } from '#shell/long-text.tsx'
import { Section } from '#shell/section.tsx'
import { wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

type Entry = BackupDetails['history'][number] & { place: number }

/** What happened to the backup, newest first. Only an administrator sees by whom. */
export function BackupHistory({ backup: { history } }: { backup: BackupDetails }) {
  const { backup } = useWords()
  const format = useFormat()
  const rows = history.map((entry, place) => ({ ...entry, place })).toReversed()
  const hasActors = history.some(({ actor }) => actor !== undefined)
  const columns: Column<Entry>[] = [
    { key: 'when', header: backup.when, label: backup.when, cell: ({ at }) => <Time at={at} /> },
    {
      key: 'event',
      header: backup.event,
      label: backup.event,
      cell: ({ event }) => wordOf(backup.events, event),
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
      cell: ({ details }) => <Details lines={detailLines(details, { words: backup, format })} />,
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

function Details({ lines }: { lines: readonly string[] }) {
  if (lines.length === 0) return '–'
  return (
    <div>
      {lines.map(line => (
        <div key={line}>
          <LongText>{line}</LongText>
        </div>
      ))}
    </div>
  )
}
