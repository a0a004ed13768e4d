import { ScrollArea, Stack, Text } from '@mantine/core'
import { asProblem } from '#api/problem.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import type { PreviewRow } from '#screens/schedules/preview-rows.ts'
import type { usePreview } from '#screens/schedules/use-preview.ts'
import { type Column, DataTable } from '#shell/data-table.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { Failed, Loading } from '#shell/states.tsx'
import { useWords } from '#words/language.tsx'

const MOST_ROWS = 100
const COLORS = { goesToo: 'red', goes: 'red', waits: 'orange', stays: undefined } as const

/** Which backups stay and which go, and why. `isChange`: compared with the rules of now. */
export function RetentionPreviewView({
  preview: { rows, known, error },
  isChange,
}: {
  preview: ReturnType<typeof usePreview>
  isChange: boolean
}) {
  const { preview: words } = useWords().schedules
  const format = useFormat()
  if (error !== null) return <Failed problem={asProblem(error)} />
  if (rows === undefined) return <Loading />
  if (rows.length === 0) return <Text size="sm">{words.none}</Text>
  const count = (fate: PreviewRow['fate']): number => rows.filter(row => row.fate === fate).length
  const [goes, saved] = [count('goes') + count('goesToo'), rows.filter(row => row.isSaved).length]
  const columns: Column<PreviewRow>[] = [
    {
      key: 'what',
      header: words.columns.what,
      label: words.columns.what,
      cell: ({ fate }) => (
        <Text span size="sm" c={COLORS[fate]} fw={fate === 'stays' ? undefined : 600}>
          {isChange || fate !== 'goesToo' ? words[fate] : words.goes}
        </Text>
      ),
    },
    {
      key: 'made',
      header: words.columns.made,
      label: words.columns.made,
      cell: ({ id }) => (
        <AnchorLink to="/backups/$id" params={{ id }} size="sm">
          {known.has(id) ? <Time at={known.get(id)?.created_at ?? ''} /> : id.slice(0, 8)}
        </AnchorLink>
      ),
    },
    {
      key: 'size',
      header: words.columns.size,
      label: words.columns.size,
      isNumber: true,
      cell: ({ id }) => (known.has(id) ? format.bytes(known.get(id)?.size ?? 0) : '–'),
    },
    {
      key: 'why',
      header: words.columns.why,
      label: words.columns.why,
      cell: ({ reasons }) => <PlainText>{reasons.join(', ')}</PlainText>,
    },
  ]
  const facts = [
    (isChange ? words.changed : words.now)(words.stay(rows.length - goes), words.go(goes)),
    isChange && count('goesToo') > 0 ? words.more(count('goesToo')) : undefined,
    isChange && count('goesToo') + count('waits') === 0 ? words.noChange : undefined,
    isChange && saved > 0 ? words.saved(saved) : undefined,
    count('waits') > 0 ? words.confirmation(count('waits')) : undefined,
  ].filter(fact => fact !== undefined)
  return (
    <Stack gap="xs">
      <div role="status">
        {facts.map(fact => (
          <Text key={fact} size="sm">
            {fact}
          </Text>
        ))}
      </div>
      <ScrollArea.Autosize
        mah={320}
        type="auto"
        viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': words.table }}
      >
        <DataTable
          caption={words.table}
          columns={columns}
          rows={rows.slice(0, MOST_ROWS)}
          keyOf={({ id }) => id}
        />
        {rows.length > MOST_ROWS ? (
          <Text size="sm" c="dimmed">
            {words.andMore(rows.length - MOST_ROWS)}
          </Text>
        ) : null}
      </ScrollArea.Autosize>
      <Text size="xs" c="dimmed">
        {words.guards}
      </Text>
    </Stack>
  )
}
