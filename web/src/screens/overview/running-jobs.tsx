import { Stack, Text, Title } from '@mantine/core'
import type { Job } from '#api/generated/types.gen.ts'
import { RunningJob } from '#screens/jobs/running-job.tsx'
import styles from '#screens/overview/overview.module.css'
import { useWords } from '#words/language.tsx'

/** The jobs at work, with what each has done. */
export function RunningJobs({ running }: { running: readonly Job[] }) {
  const { overview } = useWords()
  return (
    <Stack gap="xs">
      <Title order={2} size="h4" id="running-jobs">
        {overview.running}
      </Title>
      {running.length === 0 ? (
        <Text size="sm" c="dimmed">
          {overview.noneRunning}
        </Text>
      ) : (
        <ul className={styles.list} aria-labelledby="running-jobs">
          {running.map(job => (
            <li key={job.id}>
              <RunningJob job={job} />
            </li>
          ))}
        </ul>
      )}
    </Stack>
  )
}
