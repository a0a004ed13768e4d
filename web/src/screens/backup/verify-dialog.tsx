import { Button, Group, Modal, Radio, Stack } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useCallback, useState } from 'react'
import { useAct } from '#acts/use-act.ts'
import { verifyBackup } from '#api/generated/sdk.gen.ts'
import type { BackupDetails } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { DrillPlace } from '#screens/proof/drill-place.tsx'
import { useWords } from '#words/language.tsx'

const DEPTHS = ['messages', 'bytes', 'drill'] as const
type Depth = (typeof DEPTHS)[number]

/** Asks how deep to verify, and starts the job. */
export function VerifyDialog({
  backup: { id, archive_size, size, project_id, type },
  isOpen,
  onClose,
}: {
  backup: BackupDetails
  isOpen: boolean
  onClose: () => void
}) {
  const { backup, states } = useWords()
  const words = backup.verifying
  const format = useFormat()
  const navigate = useNavigate()
  const [depth, setDepth] = useState<Depth>('bytes')
  const [on, setOn] = useState('')
  const start = useCallback(async () => {
    const { data } = await verifyBackup({
      path: { id },
      body: {
        read_data: depth === 'bytes',
        ...(depth === 'drill' && { drill: true, ...(on !== '' && { on }) }),
      },
    })
    onClose()
    await navigate({ to: '/jobs/$id', params: { id: data.job_id } })
  }, [id, depth, on, navigate, onClose])
  const act = useAct(start, words.started)
  const hints: Readonly<Record<Depth, string>> = {
    messages: words.messagesHint,
    bytes: words.bytesHint(format.bytes(archive_size ?? size)),
    drill: words.drillHint,
  }
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      title={words.title}
      closeButtonProps={{ 'aria-label': states.close }}
    >
      <Stack>
        <Radio.Group
          label={words.how}
          value={depth}
          onChange={value => setDepth(DEPTHS.find(one => one === value) ?? 'bytes')}
        >
          <Stack gap="sm" mt="xs">
            {DEPTHS.map(value => (
              <Radio key={value} value={value} label={words[value]} description={hints[value]} />
            ))}
          </Stack>
        </Radio.Group>
        {depth === 'drill' && type === 'database' ? (
          <DrillPlace project={project_id} value={on} onChange={setOn} />
        ) : null}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {words.cancel}
          </Button>
          <Button loading={act.isRunning} onClick={() => void act.run()}>
            {words.start}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
