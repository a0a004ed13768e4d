import { Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { listJobsOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { BackupDetails, Job } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { JobState } from '#screens/jobs/job-state.tsx'
import { type Column, DataTable } from '#shell/data-table.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { Section } from '#shell/section.tsx'
import { QueryView } from '#shell/states.tsx'
import { useWords } from '#words/language.tsx'

const MOST = 20

/** How the restores of this backup that jobs did have ended, newest first. */
export function BackupRestores({ backup: { id, state } }: { backup: BackupDetails }) {
  const { backup } = useWords()
  const query = useQuery(listJobsOptions({ query: { backup_id: id, kind: 'restore', limit: MOST } }))
  if (state !== 'complete' && (query.data?.items ?? []).length === 0) return null
  return (
    <Section title={backup.restored.title}>
      <QueryView query={query}>
        {({ items, next_cursor }) =>
          items.length === 0 ? (
            <Text c="dimmed">{backup.restored.none}</Text>
          ) : (
            <Stack gap="xs">
              <Restores jobs={items} />
              <Text size="sm" c="dimmed">
                {next_cursor === null ? backup.restored.hint : backup.restored.newest(MOST)}
              </Text>
            </Stack>
          )
        }
      </QueryView>
    </Section>
  )
}

function Restores({ jobs }: { jobs: readonly Job[] }) {
  const { backup } = useWords()
  const format = useFormat()
  const { restored: words } = backup
  const columns: Column<Job>[] = [
    named('when', backup.when, ({ created_at }) => <Time at={created_at} />),
    named('target', words.target, ({ target }) => <PlainText>{target}</PlainText>),
    named('result', backup.result, job => <Ended job={job} />),
    named('took', backup.took, ({ started_at, finished_at }) =>
      started_at === null || finished_at === null
        ? '–'
        : format.seconds((Date.parse(finished_at) - Date.parse(started_at)) / 1_000),
    ),
    {
      ...named('job', words.job, ({ id }) => (
        <AnchorLink to="/jobs/$id" params={{ id }}>
          {backup.working.open}
        </AnchorLink>
      )),
      label: '',
    },
  ]
  return <DataTable caption={words.table} columns={columns} rows={jobs} keyOf={({ id }) => id} />
}

function named(key: string, name: string, cell: Column<Job>['cell']): Column<Job> {
  return { key, header: name, label: name, cell }
}

/** With the reason, so that nobody has to look for it. */
function Ended({ job }: { job: Job }) {
  const { error, state } = job
  return (
    <Stack gap={2}>
      <JobState job={job} />
      {error === null || state === 'cancelled' ? null : (
        <Text size="sm">
          <PlainText>{error.message}</PlainText>
        </Text>
      )}
    </Stack>
  )
}
