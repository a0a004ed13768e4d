import { Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getJobOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { Job } from '#api/generated/types.gen.ts'
import { Time } from '#format/time.tsx'
import { CancelJob } from '#screens/jobs/cancel-job.tsx'
import { JobLink } from '#screens/jobs/job-link.tsx'
import { JobProgress } from '#screens/jobs/job-progress.tsx'
import { JobState } from '#screens/jobs/job-state.tsx'

/** A job that has not ended: how far it is, and a way to cancel it. Its events keep that up to date. */
export function RunningJob({ job: listed }: { job: Job }) {
  const { data: job } = useQuery({ ...getJobOptions({ path: { id: listed.id } }), initialData: listed })
  return (
    <Stack gap={4}>
      <Group justify="space-between" gap="md">
        <Group gap="sm">
          <JobLink job={job} />
          <Text size="xs" c="dimmed" component="span">
            <Time at={job.started_at ?? job.created_at} isRelative />
          </Text>
        </Group>
        <CancelJob job={job} />
      </Group>
      {job.state === 'running' ? <JobProgress job={job} /> : <JobState job={job} />}
    </Stack>
  )
}
