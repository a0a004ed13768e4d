import { Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getOverviewOptions, listJobsOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { Job } from '#api/generated/types.gen.ts'
import { DurationBars } from '#charts/duration-bars.tsx'
import { SizeTrend } from '#charts/size-trend.tsx'
import { JobTable } from '#screens/jobs/job-table.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { Section } from '#shell/section.tsx'
import { QueryView } from '#shell/states.tsx'
import { useWords } from '#words/language.tsx'

/** So many bars fit on a phone. */
const RUNS = 24
const JOBS_SHOWN = 10

/** What became of a source: sizes, durations and jobs; also of one that is in no file any more. */
export function SourceHistory({ name }: { name: string }) {
  const { sources } = useWords()
  const overview = useQuery(getOverviewOptions())
  const jobs = useQuery(listJobsOptions({ query: { source: name, kind: 'backup', limit: RUNS } }))
  const sizes = overview.data?.sources.find(({ source }) => source === name)?.sizes ?? []
  return (
    <>
      <Section title={sources.sections.sizes}>
        {sizes.length === 0 ? <Text size="sm">{sources.noBackups}</Text> : <SizeTrend sizes={sizes} />}
        <Group>
          <AnchorLink to="/backups" search={{ source: name }} size="sm">
            {sources.allBackups}
          </AnchorLink>
        </Group>
      </Section>
      <QueryView query={jobs}>
        {({ items }) => (
          <>
            <Section title={sources.sections.durations}>
              <DurationBars runs={items.flatMap(runOf).reverse()} />
            </Section>
            <Section title={sources.sections.jobs}>
              {items.length === 0 ? (
                <Text size="sm">{sources.noJobs}</Text>
              ) : (
                <JobTable items={items.slice(0, JOBS_SHOWN)} />
              )}
              <Group>
                <AnchorLink to="/jobs" search={{ source: name }} size="sm">
                  {sources.allJobs}
                </AnchorLink>
              </Group>
            </Section>
          </>
        )}
      </QueryView>
    </>
  )
}

/** How long a run took; nothing for one that was cancelled, or has not ended. */
function runOf({ id, state, started_at, finished_at }: Job) {
  if (started_at === null || finished_at === null || state === 'cancelled') return []
  const seconds = (Date.parse(finished_at) - Date.parse(started_at)) / 1_000
  return [{ id, at: started_at, seconds, isGood: state === 'done' }]
}
