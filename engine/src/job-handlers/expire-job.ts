import { BackupError, hint, run } from '@telegram-backup/errors'
import { cancelled } from '@telegram-backup/vault/session/session.ts'
import type { JobHandler } from '#jobs/job-handler.ts'
import { expireAfterNotice } from '#operations/expire.ts'

/** Applies retention to all projects, after it announced what it will erase. */
export const runExpireJob: JobHandler = async ({ job, signal, report }, tools) => {
  if (job.cancel_requested_at !== null) throw cancelled()
  const { erased_backups, pending, isDone } = await expireAfterNotice(tools, tools.retention, { signal })
  report({ bytes_done: 0, bytes_total: null, parts_done: erased_backups.length })
  if (isDone) return
  throw new BackupError(
    `Backups that could not be erased: ${pending.length}. The first: ${pending[0]?.reason}`,
    {
      code: 'UNFINISHED',
      hint: hint`${run('expire')} shows more.`,
    },
  )
}
