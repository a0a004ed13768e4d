import { Alert, Group, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams, useSearch } from '@tanstack/react-router'
import { getBackupOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { BackupDetails } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { backupName } from '#screens/backups/backup-name.ts'
import { stepOf } from '#screens/restore/restore-search.ts'
import { RunningRestores } from '#screens/restore/running-restores.tsx'
import { StepConfirm } from '#screens/restore/step-confirm.tsx'
import { StepPlan } from '#screens/restore/step-plan.tsx'
import { StepStarted } from '#screens/restore/step-started.tsx'
import { StepTarget } from '#screens/restore/step-target.tsx'
import { StepTrail } from '#screens/restore/step-trail.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { Forbidden, QueryView } from '#shell/states.tsx'
import { useMay } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** Restores a backup into a target, and shows before each step what it means. */
export function RestoreScreen() {
  const { id } = useParams({ from: '/signed-in/backups/$id/restore' })
  const mayRestore = useMay('restore')
  const query = useQuery({ ...getBackupOptions({ path: { id } }), enabled: mayRestore })
  if (!mayRestore) return <Forbidden />
  return <QueryView query={query}>{found => <Assistant backup={found} />}</QueryView>
}

function Assistant({ backup: found }: { backup: BackupDetails }) {
  const { restore, backups } = useWords()
  const format = useFormat()
  const search = useSearch({ from: '/signed-in/backups/$id/restore' })
  const step = stepOf(search)
  const { id, state, damaged_at } = found
  return (
    <Stack gap="lg" maw={760}>
      <Stack gap={4}>
        <Title order={1}>
          <PlainText>{restore.title(backupName(found))}</PlainText>
        </Title>
        <Group gap="md">
          <Text c="dimmed">{restore.made(format.time(found.created_at), format.bytes(found.size))}</Text>
          <AnchorLink to="/backups/$id" params={{ id }}>
            {restore.toBackup}
          </AnchorLink>
        </Group>
      </Stack>
      {state !== 'complete' && step !== 'started' ? (
        <Alert color="red" variant="light" title={restore.notWhole}>
          {restore.notWholeHint(backups.states[state])}
        </Alert>
      ) : (
        <>
          {damaged_at === null || step === 'started' ? null : (
            <Alert color="red" variant="light">
              {restore.damaged}
            </Alert>
          )}
          {step === 'started' ? null : <RunningRestores backup={found} />}
          <StepTrail step={step} />
          {step === 'target' ? <StepTarget backup={found} /> : null}
          {step === 'plan' ? <StepPlan backup={found} /> : null}
          {step === 'confirm' ? <StepConfirm backup={found} /> : null}
          {step === 'started' ? <StepStarted backup={found} /> : null}
        </>
      )}
    </Stack>
  )
}
