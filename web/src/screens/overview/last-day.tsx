import { Group, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { listJobsOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { Job } from '#api/generated/types.gen.ts'
import { JobTimeline } from '#charts/job-timeline.tsx'
import { useFormat } from '#format/format.ts'
import { useNow } from '#format/now.ts'
import { jobsOfLastDay, MOST_JOBS } from '#screens/overview/jobs-of-last-day.ts'
import { RecentJobs } from '#screens/overview/recent-jobs.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { QueryView } from '#shell/states.tsx'
import { wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

/** The jobs of the last 24 hours: a sentence, a timeline, and a list. */
export function LastDay() {
  const { overview } = useWords()
  const query = useQuery(listJobsOptions({ query: { limit: MOST_JOBS } }))
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Title order={2} size="h4">
          {overview.lastDay}
        </Title>
        <AnchorLink to="/jobs" size="sm">
          {overview.allJobs}
        </AnchorLink>
      </Group>
      <QueryView query={query}>{({ items }) => <Day jobs={items} />}</QueryView>
    </Stack>
  )
}

function Day({ jobs }: { jobs: readonly Job[] }) {
  const words = useWords()
  const { overview } = words
  const format = useFormat()
  const now = useNow()
  const { shown, counts, since, isCut } = jobsOfLastDay(jobs, new Date(now))
  if (shown.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {overview.noJobs}
      </Text>
    )
  }
  return (
    <>
      <Text size="sm">
        {overview.lastDaySentence(counts)}
        {isCut ? ` (${overview.sinceOnly(format.time(since))})` : ''}
      </Text>
      <JobTimeline
        jobs={shown.map(job => ({
          id: job.id,
          lane: job.source ?? wordOf(words.jobs.kinds, job.kind),
          state: job.state,
          from: Date.parse(job.started_at ?? job.created_at),
          to: job.finished_at === null ? now : Date.parse(job.finished_at),
        }))}
        from={since.getTime()}
        to={now}
      />
      <RecentJobs jobs={shown} />
    </>
  )
}
