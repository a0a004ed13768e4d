import { Alert, Button, Checkbox, Group, Modal, Stack, Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useCallback, useState } from 'react'
import { useAct } from '#acts/use-act.ts'
import { eraseBackup } from '#api/generated/sdk.gen.ts'
import type { BackupDetails } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { visibleText } from '#format/plain-text.tsx'
import { backupName } from '#screens/backups/backup-name.ts'
import { useWords } from '#words/language.tsx'

/** Says what will be lost, and asks for a word; for the last good backup, for a second one. */
export function EraseDialog({
  backup: found,
  isOpen,
  onClose,
}: {
  backup: BackupDetails
  isOpen: boolean
  onClose: () => void
}) {
  const { backup, states } = useWords()
  const words = backup.erasing
  const format = useFormat()
  const navigate = useNavigate()
  const { id, size, part_count, parts, pinned_at, created_at } = found
  const [isSure, setSure] = useState(false)
  const [isEvenTheLast, setEvenTheLast] = useState(false)
  const erase = useCallback(async () => {
    const { data } = await eraseBackup({
      path: { id },
      query: { even_the_last: isEvenTheLast ? 'true' : undefined },
    })
    onClose()
    await navigate({ to: '/jobs/$id', params: { id: data.job_id } })
  }, [id, isEvenTheLast, navigate, onClose])
  const act = useAct(erase, words.started, { needsFactor: true })
  const isLast = act.problem?.code === 'LAST_BACKUP' || isEvenTheLast
  const close = (): void => {
    setSure(false)
    setEvenTheLast(false)
    onClose()
  }
  const name = visibleText(backup.ofSource(backupName(found), format.time(created_at)))
  return (
    <Modal
      opened={isOpen}
      onClose={close}
      title={words.title}
      closeButtonProps={{ 'aria-label': states.close }}
    >
      <Stack>
        <Text>{words.what(name, format.bytes(size), part_count ?? parts.length)}</Text>
        {pinned_at === null ? (
          <Checkbox
            label={words.sure}
            checked={isSure}
            onChange={event => setSure(event.currentTarget.checked)}
          />
        ) : (
          <Alert color="yellow" variant="light">
            {words.pinned}
          </Alert>
        )}
        {isLast ? (
          <Alert color="red" variant="light" role="alert">
            <Stack gap="sm">
              {words.last}
              <Checkbox
                label={words.even}
                checked={isEvenTheLast}
                onChange={event => setEvenTheLast(event.currentTarget.checked)}
              />
            </Stack>
          </Alert>
        ) : null}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {words.cancel}
          </Button>
          <Button
            color="red"
            disabled={!isSure || pinned_at !== null || (isLast && !isEvenTheLast)}
            loading={act.isRunning}
            onClick={() => void act.run()}
          >
            {words.start}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
