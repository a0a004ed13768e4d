import { setTimeout as sleep } from 'node:timers/promises'
import type { Database, Job } from '@telegram-backup/database'
import { formatBytes } from '@telegram-backup/engine/units/human-units.ts'
import { BackupError } from '@telegram-backup/errors'
import type { CommandContext } from '#commands/command.ts'

const LOOK_EVERY_MS = 1_000
/** How long a job may wait before the user is asked about `serve`. */
const PATIENCE_MS = 15_000

/**
 * Waits until a job has ended, with progress on stderr. Throws `CANCELLED` when the wait is cancelled; the
 * job continues.
 */
export async function followJob(
  { output, signal }: Pick<CommandContext, 'output' | 'signal'>,
  database: Database,
  job: Job,
): Promise<Job> {
  const { getJob } = await import('@telegram-backup/database')
  let shown = ''
  const since = performance.now()
  for (;;) {
    const now = await getJob(database, job.id)
    if (now === null) throw new BackupError(`The job ${job.id} is gone`, { code: 'NOT_FOUND' })
    if (now.finished_at !== null) return now
    const isLate = now.state === 'queued' && performance.now() - since > PATIENCE_MS
    const words =
      now.state === 'running'
        ? `running, ${formatBytes(now.progress.bytes_done)} so far`
        : isLate
          ? 'still waiting; check that a "telegram-backup serve" runs, and that its telegram-backup.yaml names this source'
          : 'waiting'
    if (words !== shown) output.note(words)
    shown = words
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {
      throw new BackupError(`This command stopped waiting; the job ${job.id} continues`, {
        code: 'CANCELLED',
      })
    })
  }
}
