import { Text } from '@mantine/core'
import type { Job } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { JobLink } from '#screens/jobs/job-link.tsx'
import { JobState } from '#screens/jobs/job-state.tsx'
import { type Column, DataTable } from '#shell/data-table.tsx'
import { useWords } from '#words/language.tsx'

export function JobTable({ items }: { items: readonly Job[] }) {
  const { jobs } = useWords()
  const format = useFormat()
  if (items.length === 0) return null
  const { columns: names } = jobs
  const columns: Column<Job>[] = [
    { key: 'job', header: names.job, label: '', cell: job => <Subject job={job} /> },
    { key: 'state', header: names.state, label: names.state, cell: job => <JobState job={job} /> },
    {
      key: 'project',
      header: names.project,
      label: names.project,
      cell: job => <PlainText>{job.project_id}</PlainText>,
    },
    {
      key: 'begun',
      header: names.begun,
      label: names.begun,
      cell: job => <Time at={job.created_at} isRelative />,
    },
    {
      key: 'took',
      header: names.took,
      label: names.took,
      isNumber: true,
      cell: job => {
        const took = secondsTaken(job)
        return took === undefined ? '–' : format.seconds(took)
      },
    },
    {
      key: 'size',
      header: names.size,
      label: names.size,
      isNumber: true,
      cell: ({ progress: { bytes_done } }) => (bytes_done === 0 ? '–' : format.bytes(bytes_done)),
    },
  ]
  return <DataTable caption={jobs.list} columns={columns} rows={items} keyOf={({ id }) => id} />
}

/** With the reason of a failure, so that nobody has to look for it. */
function Subject({ job }: { job: Job }) {
  const { error, state } = job
  return (
    <div>
      <JobLink job={job} />
      {error !== null && state !== 'cancelled' ? (
        <Text size="xs" c="dimmed" lineClamp={2}>
          <PlainText>{error.message}</PlainText>
        </Text>
      ) : null}
    </div>
  )
}

/** Undefined before it started, and while it runs. */
function secondsTaken({ started_at, finished_at }: Job): number | undefined {
  if (started_at === null || finished_at === null) return undefined
  return (Date.parse(finished_at) - Date.parse(started_at)) / 1_000
}
