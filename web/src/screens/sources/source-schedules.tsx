import { Stack, Text } from '@mantine/core'
import type { Source } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { visibleText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { rhythmWords } from '#screens/schedules/rhythm.ts'
import { useWords } from '#words/language.tsx'

/** When a source is backed up by itself. */
export function SourceSchedules({ source: { schedules } }: { source: Source }) {
  const { sources, schedules: words } = useWords()
  const format = useFormat()
  if (schedules.length === 0)
    return (
      <Text size="sm" c="dimmed">
        {sources.noSchedule}
      </Text>
    )
  return (
    <Stack gap={4}>
      {schedules.map(({ id, cron, timezone, enabled, next_run_at }) => (
        <div key={id}>
          <Text size="sm">
            {visibleText(rhythmWords(cron, words, format))}
            {timezone === format.zone ? '' : ` (${visibleText(timezone)})`}
            {enabled ? '' : ` · ${sources.off}`}
          </Text>
          {next_run_at === null ? null : (
            <Text size="xs" c="dimmed">
              {sources.nextRun} <Time at={next_run_at} isRelative />
            </Text>
          )}
        </div>
      ))}
    </Stack>
  )
}
