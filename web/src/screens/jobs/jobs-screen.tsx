import { Paper, Stack, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { listJobsOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import { JobFilters } from '#screens/jobs/job-filters.tsx'
import { JobTable } from '#screens/jobs/job-table.tsx'
import type { JobsSearch } from '#screens/jobs/jobs-search.ts'
import { RunningJob } from '#screens/jobs/running-job.tsx'
import { Pages } from '#shell/pages.tsx'
import { Empty, QueryView } from '#shell/states.tsx'
import { useWords } from '#words/language.tsx'

const route = getRouteApi('/signed-in/jobs')
const PAGE = 30

export function JobsScreen() {
  const { jobs, shell } = useWords()
  const { cursor, ...filters } = route.useSearch()
  const navigate = route.useNavigate()
  const { project: project_id, ...rest } = filters
  const query = useQuery(listJobsOptions({ query: { project_id, ...rest, cursor, limit: PAGE } }))
  // They stand above the table, at their newest.
  const isRunningAbove = cursor === undefined && (filters.state ?? 'running') === 'running'
  const isFiltered = Object.values(filters).some(Boolean)
  return (
    <Stack gap="md">
      <Title order={1}>{shell.jobs}</Title>
      <JobFilters
        search={filters}
        change={change => void navigate({ search: { ...filters, ...change } as JobsSearch })}
      />
      {isRunningAbove ? <RunningJobs filters={filters} /> : null}
      <QueryView query={query}>
        {({ items, next_cursor }) =>
          items.length === 0 && cursor === undefined ? (
            <Empty title={isFiltered ? jobs.noneFound : jobs.none}>
              {isFiltered ? undefined : jobs.noneHint}
            </Empty>
          ) : (
            <>
              <JobTable items={items.filter(({ state }) => !isRunningAbove || state !== 'running')} />
              <Pages
                cursor={cursor}
                next={next_cursor}
                go={({ cursor: to, state }) => void navigate({ search: { ...filters, cursor: to }, state })}
              />
            </>
          )
        }
      </QueryView>
    </Stack>
  )
}

/** Also those that began so long ago that they stand on a later page. */
function RunningJobs({ filters: { project: project_id, kind, source } }: { filters: JobsSearch }) {
  const words = useWords()
  const { data } = useQuery(
    listJobsOptions({ query: { project_id, kind, source, state: 'running', limit: PAGE } }),
  )
  if (data === undefined || data.items.length === 0) return null
  return (
    <Paper withBorder p="md" component="section" aria-labelledby="running-jobs">
      <Title order={2} size="h4" id="running-jobs" mb="sm">
        {words.jobs.running}
      </Title>
      <Stack gap="md">
        {data.items.map(job => (
          <RunningJob key={job.id} job={job} />
        ))}
      </Stack>
    </Paper>
  )
}
