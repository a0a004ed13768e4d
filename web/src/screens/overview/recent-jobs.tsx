import { Group, Text } from '@mantine/core'
import type { Job } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { JobLink } from '#screens/jobs/job-link.tsx'
import { JobState } from '#screens/jobs/job-state.tsx'
import styles from '#screens/overview/overview.module.css'
import { useWords } from '#words/language.tsx'

/** More are on the screen of the jobs. */
const SHOWN = 10

/** The newest jobs as a list: the only table of the overview is that of the sources. */
export function RecentJobs({ jobs }: { jobs: readonly Job[] }) {
  const { overview } = useWords()
  return (
    <ul className={styles.list} aria-label={overview.lastDay}>
      {jobs.slice(0, SHOWN).map(job => (
        <li key={job.id}>
          <Group justify="space-between" gap="xs">
            <div className={styles.jobName}>
              <JobLink job={job} />
            </div>
            <Ending job={job} />
          </Group>
        </li>
      ))}
    </ul>
  )
}

function Ending({ job }: { job: Job }) {
  const format = useFormat()
  const { state, error, created_at, started_at, finished_at } = job
  return (
    <div className={styles.ending}>
      <Group gap="xs">
        <JobState job={job} />
        <Text span size="xs" c="dimmed">
          <Time at={started_at ?? created_at} isRelative />
          {started_at === null || finished_at === null
            ? ''
            : ` · ${format.seconds(Math.max(1, (Date.parse(finished_at) - Date.parse(started_at)) / 1_000))}`}
        </Text>
      </Group>
      {error === null || state === 'cancelled' ? null : (
        <Text size="xs" lang="en">
          <PlainText>{error.message}</PlainText>
        </Text>
      )}
    </div>
  )
}
