import { Button } from '@mantine/core'
import { lazy, Suspense, useState } from 'react'
import type { Job } from '#api/generated/types.gen.ts'
import { visibleText } from '#format/plain-text.tsx'
import { jobSubject } from '#screens/jobs/job-subject.ts'
import { useMay } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

const CancelDialog = lazy(async () => ({
  default: (await import('#screens/jobs/cancel-dialog.tsx')).CancelDialog,
}))

/** Asks first. Nothing for a job that has ended, and for a person who may not cancel. */
export function CancelJob({ job }: { job: Job }) {
  const words = useWords()
  const { jobs } = words
  const mayCancel = useMay('backup')
  const [isAsked, setAsked] = useState(false)
  if (!mayCancel || (job.state !== 'queued' && job.state !== 'running')) return null
  return (
    <>
      <Button
        size="compact-sm"
        variant="default"
        onClick={() => setAsked(true)}
        aria-label={visibleText(jobs.cancelLabel(jobSubject(job, words)))}
      >
        {jobs.cancel}
      </Button>
      {isAsked ? (
        <Suspense>
          <CancelDialog job={job} close={() => setAsked(false)} />
        </Suspense>
      ) : null}
    </>
  )
}
