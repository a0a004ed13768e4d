import { Alert, Group, Progress, Stack, Text } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import { listJobsOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { BackupDetails, Job } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { AnchorLink } from '#shell/links.tsx'
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
          <Work key={job.id} job={job} />
        ))}
      </Stack>
    </Alert>
  )
}

function Work({ job: { id, kind, state, progress } }: { job: Job }) {
  const { backup } = useWords()
  const { bytes_done: done, bytes_total: total } = progress
  const format = useFormat()
  return (
    <Stack gap={4}>
      <Group justify="space-between">
        <Text size="sm">
          {backup.working.kinds[kind]} {state === 'queued' ? backup.working.queued : backup.working.running}
          {done === 0 ? '' : ` · ${format.bytes(done)}${total === null ? '' : ` / ${format.bytes(total)}`}`}
        </Text>
        <AnchorLink to="/jobs/$id" params={{ id }} size="sm">
          {backup.working.open}
        </AnchorLink>
      </Group>
      {state === 'running' && total !== null && total > 0 ? (
        <Progress
          value={Math.min(100, (done / total) * 100)}
          size="sm"
          aria-label={backup.working.kinds[kind]}
        />
      ) : null}
    </Stack>
  )
}
