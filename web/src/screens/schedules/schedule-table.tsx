import { Code, Text } from '@mantine/core'
import type { Schedule, Source } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText, visibleText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { JobState } from '#screens/jobs/job-state.tsx'
import { keepWords } from '#screens/schedules/keep.ts'
import { rhythmWords } from '#screens/schedules/rhythm.ts'
import { ScheduleActs } from '#screens/schedules/schedule-acts.tsx'
import { ScheduleSwitch } from '#screens/schedules/schedule-switch.tsx'
import { type Column, DataTable } from '#shell/data-table.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { useWords } from '#words/language.tsx'

export function ScheduleTable({
  items,
  sources,
}: {
  items: readonly Schedule[]
  /** Undefined while they are not known. */
  sources: readonly Source[] | undefined
}) {
  const { schedules: words } = useWords()
  const { columns: names } = words
  const format = useFormat()
  const columns: Column<Schedule>[] = [
    {
      key: 'source',
      header: names.source,
      label: '',
      cell: ({ source, project_id }) => (
        <div>
          <AnchorLink to="/sources/$name" params={{ name: source }} size="sm" fw={600}>
            <PlainText>{source}</PlainText>
          </AnchorLink>
          <Text size="xs" c="dimmed">
            <PlainText>{project_id}</PlainText>
          </Text>
          {sources === undefined || isServed(sources, source) ? null : (
            <Text size="xs" c="red">
              {words.unserved}
            </Text>
          )}
        </div>
      ),
    },
    {
      key: 'when',
      header: names.when,
      label: names.when,
      cell: ({ cron, timezone, jitter }) => (
        <div>
          <div>
            {visibleText(rhythmWords(cron, words, format))} <Code>{visibleText(cron)}</Code>
          </div>
          <Text size="xs" c="dimmed">
            {visibleText(timezone)}
            {jitter > 0 ? ` · ${words.jitter(format.seconds(jitter))}` : ''}
          </Text>
        </div>
      ),
    },
    { key: 'next', header: names.next, label: names.next, cell: schedule => <NextRun schedule={schedule} /> },
    {
      key: 'keep',
      header: names.keep,
      label: names.keep,
      cell: ({ keep }) => <PlainText>{keepWords(keep, words, format)}</PlainText>,
    },
    {
      key: 'last',
      header: names.last,
      label: names.last,
      cell: ({ last_job }) =>
        last_job === null ? (
          words.never
        ) : (
          <AnchorLink to="/jobs/$id" params={{ id: last_job.id }} c="inherit">
            <JobState job={last_job} />
          </AnchorLink>
        ),
    },
    {
      key: 'enabled',
      header: names.enabled,
      label: names.enabled,
      cell: schedule => <ScheduleSwitch schedule={schedule} />,
    },
    { key: 'acts', header: names.acts, label: '', cell: schedule => <ScheduleActs schedule={schedule} /> },
  ]
  return <DataTable caption={words.list} columns={columns} rows={items} keyOf={({ id }) => id} />
}

function isServed(sources: readonly Source[], name: string): boolean {
  return sources.some(source => source.name === name && source.serves > 0)
}

function NextRun({ schedule: { next_run_at, timezone } }: { schedule: Schedule }) {
  const { schedules: words } = useWords()
  if (next_run_at === null) return <Text c="dimmed">{words.noRun}</Text>
  return <Time at={next_run_at} zone={timezone} />
}
