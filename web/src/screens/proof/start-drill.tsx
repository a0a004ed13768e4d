import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useAct } from '#acts/use-act.ts'
import { verifyBackup } from '#api/generated/sdk.gen.ts'
import { visibleText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { DrillPlace } from '#screens/proof/drill-place.tsx'
import { AnchorLink } from '#shell/links.tsx'
import { useWords } from '#words/language.tsx'

/** Says what a drill does, starts one, and shows the way to its job. */
export function StartDrill({
  name,
  backup,
  project,
  type,
  close,
}: {
  /** Of the source. */
  name: string
  backup: { id: string; created_at?: string | undefined }
  project: string | null
  type: 'database' | 'storage' | 'logs' | null
  close: () => void
}) {
  const { people, proof } = useWords()
  const { start: words } = proof
  const [on, setOn] = useState('')
  const [jobId, setJobId] = useState<string>()
  const start = useAct(async () => {
    const { data } = await verifyBackup({
      path: { id: backup.id },
      body: { drill: true, ...(on !== '' && { on }) },
    })
    setJobId(data.job_id)
  }, words.started)
  return (
    <Modal
      opened
      onClose={close}
      title={words.title(visibleText(name))}
      closeButtonProps={{ 'aria-label': people.close }}
    >
      {jobId === undefined ? (
        <Stack>
          <Text size="sm">{words.text}</Text>
          {backup.created_at === undefined ? null : (
            <Text size="sm">
              {words.newest} <Time at={backup.created_at} />
            </Text>
          )}
          {type === 'database' ? <DrillPlace project={project} value={on} onChange={setOn} /> : null}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {words.cancel}
            </Button>
            <Button loading={start.isRunning} onClick={() => void start.run()} data-autofocus>
              {words.button}
            </Button>
          </Group>
        </Stack>
      ) : (
        <Stack role="status">
          <Text size="sm">{words.started}.</Text>
          <AnchorLink to="/jobs/$id" params={{ id: jobId }} data-autofocus>
            {words.toJob}
          </AnchorLink>
        </Stack>
      )}
    </Modal>
  )
}
