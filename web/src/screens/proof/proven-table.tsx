import { Button, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { getOverviewOptions, listSourcesOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { SourceOverview } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText, visibleText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { StartDrill } from '#screens/proof/start-drill.tsx'
import { DataTable } from '#shell/data-table.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { Empty, QueryView } from '#shell/states.tsx'
import { useMay } from '#shell/whoami.ts'
import { wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

/** What each source is proven as, and since when. */
export function ProvenTable() {
  const { proof } = useWords()
  const query = useQuery(getOverviewOptions())
  const [asked, setAsked] = useState<SourceOverview>()
  return (
    <>
      <QueryView query={query}>
        {({ sources }) =>
          sources.length === 0 ? (
            <Empty title={proof.noSources}>{proof.noSourcesHint}</Empty>
          ) : (
            <Sources sources={sources} start={setAsked} />
          )
        }
      </QueryView>
      {asked?.last_good == null ? null : (
        <StartDrill
          name={asked.source ?? proof.byHand}
          backup={asked.last_good}
          project={asked.project_id}
          type={asked.type}
          close={() => setAsked(undefined)}
        />
      )}
    </>
  )
}

function Sources({
  sources,
  start,
}: {
  sources: readonly SourceOverview[]
  start: (source: SourceOverview) => void
}) {
  const { proof } = useWords()
  const format = useFormat()
  const mayDrill = useMay('restore')
  const { data: configured } = useQuery(listSourcesOptions())
  const limitOf = ({ source, project_id }: SourceOverview): number | null =>
    configured?.items.find(one => one.name === source && one.project_id === project_id)?.drill_within_hours ??
    null
  return (
    <DataTable
      caption={proof.sources}
      rows={sources}
      keyOf={({ source, project_id, type }) => `${source} ${project_id} ${type}`}
      columns={[
        {
          key: 'source',
          header: proof.source,
          label: '',
          cell: ({ source }) => (
            <Text fw={600} size="sm" component="span">
              {source === null ? proof.byHand : <PlainText>{source}</PlainText>}
            </Text>
          ),
        },
        {
          key: 'project',
          header: proof.project,
          label: proof.project,
          cell: ({ project_id: id }) => <PlainText>{id}</PlainText>,
        },
        {
          key: 'at',
          header: proof.provenAt,
          label: proof.provenAt,
          cell: ({ proof: { at, drill_id: drill } }) => {
            if (at === null) return proof.never
            if (drill === null) return <Time at={at} isRelative />
            return (
              <AnchorLink inherit to="/proof/$id" params={{ id: drill }}>
                <Time at={at} isRelative />
              </AnchorLink>
            )
          },
        },
        {
          key: 'within',
          header: proof.within,
          label: proof.within,
          cell: source => {
            const hours = limitOf(source)
            return hours === null ? proof.noLimit : format.seconds(hours * 3_600)
          },
        },
        {
          key: 'shows',
          header: proof.shows,
          label: proof.shows,
          cell: ({ proof: { depth, ok } }) =>
            ok === false ? (
              <Text c="var(--page-bad)" component="span" size="sm" fw={600}>
                {proof.failedProof}
              </Text>
            ) : (
              wordOf(proof.depths, depth)
            ),
        },
        {
          key: 'restore',
          header: proof.restoreTime,
          label: proof.restoreTime,
          cell: ({ restore_estimate_seconds: seconds }) =>
            seconds === null ? proof.unknown : format.seconds(seconds),
        },
        {
          key: 'acts',
          header: '',
          label: '',
          cell: source => (
            <Button
              size="xs"
              variant="default"
              disabled={!mayDrill || source.last_good === null}
              title={
                mayDrill
                  ? source.last_good === null
                    ? proof.start.noBackup
                    : undefined
                  : proof.start.notAllowed
              }
              aria-label={proof.start.of(source.source === null ? proof.byHand : visibleText(source.source))}
              onClick={() => start(source)}
            >
              {proof.start.button}
            </Button>
          ),
        },
      ]}
    />
  )
}
