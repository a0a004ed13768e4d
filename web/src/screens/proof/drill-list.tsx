import { Button, Group, Select, Stack } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { listDrillsOptions, listSourcesOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { Verification } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText, visibleText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { recoverySeconds, reportOf, resultOf } from '#screens/proof/drill-report.ts'
import { ResultBadge, useComparedWords } from '#screens/proof/drill-result.tsx'
import { type ProofSearch, STATES } from '#screens/proof/proof-search.ts'
import { DataTable } from '#shell/data-table.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { Pages } from '#shell/pages.tsx'
import { Empty, QueryView } from '#shell/states.tsx'
import { useWords } from '#words/language.tsx'

const PAGE = 25

export function DrillList() {
  const { proof } = useWords()
  const search = useSearch({ from: '/signed-in/proof' })
  const navigate = useNavigate({ from: '/proof' })
  const { project, source, state, cursor } = search
  const query = useQuery({
    ...listDrillsOptions({
      query: {
        limit: PAGE,
        ...(project !== undefined && { project_id: project }),
        ...(source !== undefined && { source }),
        ...(state !== undefined && { state }),
        ...(cursor !== undefined && { cursor }),
      },
    }),
    placeholderData: keepPreviousData,
  })
  const isFiltered = project !== undefined || source !== undefined || state !== undefined
  const filter = (changed: ProofSearch): void => void navigate({ search: changed })
  return (
    <Stack>
      <Filters search={search} change={filter} />
      <QueryView query={query}>
        {({ items, next_cursor }) => (
          <>
            {items.length > 0 ? (
              <Drills items={items} />
            ) : (
              <Empty title={isFiltered ? proof.drills.emptyFiltered : proof.drills.empty}>
                {isFiltered ? (
                  <Button variant="default" size="xs" onClick={() => filter({})}>
                    {proof.drills.clear}
                  </Button>
                ) : (
                  proof.drills.emptyHint
                )}
              </Empty>
            )}
            <Pages
              cursor={cursor}
              next={next_cursor}
              go={({ cursor: to, state }) => void navigate({ search: { ...search, cursor: to }, state })}
            />
          </>
        )}
      </QueryView>
    </Stack>
  )
}

/** A changed filter begins with the newest again. */
function Filters({ search, change }: { search: ProofSearch; change: (search: ProofSearch) => void }) {
  const { proof } = useWords()
  const { data } = useQuery(listSourcesOptions())
  const sources = data?.items ?? []
  const projects = new Set(sources.flatMap(({ project_id: id }) => (id === null ? [] : [id])))
  const choose = (name: 'project' | 'source' | 'state', value: string | null): void =>
    change({ ...without(without(search, 'cursor'), name), ...(value !== null && { [name]: value }) })
  return (
    <Group gap="sm" align="flex-end">
      <Select
        label={proof.project}
        placeholder={proof.drills.all}
        data={withCurrent([...projects], search.project)}
        value={search.project ?? null}
        onChange={value => choose('project', value)}
        clearable
        w="12rem"
      />
      <Select
        label={proof.source}
        placeholder={proof.drills.all}
        data={withCurrent(
          sources.map(({ name }) => name),
          search.source,
        )}
        value={search.source ?? null}
        onChange={value => choose('source', value)}
        clearable
        searchable
        w="12rem"
      />
      <Select
        label={proof.drills.state}
        placeholder={proof.drills.all}
        data={STATES.map(value => ({ value, label: proof.drills.states[value] }))}
        value={search.state ?? null}
        onChange={value => choose('state', value)}
        clearable
        w="12rem"
      />
    </Group>
  )
}

/** What the address asks for can be seen and taken away, though nothing of that name exists any longer. */
function withCurrent(known: readonly string[], current: string | undefined): string[] {
  return [...new Set([...known, ...(current === undefined ? [] : [current])])].sort()
}

function without(search: ProofSearch, name: keyof ProofSearch): ProofSearch {
  const { [name]: _, ...others } = search
  return others
}

function Drills({ items }: { items: readonly Verification[] }) {
  const { proof } = useWords()
  const format = useFormat()
  const comparedWords = useComparedWords()
  return (
    <DataTable
      caption={proof.drills.caption}
      rows={items}
      keyOf={({ id }) => id}
      columns={[
        {
          key: 'when',
          header: proof.drills.when,
          label: proof.drills.when,
          cell: ({ started_at: at }) => <Time at={at} isRelative />,
        },
        {
          key: 'source',
          header: proof.source,
          label: proof.source,
          cell: ({ source_name: name }) => (name === null ? proof.byHand : <PlainText>{name}</PlainText>),
        },
        {
          key: 'project',
          header: proof.project,
          label: proof.project,
          cell: ({ project_id: id }) => <PlainText>{id}</PlainText>,
        },
        {
          key: 'result',
          header: proof.drills.result,
          label: proof.drills.result,
          cell: drill => <ResultBadge result={resultOf(drill)} />,
        },
        {
          key: 'compared',
          header: proof.drills.compared,
          label: proof.drills.compared,
          cell: drill => <PlainText>{comparedWords(reportOf(drill))}</PlainText>,
        },
        {
          key: 'took',
          header: proof.drills.took,
          label: proof.drills.took,
          isNumber: true,
          cell: drill => {
            const { phases } = reportOf(drill)
            return phases === undefined ? '–' : format.seconds(recoverySeconds(phases))
          },
        },
        {
          key: 'whole',
          header: proof.drills.whole,
          label: proof.drills.whole,
          isNumber: true,
          cell: drill => {
            const { seconds } = reportOf(drill)
            return seconds === undefined ? '–' : format.seconds(seconds)
          },
        },
        {
          key: 'details',
          header: '',
          label: '',
          cell: ({ id, source_name: name, started_at: at }) => (
            <AnchorLink
              inherit
              to="/proof/$id"
              params={{ id }}
              aria-label={proof.drills.detailsOf(
                name === null ? proof.byHand : visibleText(name),
                format.time(at),
              )}
            >
              {proof.drills.details}
            </AnchorLink>
          ),
        },
      ]}
    />
  )
}
