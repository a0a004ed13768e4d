import { Group, Progress, Stack, Text } from '@mantine/core'
import type { Job } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { visibleText } from '#format/plain-text.tsx'
import { usePace } from '#live/use-pace.ts'
import { jobSubject } from '#screens/jobs/job-subject.ts'
import { useWords } from '#words/language.tsx'

/** How far a running job is: a bar that moves while the end is not known, bytes, speed and time left. */
export function JobProgress({ job }: { job: Job }) {
  const words = useWords()
  const { jobs } = words
  const format = useFormat()
  const { bytes_done, bytes_total, parts_done } = job.progress
  const pace = usePace(bytes_done, bytes_total)
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
      <Progress.Root size="sm">
        <Progress.Section
          value={percentOf(bytes_done, bytes_total)}
          animated={bytes_total === null}
          striped={bytes_total === null}
          aria-label={visibleText(jobs.progress(jobSubject(job, words)))}
          aria-valuetext={facts.length === 0 ? undefined : facts.join(', ')}
        />
      </Progress.Root>
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

function percentOf(done: number, total: number | null): number {
  if (total === null) return 100
  return total === 0 ? 0 : Math.min(100, (done / total) * 100)
}
