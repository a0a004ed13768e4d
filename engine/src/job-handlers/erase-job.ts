import { BackupError } from '@telegram-backup/errors'
import { cancelled } from '@telegram-backup/vault/session/session.ts'
import { assertAskerMay } from '#jobs/asker-rights.ts'
import type { JobHandler } from '#jobs/job-handler.ts'
import { erase } from '#operations/erase.ts'

/** Erases a backup; with the option `even_the_last` also the last good one. */
export const runEraseJob: JobHandler = async ({ job, signal, report }, tools) => {
  if (job.cancel_requested_at !== null) throw cancelled()
  const { backup_id: backupId } = job
  if (backupId === null) throw new BackupError('No backup has that id', { code: 'NOT_FOUND' })
  await assertAskerMay(tools.database, job)
  const { log, ...engine } = tools
  const { isErased, messages, pending } = await erase(
    engine,
    { id: backupId, evenTheLast: job.options['even_the_last'] === true },
    { signal, note: line => log.info({ job_id: job.id }, line) },
  )
  const kept = messages.filter(({ outcome }) => outcome === 'kept')
  report({ bytes_done: 0, bytes_total: null, parts_done: messages.length - kept.length })
  if (isErased) return
  const reason = kept[0]?.reason ?? pending[0]?.reason ?? 'an index still names it'
  throw new BackupError(
    `The backup is not erased yet: ${kept.length} of its messages stay in the chat: ${reason}`,
    {
      code: 'UNFINISHED',
      hint: 'Fix the cause; the next run of retention continues.',
    },
  )
}
