import { Alert, Button, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import type { Difference, DrillReport, RecordFacts } from '#screens/proof/drill-report.ts'
import { DataTable } from '#shell/data-table.tsx'
import { LongText } from '#shell/long-text.tsx'
import { wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

/** A report may name very many things: these are enough to read, and the JSON has all. */
const MOST_SHOWN = 200

export function Differences({ differences }: Pick<DrillReport, 'differences'>) {
  const { proof } = useWords()
  const format = useFormat()
  const { differences: words } = proof
  if (differences.length === 0) return <Text size="sm">{words.none}</Text>
  const ordered = differences.toSorted((one, other) => one.kind.localeCompare(other.kind))
  const more = ordered.length - MOST_SHOWN
  return (
    <Stack gap="xs">
      <Alert color="red" variant="light">
        {words.what}
      </Alert>
      <DataTable<Difference>
        caption={words.caption}
        rows={ordered.slice(0, MOST_SHOWN)}
        keyOf={({ kind, object, found }) => `${kind} ${object} ${found}`}
        columns={[
          {
            key: 'object',
            header: words.object,
            label: words.object,
            cell: ({ object }) => <LongText>{object}</LongText>,
          },
          {
            key: 'kind',
            header: words.kind,
            label: words.kind,
            cell: ({ kind }) => wordOf(words.kinds, kind),
          },
          {
            key: 'change',
            header: words.change,
            label: words.change,
            cell: ({ change }) => (change === undefined ? '–' : wordOf(words.changes, change)),
          },
          {
            key: 'expected',
            header: words.expected,
            label: words.expected,
            cell: ({ expected }) => <LongText>{expected}</LongText>,
          },
          {
            key: 'found',
            header: words.found,
            label: words.found,
            cell: ({ found }) => <LongText>{found}</LongText>,
          },
        ]}
      />
      {more > 0 ? <Text size="sm">{words.further(format.number(more))}</Text> : null}
    </Stack>
  )
}

export function NotCovered({ notCovered }: Pick<DrillReport, 'notCovered'>) {
  const { proof } = useWords()
  const format = useFormat()
  const { notCovered: words } = proof
  if (notCovered.length === 0) return <Text size="sm">{words.none}</Text>
  const more = notCovered.length - MOST_SHOWN
  return (
    <Stack gap="xs">
      <DataTable
        caption={words.caption}
        rows={notCovered.slice(0, MOST_SHOWN)}
        keyOf={({ table, reason }) => `${table} ${reason}`}
        columns={[
          {
            key: 'table',
            header: words.object,
            label: words.object,
            cell: ({ table }) => <PlainText>{table}</PlainText>,
          },
          {
            key: 'reason',
            header: words.reason,
            label: words.reason,
            cell: ({ reason }) => <PlainText>{reason}</PlainText>,
          },
        ]}
      />
      {more > 0 ? <Text size="sm">{proof.differences.further(format.number(more))}</Text> : null}
    </Stack>
  )
}

/** The largest tables with their rows, shown when they are asked for. */
export function Tables({ tables, furtherTables }: Pick<RecordFacts, 'tables' | 'furtherTables'>) {
  const { proof } = useWords()
  const format = useFormat()
  const [isOpen, setOpen] = useState(false)
  const { tables: words } = proof
  const more = tables.length - MOST_SHOWN + furtherTables
  return (
    <Stack gap="xs" align="flex-start">
      <Button variant="default" size="xs" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {isOpen ? words.hide : words.show}
      </Button>
      {isOpen ? (
        <>
          <DataTable
            caption={words.caption}
            rows={tables.slice(0, MOST_SHOWN)}
            keyOf={({ table }) => table}
            columns={[
              {
                key: 'table',
                header: words.table,
                label: words.table,
                cell: ({ table }) => <PlainText>{table}</PlainText>,
              },
              {
                key: 'rows',
                header: words.rows,
                label: words.rows,
                isNumber: true,
                cell: ({ rows }) => (rows === undefined ? '–' : format.number(rows)),
              },
              {
                key: 'result',
                header: words.result,
                label: words.result,
                cell: ({ result }) => wordOf(words.results, result),
              },
            ]}
          />
          {more > 0 ? <Text size="sm">{proof.differences.further(format.number(more))}</Text> : null}
        </>
      ) : null}
    </Stack>
  )
}
