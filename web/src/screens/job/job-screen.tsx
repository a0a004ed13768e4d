import { Alert, Code, Group, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { getJobOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { Job } from '#api/generated/types.gen.ts'
import { PlainText } from '#format/plain-text.tsx'
import { JobFacts } from '#screens/job/job-facts.tsx'
import { LogSection } from '#screens/job/log-section.tsx'
import { CancelJob } from '#screens/jobs/cancel-job.tsx'
import { JobProgress } from '#screens/jobs/job-progress.tsx'
import { JobState } from '#screens/jobs/job-state.tsx'
import { jobSubject } from '#screens/jobs/job-subject.ts'
import { HintText } from '#shell/hint.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { LongText } from '#shell/long-text.tsx'
import { QueryView } from '#shell/states.tsx'
import { lookOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

const route = getRouteApi('/signed-in/jobs/$id')

export function JobScreen() {
  const { job } = useWords()
  const { id } = route.useParams()
  const query = useQuery(getJobOptions({ path: { id } }))
  return (
    <Stack gap="lg">
      <AnchorLink to="/jobs" size="sm">
        {job.toJobs}
      </AnchorLink>
      <QueryView query={query}>{found => <OneJob key={found.id} job={found} />}</QueryView>
    </Stack>
  )
}

function OneJob({ job }: { job: Job }) {
  const words = useWords()
  const isOpen = job.state === 'queued' || job.state === 'running'
  return (
    <>
      <Stack gap="xs">
        <Group justify="space-between" align="flex-start">
          <Title order={1}>
            <PlainText>{jobSubject(job, words)}</PlainText>
          </Title>
          <CancelJob job={job} />
        </Group>
        {/* Whoever does not see the page hears when the job ends. */}
        <Text component="div" role="status">
          <JobState job={job} />
        </Text>
        {job.state === 'running' ? <JobProgress job={job} /> : null}
        {job.state === 'queued' ? <Text size="sm">{words.job.waits}</Text> : null}
        {isOpen ? (
          <Text size="sm" c="dimmed">
            {words.job.goesOn}
          </Text>
        ) : null}
      </Stack>
      <Outcome job={job} />
      <JobFacts job={job} />
      <LogSection job={job} />
    </>
  )
}

/** How the job ended, or why its last attempt failed. */
function Outcome({ job: { kind, state, target, bucket_id, error } }: { job: Job }) {
  const { job } = useWords()
  if (state === 'done') {
    const ends = bucket_id === null ? job.ended : { ...job.ended, verify: job.packsSound }
    const words = lookOf<Job['kind'], string | ((target: string) => string)>(ends, kind, '')
    return words === '' ? null : (
      <Alert color="teal" variant="light">
        {typeof words === 'string' ? words : <PlainText>{words(target ?? '–')}</PlainText>}
      </Alert>
    )
  }
  if (state === 'cancelled') return <Alert color="gray" variant="light" title={job.cancelled} />
  if (error === null) return null
  const title = state === 'failed' ? job.failed : job.lastAttemptFailed
  return (
    <Alert color={state === 'failed' ? 'red' : 'yellow'} variant="light" title={title}>
      <Stack gap="xs">
        <Text size="sm">
          <LongText>{error.message}</LongText> <Code>{error.code}</Code>
        </Text>
        <HintText hint={error.hint} />
      </Stack>
    </Alert>
  )
}
