import { Group, Progress, Stack, Text } from '@mantine/core'
import type { Job } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { visibleText } from '#format/plain-text.tsx'
import { useJobPace } from '#live/use-pace.ts'
import { jobSubject } from '#screens/jobs/job-subject.ts'
import { useWords } from '#words/language.tsx'

/** How far a running job is: a bar where the whole is known, bytes, speed and the time left. */
export function JobProgress({ job }: { job: Job }) {
  const words = useWords()
  const { jobs } = words
  const format = useFormat()
  const pace = useJobPace(job)
  const { bytes_done, bytes_total, parts_done } = job.progress
  const facts = [
    bytes_total === null
      ? bytes_done === 0
        ? undefined
        : jobs.bytes(format.bytes(bytes_done))
      : jobs.ofBytes(format.bytes(bytes_done), format.bytes(bytes_total)),
    parts_done > 0 ? jobs.parts(parts_done) : undefined,
    pace === undefined || pace.bytesPerSecond <= 0 ? undefined : format.speed(pace.bytesPerSecond),
    pace?.secondsLeft == null ? undefined : jobs.left(format.seconds(pace.secondsLeft)),
  ].filter(fact => fact !== undefined)
  return (
    <Stack gap={4}>
      {bytes_total === null || bytes_total === 0 ? null : (
        <Progress
          value={Math.min(100, (bytes_done / bytes_total) * 100)}
          aria-label={visibleText(jobs.progress(jobSubject(job, words)))}
        />
      )}
      <Group gap="md">
        {facts.map(fact => (
          <Text key={fact} span size="sm" c="dimmed">
            {fact}
          </Text>
        ))}
      </Group>
    </Stack>
  )
}
