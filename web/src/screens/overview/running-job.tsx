import { Group, Progress, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getJobOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { Job } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { useJobPace } from '#live/use-pace.ts'
import { CancelJob } from '#screens/overview/cancel-job.tsx'
import { jobName } from '#screens/overview/job-name.ts'
import { AnchorLink } from '#shell/links.tsx'
import { useMay } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** A job at work: how far it is, how fast, and how long it will take. Its events keep that up to date. */
export function RunningJob({ job: listed }: { job: Job }) {
  const words = useWords()
  const { overview } = words
  const format = useFormat()
  const mayCancel = useMay('backup')
  const { data: job } = useQuery({
    ...getJobOptions({ path: { id: listed.id } }),
    initialData: listed,
  })
  const pace = useJobPace(job)
  const { bytes_done: done, bytes_total: total } = job.progress
  const name = jobName(job, words)
  const facts = [
    total === null ? format.bytes(done) : overview.progress(format.bytes(done), format.bytes(total)),
    ...(pace === undefined || pace.bytesPerSecond <= 0 ? [] : [format.speed(pace.bytesPerSecond)]),
    ...(pace?.secondsLeft == null ? [] : [overview.left(format.seconds(pace.secondsLeft))]),
  ].join(' · ')
  return (
    <Stack gap={4}>
      <Group justify="space-between" gap="md">
        <Group gap="sm">
          <AnchorLink to="/jobs/$id" params={{ id: job.id }} size="sm" fw={600}>
            <PlainText>{name}</PlainText>
          </AnchorLink>
          <Text size="xs" c="dimmed" component="span">
            <Time at={job.started_at ?? job.created_at} isRelative />
          </Text>
        </Group>
        {mayCancel ? <CancelJob id={job.id} name={name} /> : null}
      </Group>
      <Progress.Root size="sm">
        <Progress.Section
          value={percentOf(done, total)}
          animated={total === null}
          striped={total === null}
          aria-label={name}
          aria-valuetext={facts}
        />
      </Progress.Root>
      <Text size="xs">{facts}</Text>
    </Stack>
  )
}

/** The whole bar, which moves, while the end is not known. */
function percentOf(done: number, total: number | null): number {
  if (total === null) return 100
  return total === 0 ? 0 : Math.min(100, (done / total) * 100)
}
