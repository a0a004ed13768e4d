import { Button, Group, List, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'
import { useAct } from '#acts/use-act.ts'
import { pinBackup, unpinBackup } from '#api/generated/sdk.gen.ts'
import type { BackupDetails } from '#api/generated/types.gen.ts'
import { currentTime } from '#format/clock.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { refetchAfter } from '#live/apply-event.ts'
import { type Decision, useDecision } from '#screens/backup/retention-decision.ts'
import { Section } from '#shell/section.tsx'
import { useMay } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** Why the backup is kept, when it goes, and its pin. */
export function BackupRetention({ backup: found }: { backup: BackupDetails }) {
  const { backup } = useWords()
  const format = useFormat()
  const mayPin = useMay('backup')
  const decision = useDecision(found)
  const { state, pinned_at, expires_at } = found
  if (state === 'erased' || state === 'erasing' || state === 'failed') return null
  const isPast = Date.parse(expires_at) <= currentTime()
  // A chosen time, and one without a policy, is what decides.
  const isByPolicy = decision !== undefined && found['expiry_given'] !== true
  return (
    <Section title={backup.stays}>
      <Stack gap="xs" align="flex-start">
        {pinned_at !== null ? (
          <Text size="sm">{backup.pinnedSince(format.time(pinned_at))}</Text>
        ) : isByPolicy ? null : (
          <Text size="sm">
            {isPast
              ? backup.expired(format.time(expires_at))
              : backup.expires(format.time(expires_at), format.relative(expires_at))}{' '}
            {found['expiry_given'] === true ? backup.chosen : backup.rulesDecide}
          </Text>
        )}
        {decision === undefined || pinned_at !== null ? null : <Decided decision={decision} />}
        {mayPin && state === 'complete' ? <PinButton backup={found} /> : null}
      </Stack>
    </Section>
  )
}

function Decided({ decision: { is, reasons, needsConfirmation } }: { decision: Decision }) {
  const { backup } = useWords()
  return (
    <Stack gap={4}>
      <Text size="sm">{is === 'kept' ? backup.kept : backup.goes}</Text>
      <List size="sm">
        {reasons.map(reason => (
          <List.Item key={reason}>
            <PlainText>{reason}</PlainText>
          </List.Item>
        ))}
      </List>
      {needsConfirmation ? <Text size="sm">{backup.needsConfirmation}</Text> : null}
    </Stack>
  )
}

function PinButton({ backup: { id, pinned_at } }: { backup: BackupDetails }) {
  const { backup } = useWords()
  const queryClient = useQueryClient()
  const isPinned = pinned_at !== null
  const change = useCallback(async () => {
    await (isPinned ? unpinBackup : pinBackup)({ path: { id } })
    await refetchAfter(queryClient, 'backup')
  }, [id, isPinned, queryClient])
  const act = useAct(change, isPinned ? backup.unpinDone : backup.pinDone)
  return (
    <Group>
      <Button size="xs" variant="default" loading={act.isRunning} onClick={() => void act.run()}>
        {isPinned ? backup.unpin : backup.pin}
      </Button>
      {isPinned ? null : (
        <Text size="sm" c="dimmed">
          {backup.pinHint}
        </Text>
      )}
    </Group>
  )
}
