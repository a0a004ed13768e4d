import { Alert, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { Navigate, useNavigate, useSearch } from '@tanstack/react-router'
import { type FormEvent, useCallback, useState } from 'react'
import { useAct } from '#acts/use-act.ts'
import { urlOf } from '#api/client.ts'
import { restoreBackup } from '#api/generated/sdk.gen.ts'
import type { BackupDetails } from '#api/generated/types.gen.ts'
import { PlainText, visibleText } from '#format/plain-text.tsx'
import { backupName } from '#screens/backups/backup-name.ts'
import { usePreflight } from '#screens/restore/preflight.ts'
import { restoreCommand, restoreRequest } from '#screens/restore/same-act.ts'
import { StepHeading } from '#screens/restore/step-trail.tsx'
import { CopyText } from '#shell/copy-text.tsx'
import { QueryView } from '#shell/states.tsx'
import { useWords } from '#words/language.tsx'

/** The person types the name of the target, and the restore begins. */
export function StepConfirm({ backup: found }: { backup: BackupDetails }) {
  const { target, overwrite = false } = useSearch({ from: '/signed-in/backups/$id/restore' })
  const { id } = found
  if (target === undefined) return <Navigate to="/backups/$id/restore" params={{ id }} replace />
  return <Confirm backup={found} target={target} overwrite={overwrite} />
}

interface Asked {
  backup: BackupDetails
  target: string
  overwrite: boolean
}

function Confirm(asked: Asked) {
  const { id } = asked.backup
  const { target, overwrite } = asked
  const query = usePreflight({ id, target, overwrite })
  return (
    <Stack>
      <StepHeading step="confirm" />
      <QueryView query={query}>
        {({ problems, replaces }) =>
          // Someone came here by the address alone.
          problems.some(({ blocks }) => blocks) ? (
            <Navigate
              to="/backups/$id/restore"
              params={{ id }}
              search={{ target, ...(overwrite && { overwrite }) }}
              replace
            />
          ) : (
            <Stack>
              <ConfirmForm {...asked} replaces={replaces} />
              <SameAct {...asked} />
            </Stack>
          )
        }
      </QueryView>
    </Stack>
  )
}

function ConfirmForm({ backup: found, target, overwrite, replaces }: Asked & { replaces: string | null }) {
  const { restore } = useWords()
  const { confirm: words } = restore
  const navigate = useNavigate({ from: '/backups/$id/restore' })
  const [typed, setTyped] = useState('')
  const [isAsked, setAsked] = useState(false)
  // The same request again, after an answer was lost, is the same job.
  const [once] = useState(newKey)
  const { id } = found
  const start = useCallback(async () => {
    const { data } = await restoreBackup({
      path: { id },
      body: { target, ...(overwrite && { overwrite }) },
      headers: { 'Idempotency-Key': once },
    })
    await navigate({ search: { target, job: data.job_id }, replace: true })
  }, [id, target, overwrite, once, navigate])
  const act = useAct(start, undefined, { needsFactor: overwrite })
  const isRight = typed.trim() === target
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    setAsked(true)
    if (isRight && !act.isRunning) void act.run()
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <Text>
          <PlainText>{words.sentence(backupName(found), target)}</PlainText>
        </Text>
        {replaces === null ? null : (
          <Alert color="red" variant="light">
            <PlainText>{words.replaces(replaces)}</PlainText>
          </Alert>
        )}
        <TextInput
          label={words.type}
          description={words.typeHint(visibleText(target))}
          value={typed}
          onChange={event => setTyped(event.currentTarget.value)}
          error={isAsked && !isRight ? words.wrong : undefined}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          maw={420}
        />
        <Group>
          <Button
            variant="default"
            onClick={() => void navigate({ search: ({ step: _, ...others }) => others })}
          >
            {restore.back}
          </Button>
          <Button type="submit" color={replaces === null ? undefined : 'red'} loading={act.isRunning}>
            {words.start}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

/** For those who write it into a script. */
function SameAct({ backup: { id }, target, overwrite }: Asked) {
  const { confirm: words } = useWords().restore
  const api = new URL(urlOf('api/v1'), window.location.href).href
  const { copy, copied } = words
  return (
    <Stack gap="xs">
      <Text fw={600}>{words.same}</Text>
      <Text size="sm">{words.command}</Text>
      <CopyText
        text={restoreCommand(id, { to: target, overwrite })}
        copy={copy}
        copied={copied}
        label={words.command}
      />
      <Text size="sm">
        {words.curl}. {words.curlHint}
      </Text>
      <CopyText
        text={restoreRequest(api, { id, target, overwrite })}
        copy={copy}
        copied={copied}
        label={words.curl}
      />
    </Stack>
  )
}

/** `crypto.randomUUID` is there on https and localhost only. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
}
