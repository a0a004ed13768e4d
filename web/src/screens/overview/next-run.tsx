import { Stack, Text } from '@mantine/core'
import type { Source, SourceOverview } from '#api/generated/types.gen.ts'
import { useNow } from '#format/now.ts'
import { Time } from '#format/time.tsx'
import { useWords } from '#words/language.tsx'

/** When the next backup is due, also in the zone of its schedule. */
export function NextRun({
  source: { next_run_at: at },
  schedules,
}: {
  source: SourceOverview
  schedules: Source['schedules'] | undefined
}) {
  const { overview } = useWords()
  const now = useNow()
  if (at === null) {
    return (
      <Text size="sm" c="dimmed">
        {overview.notScheduled}
      </Text>
    )
  }
  const zone = schedules?.find(schedule => schedule.enabled && schedule.next_run_at === at)?.timezone
  return (
    <Stack gap={2}>
      {Date.parse(at) <= now ? (
        <Text size="sm">{overview.due}</Text>
      ) : (
        <Text size="sm" component="span">
          <Time at={at} isRelative />
        </Text>
      )}
      <Text size="xs" c="dimmed">
        <Time at={at} zone={zone} />
      </Text>
    </Stack>
  )
}
