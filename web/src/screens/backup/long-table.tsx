import { Button, Stack } from '@mantine/core'
import { useState } from 'react'
import { type Column, DataTable } from '#shell/data-table.tsx'
import { useWords } from '#words/language.tsx'

/** A backup may have thousands of messages: no more rows than these are shown at once. */
const STEP = 50

/** A table that grows when it is asked to. */
export function LongTable<Row>({
  rows,
  ...table
}: {
  caption: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  keyOf: (row: Row) => string
}) {
  const { backup } = useWords()
  const [shown, setShown] = useState(STEP)
  const more = Math.min(STEP, rows.length - shown)
  return (
    <Stack gap="xs" align="stretch">
      <DataTable {...table} rows={rows.slice(0, shown)} />
      {more <= 0 ? null : (
        <Button variant="default" onClick={() => setShown(shown + STEP)}>
          {backup.moreRows(more)}
        </Button>
      )}
    </Stack>
  )
}
