import { Text } from '@mantine/core'
import type { Job } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { jobName } from '#screens/overview/job-name.ts'
import { JobStateMark } from '#screens/overview/job-state-mark.tsx'
import { DataTable } from '#shell/data-table.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { useWords } from '#words/language.tsx'

/** More are on the screen of the jobs. */
const SHOWN = 10

/** The newest jobs as a table. */
export function RecentJobs({ jobs }: { jobs: readonly Job[] }) {
  const words = useWords()
  const { overview } = words
  const format = useFormat()
  return (
    <DataTable
      caption={overview.lastDay}
      columns={[
        {
          key: 'job',
          header: overview.job,
          label: '',
          cell: job => (
            <AnchorLink to="/jobs/$id" params={{ id: job.id }} size="sm">
              <PlainText>{jobName(job, words)}</PlainText>
            </AnchorLink>
          ),
        },
        {
          key: 'when',
          header: overview.when,
          label: overview.when,
          cell: job => <Time at={job.started_at ?? job.created_at} isRelative />,
        },
        {
          key: 'result',
          header: overview.result,
          label: overview.result,
          cell: ({ state, error }) => (
            <div>
              <JobStateMark state={state} />
              {error === null || state === 'cancelled' ? null : (
                <Text size="xs" lang="en">
                  <PlainText>{error.message}</PlainText>
                </Text>
              )}
            </div>
          ),
        },
        {
          key: 'took',
          header: overview.took,
          label: overview.took,
          cell: ({ started_at, finished_at }) =>
            started_at === null || finished_at === null
              ? '–'
              : format.seconds(Math.max(1, (Date.parse(finished_at) - Date.parse(started_at)) / 1_000)),
          isNumber: true,
        },
      ]}
      rows={jobs.slice(0, SHOWN)}
      keyOf={({ id }) => id}
    />
  )
}
