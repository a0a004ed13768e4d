import { Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { listSourcesOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { Overview, Source, SourceOverview } from '#api/generated/types.gen.ts'
import { SizeTrend } from '#charts/size-trend.tsx'
import { useFormat } from '#format/format.ts'
import { NewestBackup } from '#screens/overview/newest-backup.tsx'
import { NextRun } from '#screens/overview/next-run.tsx'
import { ProofCell } from '#screens/overview/proof-cell.tsx'
import { SourceActs } from '#screens/overview/source-acts.tsx'
import { SourceCell } from '#screens/overview/source-cell.tsx'
import { keyOf } from '#screens/overview/source-name.ts'
import { StateMark } from '#screens/overview/state-mark.tsx'
import { type Column, DataTable } from '#shell/data-table.tsx'
import { useMay } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** Columns that need no header beside them on a phone. */
const STANDS_ALONE: ReadonlySet<string> = new Set(['state', 'source', 'acts'])

/** One row for each source; the worst come first. */
export function SourcesTable({ overview: { sources } }: { overview: Overview }) {
  const { overview } = useWords()
  const format = useFormat()
  // Which sources a serve knows, and the zones of their schedules.
  const { data } = useQuery(listSourcesOptions())
  const configuredAs = (of: SourceOverview): Source | undefined =>
    data?.items.find(({ name, project_id }) => name === of.source && project_id === of.project_id)
  const [mayBackUp, mayRestore] = [useMay('backup'), useMay('restore')]
  const column = (
    key: string,
    label: string,
    cell: (source: SourceOverview, configured: Source | undefined) => ReactNode,
  ): Column<SourceOverview> => ({
    key,
    header: label,
    label: STANDS_ALONE.has(key) ? '' : label,
    cell: source => cell(source, configuredAs(source)),
  })
  const columns = [
    column('state', overview.state, ({ state }) => <StateMark state={state} />),
    column('source', overview.source, source => <SourceCell source={source} />),
    column('newest', overview.newest, source => <NewestBackup source={source} />),
    column('next', overview.next, (source, own) => <NextRun source={source} schedules={own?.schedules} />),
    column('proof', overview.proof, ({ proof }) => <ProofCell proof={proof} />),
    column('restore', overview.restoreTime, ({ restore_estimate_seconds: seconds }) =>
      seconds === null ? (
        <Text size="sm" c="dimmed" title={overview.notMeasuredHint}>
          {overview.notMeasured}
        </Text>
      ) : (
        format.seconds(Math.max(1, seconds))
      ),
    ),
    column('size', overview.size, ({ sizes }) => <SizeTrend sizes={sizes} />),
    ...(mayBackUp || mayRestore
      ? [
          column('acts', overview.acts, (source, own) => (
            <SourceActs source={source} configured={own} isKnown={data !== undefined} />
          )),
        ]
      : []),
  ]
  return (
    <Stack gap="xs">
      <Title order={2} size="h4">
        {overview.sources}
      </Title>
      <DataTable caption={overview.sources} columns={columns} rows={sources} keyOf={keyOf} />
    </Stack>
  )
}
