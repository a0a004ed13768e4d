import { Button, Group, NativeSelect } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { listSourcesOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import { visibleText } from '#format/plain-text.tsx'
import { JOB_KINDS, JOB_STATES, type JobsSearch } from '#screens/jobs/jobs-search.ts'
import { useWords } from '#words/language.tsx'

type Filter = Exclude<keyof JobsSearch, 'cursor'>

/** Which jobs; each choice goes into the address. */
export function JobFilters({
  search,
  change,
}: {
  search: JobsSearch
  change: (filter: Partial<Record<Filter, string | undefined>>) => void
}) {
  const { jobs } = useWords()
  const sources = useQuery(listSourcesOptions()).data?.items ?? []
  const projects = sources.flatMap(({ project_id }) => project_id ?? [])
  const select = (filter: Filter, options: readonly { value: string; label: string }[]) => (
    <NativeSelect
      label={jobs.filters[filter]}
      value={search[filter] ?? ''}
      onChange={({ currentTarget: { value } }) => change({ [filter]: value === '' ? undefined : value })}
      data={[{ value: '', label: jobs.filters.all }, ...options]}
    />
  )
  const isFiltered = [search.project, search.kind, search.state, search.source].some(Boolean)
  return (
    <Group role="search" aria-label={jobs.filters.label} align="flex-end" gap="sm" mb="md">
      {select('project', named(projects, search.project))}
      {select(
        'kind',
        JOB_KINDS.map(value => ({ value, label: jobs.kinds[value] })),
      )}
      {select(
        'state',
        JOB_STATES.map(value => ({ value, label: jobs.states[value] })),
      )}
      {select(
        'source',
        named(
          sources.map(({ name }) => name),
          search.source,
        ),
      )}
      {isFiltered ? (
        <Button
          variant="subtle"
          onClick={() => change({ project: undefined, kind: undefined, state: undefined, source: undefined })}
        >
          {jobs.clear}
        </Button>
      ) : null}
    </Group>
  )
}

/** Names as options, each once; the chosen one too, even if no source has it any more. */
function named(names: readonly string[], chosen: string | undefined): { value: string; label: string }[] {
  const all = new Set(chosen === undefined ? names : [...names, chosen])
  return [...all].sort().map(value => ({ value, label: visibleText(value) }))
}
