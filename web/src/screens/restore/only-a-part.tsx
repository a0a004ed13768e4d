import { Autocomplete, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { BackupDetails } from '#api/generated/types.gen.ts'
import { visibleText } from '#format/plain-text.tsx'
import { recordedTables } from '#screens/restore/recorded-tables.ts'
import { kindOf, restoreFormOf } from '#screens/restore/restore-form.ts'
import { fetchPathCommand, restorePathCommand, restoreTableCommand } from '#screens/restore/same-act.ts'
import { CopyText } from '#shell/copy-text.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { useWords } from '#words/language.tsx'

/** Only so many names are offered at once. */
const MOST_OFFERED = 50

/** How to restore one table or one file: the command line can, and its command stands ready here. */
export function OnlyAPart({ backup: found, target }: { backup: BackupDetails; target: string | undefined }) {
  if (restoreFormOf(found) === 'directory') return <OnlyAFile backup={found} />
  // Only a dump that was made here says where each table is.
  if (kindOf(found) !== 'postgres') return null
  return <OnlyATable backup={found} target={target} />
}

function OnlyATable({ backup: found, target }: { backup: BackupDetails; target: string | undefined }) {
  const { part: words } = useWords().restore
  const names = recordedTables(found)?.names ?? []
  const [table, setTable] = useState(names[0] ?? 'public.orders')
  const to = target ?? 'postgresql://USER@HOST/DATABASE'
  return (
    <details>
      <summary>{words.table}</summary>
      <Stack gap="xs" mt="xs">
        <Text size="sm">{words.tableHint}</Text>
        <Autocomplete
          label={words.tableName}
          data={[...new Set(names.map(name => visibleText(name)))]}
          limit={MOST_OFFERED}
          value={table}
          onChange={setTable}
          maw={420}
        />
        <Command text={restoreTableCommand(found.id, { to, table: visibleText(table.trim()) })} />
        <Text size="sm" c="dimmed">
          {words.more}
        </Text>
      </Stack>
    </details>
  )
}

function OnlyAFile({ backup: { id } }: { backup: BackupDetails }) {
  const { part: words } = useWords().restore
  const [path, setPath] = useState('FILE')
  const wanted = visibleText(path.trim())
  return (
    <details>
      <summary>{words.file}</summary>
      <Stack gap="xs" mt="xs">
        <Text size="sm">{words.fileHint}</Text>
        <TextInput
          label={words.path}
          value={path}
          onChange={event => setPath(event.currentTarget.value)}
          maw={420}
        />
        <Text size="sm">{words.toDirectory}</Text>
        <Command text={restorePathCommand(id, wanted)} />
        <Text size="sm">{words.toFile}</Text>
        <Command text={fetchPathCommand(id, wanted)} />
        <Text size="sm">
          {words.look}{' '}
          <AnchorLink to="/backups/$id" params={{ id }} inherit>
            {words.files}
          </AnchorLink>
        </Text>
      </Stack>
    </details>
  )
}

function Command({ text }: { text: string }) {
  const { copy, copied, command } = useWords().restore.confirm
  return <CopyText text={text} copy={copy} copied={copied} label={command} />
}
