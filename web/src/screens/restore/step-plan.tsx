import { Button, Checkbox, Group, Stack, Text } from '@mantine/core'
import { Navigate, useNavigate, useSearch } from '@tanstack/react-router'
import type { BackupDetails, RestorePreflight } from '#api/generated/types.gen.ts'
import { type Format, useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { PlanProblems } from '#screens/restore/plan-problems.tsx'
import { usePreflight } from '#screens/restore/preflight.ts'
import { StepHeading } from '#screens/restore/step-trail.tsx'
import { FactList } from '#shell/fact-list.tsx'
import { QueryView } from '#shell/states.tsx'
import type { Words } from '#words/en/index.ts'
import { useWords } from '#words/language.tsx'

/** What the restore would do, and what would stop it. */
export function StepPlan({ backup: { id } }: { backup: BackupDetails }) {
  const { target, overwrite = false } = useSearch({ from: '/signed-in/backups/$id/restore' })
  if (target === undefined) return <Navigate to="/backups/$id/restore" params={{ id }} replace />
  return <Plan id={id} target={target} overwrite={overwrite} />
}

function Plan({ id, target, overwrite }: { id: string; target: string; overwrite: boolean }) {
  const { restore } = useWords()
  const { plan: words } = restore
  const navigate = useNavigate({ from: '/backups/$id/restore' })
  const query = usePreflight({ id, target, overwrite })
  const { data, isFetching, refetch } = query
  const isBlocked = isFetching || data === undefined || data.problems.some(({ blocks }) => blocks)
  return (
    <Stack>
      <StepHeading step="plan" />
      <Text role="status" size="sm" c="dimmed">
        {isFetching ? words.looking : ''}
      </Text>
      <QueryView query={query}>{preflight => <Preflight preflight={preflight} />}</QueryView>
      <Checkbox
        label={words.overwrite}
        description={words.overwriteHint}
        checked={overwrite}
        onChange={event => {
          const isWanted = event.currentTarget.checked
          void navigate({ search: { target, ...(isWanted && { overwrite: true }) }, replace: true })
        }}
      />
      <Group>
        <Button variant="default" onClick={() => void navigate({ search: {} })}>
          {restore.back}
        </Button>
        <Button variant="default" loading={isFetching} onClick={() => void refetch()}>
          {words.lookAgain}
        </Button>
        {/* It keeps its place for the key Tab while the server looks. */}
        <Button
          data-disabled={isBlocked || undefined}
          aria-disabled={isBlocked}
          onClick={() => {
            if (!isBlocked) void navigate({ search: current => ({ ...current, step: 'confirm' }) })
          }}
        >
          {restore.next}
        </Button>
      </Group>
    </Stack>
  )
}

function Preflight({ preflight }: { preflight: RestorePreflight }) {
  const { restore } = useWords()
  const { plan: words } = restore
  const format = useFormat()
  const { fetches, parts, writes, target, way, replaces, problems } = preflight
  return (
    <Stack>
      <FactList
        facts={{
          [words.fetches]: words.fetched(format.bytes(fetches), parts),
          [words.writes]: format.bytes(writes),
          [words.takes]: takesOf(preflight, { words, format }),
          [words.target]: <PlainText>{target}</PlainText>,
          [words.way]: way === null ? words.noWay : <PlainText>{way}</PlainText>,
          [words.replaces]:
            way === null ? undefined : replaces === null ? (
              words.replacesNothing
            ) : (
              <PlainText>{replaces}</PlainText>
            ),
        }}
      />
      <PlanProblems problems={problems} />
    </Stack>
  )
}

/** How long it takes, and whether that is measured. */
function takesOf(
  { takes_seconds: seconds, takes_from, takes_measured_at: measured }: RestorePreflight,
  { words, format }: { words: Words['restore']['plan']; format: Format },
): string {
  if (seconds === null) return words.takesUnknown
  const time = format.seconds(Math.max(1, seconds))
  return takes_from === 'drill' && measured !== null
    ? words.takesMeasured(time, format.time(measured))
    : words.takesAsSent(time)
}
