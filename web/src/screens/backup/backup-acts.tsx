import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { saveFrom } from '#acts/save-file.ts'
import { urlOf } from '#api/client.ts'
import type { BackupDetails } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { visibleText } from '#format/plain-text.tsx'
import { EraseDialog } from '#screens/backup/erase-dialog.tsx'
import { VerifyDialog } from '#screens/backup/verify-dialog.tsx'
import { backupName } from '#screens/backups/backup-name.ts'
import { contentRequest } from '#screens/restore/same-act.ts'
import { CopyText } from '#shell/copy-text.tsx'
import { useMay } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** What can be done with a backup. What the role or the state does not allow says why. */
export function BackupActs({ backup: found }: { backup: BackupDetails }) {
  const { backup, backups, shell } = useWords()
  const navigate = useNavigate()
  const [mayRestore, mayErase] = [useMay('restore'), useMay('admin')]
  const [dialog, setDialog] = useState<'verify' | 'erase'>()
  const [isLoading, setLoading] = useState(false)
  const { id, state } = found
  const isWhole = state === 'complete'
  const isErasable = state !== 'erased' && state !== 'sending'
  const close = (): void => setDialog(undefined)
  const reasons = [
    ...(isWhole ? [] : [backup.cannot.state(backups.states[state])]),
    ...(mayRestore
      ? []
      : [backup.cannot.role(shell.roles.restorer, [backup.restore, backup.verify, backup.download])]),
    ...(mayErase ? [] : [backup.cannot.role(shell.roles.admin, [backup.erase])]),
  ]
  return (
    <Stack gap="xs">
      <Group gap="sm">
        <Button
          disabled={!isWhole || !mayRestore}
          onClick={() => void navigate({ to: '/backups/$id/restore', params: { id } })}
        >
          {backup.restore}
        </Button>
        <Button variant="default" disabled={!isWhole || !mayRestore} onClick={() => setDialog('verify')}>
          {backup.verify}
        </Button>
        <Button
          variant="default"
          disabled={!isWhole || !mayRestore}
          onClick={() => {
            saveFrom(urlOf(`api/v1/backups/${encodeURIComponent(id)}/content`))
            setLoading(true)
          }}
        >
          {backup.download}
        </Button>
        <Button
          variant="outline"
          color="red"
          disabled={!isErasable || !mayErase}
          onClick={() => setDialog('erase')}
        >
          {backup.erase}
        </Button>
      </Group>
      {reasons.map(reason => (
        <Text key={reason} size="sm" c="dimmed">
          {reason}
        </Text>
      ))}
      {isLoading ? <Downloading backup={found} onClose={() => setLoading(false)} /> : null}
      {mayRestore ? <VerifyDialog backup={found} isOpen={dialog === 'verify'} onClose={close} /> : null}
      {mayErase ? <EraseDialog backup={found} isOpen={dialog === 'erase'} onClose={close} /> : null}
    </Stack>
  )
}

/** What the browser cannot tell: what a download that broke off means. */
function Downloading({ backup: found, onClose }: { backup: BackupDetails; onClose: () => void }) {
  const { backup, states } = useWords()
  const format = useFormat()
  const { plain_sha256, size, id, filename } = found
  const api = new URL(urlOf('api/v1'), window.location.href).href
  const bytes = `${format.number(size)} ${backup.bytes(size)}`
  return (
    <Alert
      role="status"
      variant="light"
      title={backup.downloading.title(visibleText(backupName(found)))}
      withCloseButton
      onClose={onClose}
      closeButtonLabel={states.close}
    >
      <Stack gap="xs">
        <Text size="sm">{backup.downloading.text(bytes)}</Text>
        {plain_sha256 === null ? null : (
          <>
            <Text size="sm">{backup.downloading.sha}</Text>
            <CopyText text={plain_sha256} copy={backup.copy} copied={backup.copied} label={backup.sha256} />
          </>
        )}
        <Text size="sm">{backup.downloading.curl}</Text>
        <CopyText
          text={contentRequest(api, { id, filename })}
          copy={backup.copy}
          copied={backup.copied}
          label={backup.downloading.curlLabel}
        />
      </Stack>
    </Alert>
  )
}
