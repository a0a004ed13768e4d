import { List, Stack, Text } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { previewSchedule } from '#api/generated/sdk.gen.ts'
import { asProblem } from '#api/problem.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { useWords } from '#words/language.tsx'

/** When a schedule would run, as the server reckons it: in the viewer’s zone, and in its own beside it. */
export function useNextRuns({ cron, timezone }: { cron: string; timezone: string }) {
  return useQuery({
    queryKey: [{ _id: 'previewSchedule', cron, timezone }],
    queryFn: async ({ signal }) => {
      const body = { cron, ...(timezone !== '' && { timezone }) }
      return (await previewSchedule({ body, signal })).data
    },
    enabled: cron !== '',
    placeholderData: keepPreviousData,
  })
}

export function NextRuns({ query, zone }: { query: ReturnType<typeof useNextRuns>; zone: string }) {
  const { form } = useWords().schedules
  const format = useFormat()
  const { data, error } = query
  return (
    <Stack gap={4} aria-live="polite">
      <Text size="sm" fw={500}>
        {form.nextRuns} ({format.zone})
      </Text>
      {error !== null ? (
        <Text size="sm" c="red">
          <PlainText>{asProblem(error).message}</PlainText>
        </Text>
      ) : (
        <List size="sm">
          {data?.next_runs.map(run => (
            <List.Item key={run}>
              <Time at={run} zone={zone} />
            </List.Item>
          ))}
        </List>
      )}
    </Stack>
  )
}
