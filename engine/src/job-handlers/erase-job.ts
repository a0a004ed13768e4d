import { BackupError } from '@telegram-backup/errors'
import { cancelled } from '@telegram-backup/vault/session/session.ts'
import { assertAskerMay } from '#jobs/asker-rights.ts'
import type { JobHandler } from '#jobs/job-handler.ts'
import { erase } from '#operations/erase.ts'
import { count } from '#units/human-units.ts'

/** Messages that stay, each with its reason. */
const MOST_TOLD = 20

/** Erases a backup; with the option `even_the_last` also the last good one. */
export const runEraseJob: JobHandler = async ({ job, signal, report, tell, note }, tools) => {
  if (job.cancel_requested_at !== null) throw cancelled()
  const { backup_id: backupId } = job
  if (backupId === null) throw new BackupError('No backup has that id', { code: 'NOT_FOUND' })
  await assertAskerMay(tools.database, job)
  const { log: _, ...engine } = tools
  tell('erase', `Erasing backup ${backupId}`)
  const { isErased, messages, pending } = await erase(
    engine,
    { id: backupId, evenTheLast: job.options['even_the_last'] === true },
    { signal, note },
  )
  const kept = messages.filter(({ outcome }) => outcome === 'kept')
  report({ bytes_done: 0, bytes_total: null, parts_done: messages.length - kept.length })
  tell('erase', `${count(messages.length - kept.length, 'message')} erased or replaced by a few bytes`)
  for (const { reason } of kept.slice(0, MOST_TOLD)) tell('erase', `A message stays: ${reason}`, 'warn')
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
