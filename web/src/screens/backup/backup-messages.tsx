import { Badge, Code, Text } from '@mantine/core'
import type { BackupDetails } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { LongTable } from '#screens/backup/long-table.tsx'
import type { Column } from '#shell/data-table.tsx'
import { Section } from '#shell/section.tsx'
import { lookOf, wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

type Part = BackupDetails['parts'][number]

const COLORS: Readonly<Record<Part['state'], string>> = {
  intended: 'gray',
  sent: 'teal',
  missing: 'red',
  damaged: 'red',
  tombstone: 'gray',
  erased: 'gray',
}

/** Where the backup is: each part is a message in a chat. */
export function BackupMessages({ backup: { parts, manifest } }: { backup: BackupDetails }) {
  const { backup } = useWords()
  const format = useFormat()
  const columns: Column<Part>[] = [
    { ...named('part', backup.part), cell: ({ part_no }) => format.number(part_no), isNumber: true },
    { ...named('chat', backup.chat), cell: ({ chat_id }) => <PlainText>{chat_id}</PlainText> },
    {
      ...named('message', backup.message),
      cell: ({ message_id }) => (message_id === null ? '–' : message_id),
      isNumber: true,
    },
    { ...named('size', backup.size), cell: ({ size }) => format.bytes(size), isNumber: true },
    {
      ...named('state', backup.messageState),
      cell: ({ state }) => (
        <Badge variant="light" color={lookOf(COLORS, state, 'gray')} tt="none">
          {wordOf(backup.partStates, state)}
        </Badge>
      ),
    },
    {
      ...named('sha256', backup.sha256Sent),
      cell: ({ sha256 }) => <Code style={{ overflowWrap: 'anywhere' }}>{sha256}</Code>,
    },
  ]
  return (
    <Section title={backup.messages}>
      {parts.length === 0 ? (
        <Text c="dimmed">{backup.noMessages}</Text>
      ) : (
        <LongTable
          caption={backup.messagesTable}
          columns={columns}
          rows={parts}
          keyOf={({ chat_id, part_no, message_id }) => `${chat_id} ${part_no} ${message_id}`}
        />
      )}
      {manifest === null ? null : <Text size="sm">{backup.manifestHint(manifest.message_id)}</Text>}
    </Section>
  )
}

function named(key: string, name: string): Pick<Column<Part>, 'key' | 'header' | 'label'> {
  return { key, header: name, label: name }
}
