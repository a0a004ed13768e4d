import { Alert, Group, Progress, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { getJobOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { BackupDetails, Job } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { recordedTables } from '#screens/restore/recorded-tables.ts'
import { StepHeading } from '#screens/restore/step-trail.tsx'
import { HintText } from '#shell/hint.tsx'
import { ButtonLink } from '#shell/links.tsx'
import { QueryView } from '#shell/states.tsx'
import { lookOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

const COLORS: Readonly<Record<Job['state'], string>> = {
  queued: 'blue',
  running: 'blue',
  done: 'teal',
  failed: 'red',
  cancelled: 'yellow',
}

/** The restore has begun; this follows it, and says that nobody needs to. */
export function StepStarted({ backup: found }: { backup: BackupDetails }) {
  const { id } = found
  const { restore } = useWords()
  const { started: words } = restore
  const { job = '' } = useSearch({ from: '/signed-in/backups/$id/restore' })
  const query = useQuery(getJobOptions({ path: { id: job } }))
  return (
    <Stack>
      <StepHeading step="started" />
      <QueryView query={query}>{of => <Progressing job={of} backup={found} />}</QueryView>
      <Group>
        <ButtonLink to="/jobs/$id" params={{ id: job }}>
          {words.job}
        </ButtonLink>
        <ButtonLink to="/backups/$id/restore" params={{ id }} search={{}} variant="default">
          {words.another}
        </ButtonLink>
      </Group>
    </Stack>
  )
}

function Progressing({ job, backup: found }: { job: Job; backup: BackupDetails }) {
  const { state, progress, error } = job
  const { started: words } = useWords().restore
  const format = useFormat()
  const { bytes_done: done, bytes_total: total } = progress
  const isOver = state !== 'queued' && state !== 'running'
  return (
    <Stack>
      <Alert
        color={lookOf(COLORS, state, 'blue')}
        variant="light"
        role={state === 'failed' ? 'alert' : 'status'}
      >
        <Stack gap="xs">
          <Text fw={600}>{error?.code === 'INTERRUPTED' ? words.interrupted : words[state]}</Text>
          {state === 'done' ? <Held job={job} backup={found} /> : null}
          {error === null ? null : (
            <Text size="sm">
              <PlainText>{error.message}</PlainText>
            </Text>
          )}
          <HintText hint={error?.hint} />
          {isOver ? null : <Text size="sm">{words.goesOn}</Text>}
        </Stack>
      </Alert>
      {state !== 'running' || total === null || total === 0 ? null : (
        <Stack gap={4}>
          <Progress value={Math.min(100, (done / total) * 100)} aria-label={words.running} />
          <Text size="sm">{words.progress(format.bytes(done), format.bytes(total))}</Text>
        </Stack>
      )}
    </Stack>
  )
}

/** Where the person finds what was restored, and how much that is. */
function Held({ job: { target }, backup: found }: { job: Job; backup: BackupDetails }) {
  const { started: words } = useWords().restore
  const format = useFormat()
  const recorded = recordedTables(found)
  const name = target ?? '–'
  const counted = (count: number, word: string): string => `${format.number(count)} ${word}`
  return (
    <Text size="sm">
      <PlainText>
        {recorded === undefined || !recorded.isWhole || recorded.tables === 0
          ? words.holds(name)
          : words.holdsTables(
              name,
              counted(recorded.tables, words.tables(recorded.tables)),
              counted(recorded.rows, words.rows(recorded.rows)),
            )}
      </PlainText>
    </Text>
  )
}
