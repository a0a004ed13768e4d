import { Alert, Stack } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import { listJobsOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { BackupDetails } from '#api/generated/types.gen.ts'
import { RunningJob } from '#screens/jobs/running-job.tsx'
import { useWords } from '#words/language.tsx'

/** The jobs that work on a backup now, with their progress. */
export function BackupWork({ backup: { id } }: { backup: BackupDetails }) {
  const { backup } = useWords()
  const jobs = useQueries({
    queries: (['running', 'queued'] as const).map(state =>
      listJobsOptions({ query: { backup_id: id, state } }),
    ),
    combine: answers => answers.flatMap(({ data }) => data?.items ?? []),
  })
  if (jobs.length === 0) return null
  return (
    <Alert color="blue" variant="light" title={backup.working.title} role="status">
      <Stack gap="sm">
        {jobs.map(job => (
          <RunningJob key={job.id} job={job} />
        ))}
      </Stack>
    </Alert>
  )
}
