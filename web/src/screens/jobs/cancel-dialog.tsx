import { useQueryClient } from '@tanstack/react-query'
import { Confirm } from '#acts/confirm.tsx'
import { useAct } from '#acts/use-act.ts'
import { getJobQueryKey } from '#api/generated/@tanstack/react-query.gen.ts'
import { cancelJob } from '#api/generated/sdk.gen.ts'
import type { Job } from '#api/generated/types.gen.ts'
import { useWords } from '#words/language.tsx'

/** Says what becomes of what the job has done so far. */
export function CancelDialog({ job: { id, kind }, close }: { job: Job; close: () => void }) {
  const { jobs } = useWords()
  const queryClient = useQueryClient()
  const cancel = useAct(async () => {
    const path = { id }
    const { data } = await cancelJob({ path })
    queryClient.setQueryData(getJobQueryKey({ path }), data)
  }, jobs.cancelled)
  return (
    <Confirm
      title={jobs.cancelTitle}
      words={{ confirm: jobs.cancelNow, cancel: jobs.keepRunning }}
      isRunning={cancel.isRunning}
      confirm={() => void cancel.run().then(isDone => isDone && close())}
      close={close}
    >
      {jobs.cancelSays[kind]}
    </Confirm>
  )
}
