import { Button, Group, Modal, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'
import { useAct } from '#acts/use-act.ts'
import { getJobQueryKey } from '#api/generated/@tanstack/react-query.gen.ts'
import { cancelJob } from '#api/generated/sdk.gen.ts'
import type { Job } from '#api/generated/types.gen.ts'
import { visibleText } from '#format/plain-text.tsx'
import { jobSubject } from '#screens/jobs/job-subject.ts'
import { useMay } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** Asks first. Nothing for a job that has ended, and for a person who may not cancel. */
export function CancelJob({ job }: { job: Job }) {
  const words = useWords()
  const { jobs } = words
  const mayCancel = useMay('backup')
  const queryClient = useQueryClient()
  const [isOpen, { open, close }] = useDisclosure()
  const cancel = useCallback(async () => {
    const path = { id: job.id }
    const { data } = await cancelJob({ path })
    queryClient.setQueryData(getJobQueryKey({ path }), data)
  }, [job.id, queryClient])
  const { run, isRunning } = useAct(cancel, jobs.cancelled)
  if (!mayCancel || (job.state !== 'queued' && job.state !== 'running')) return null
  return (
    <>
      <Button
        size="compact-sm"
        variant="default"
        onClick={open}
        aria-label={visibleText(jobs.cancelLabel(jobSubject(job, words)))}
      >
        {jobs.cancel}
      </Button>
      <Modal
        opened={isOpen}
        onClose={close}
        title={jobs.cancelTitle}
        closeButtonProps={{ 'aria-label': jobs.keepRunning }}
        centered
      >
        <Text size="sm">{jobs.cancelSays[job.kind]}</Text>
        <Group justify="flex-end" mt="lg">
          <Button variant="default" onClick={close}>
            {jobs.keepRunning}
          </Button>
          <Button color="red" loading={isRunning} onClick={async () => (await run()) && close()}>
            {jobs.cancelNow}
          </Button>
        </Group>
      </Modal>
    </>
  )
}
