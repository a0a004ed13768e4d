import { BackupError, hint, run } from '@telegram-backup/errors'
import { cancelled } from '@telegram-backup/vault/session/session.ts'
import type { JobHandler } from '#jobs/job-handler.ts'
import { expireAfterNotice } from '#operations/expire.ts'
import { count } from '#units/human-units.ts'

/** Backups that stay, each with its reason. */
const MOST_TOLD = 20

/** Applies retention to all projects, after it announced what it will erase. */
export const runExpireJob: JobHandler = async ({ job, signal, report, tell }, tools) => {
  if (job.cancel_requested_at !== null) throw cancelled()
  tell('expire', 'Applying retention to all projects')
  const { erased_backups, pending, isDone } = await expireAfterNotice(tools, tools.retention, { signal })
  report({ bytes_done: 0, bytes_total: null, parts_done: erased_backups.length })
  tell('expire', `${count(erased_backups.length, 'backup')} erased`)
  for (const { reason } of pending.slice(0, MOST_TOLD)) tell('expire', `A backup stays: ${reason}`, 'warn')
  if (isDone) return
  throw new BackupError(
    `Backups that could not be erased: ${pending.length}. The first: ${pending[0]?.reason}`,
    {
      code: 'UNFINISHED',
      hint: hint`${run('expire')} shows more.`,
    },
  )
}
