import { BackupError, hint, run } from '@telegram-backup/errors'
import { openSession } from '@telegram-backup/vault/session/open-session.ts'
import { cancelled } from '@telegram-backup/vault/session/session.ts'
import { verifyBackup } from '@telegram-backup/vault/verify/verify-backup.ts'
import { assertAskerMay } from '#jobs/asker-rights.ts'
import type { JobHandler, JobRun, JobTools } from '#jobs/job-handler.ts'
import { isGoneMeanwhile } from '#operations/verify.ts'

/**
 * Verifies a backup, with `read_data` among the job's options every byte of it. Damage that could not be
 * mended ends it as failed. `sampled`: nobody asked for this one, so that when it was erased meanwhile there
 * is nothing left to do.
 */
export const runVerifyJob: JobHandler = async (run, tools) => {
  const { job, signal } = run
  try {
    await verify(run, tools)
  } catch (error) {
    const { id: job_id, backup_id, options } = job
    if (options['sampled'] !== true || backup_id === null || signal.aborted) throw error
    if (!(await isGoneMeanwhile(tools.database, backup_id))) throw error
    tools.log.info({ job_id, backup_id }, 'a backup that was to be verified was erased meanwhile')
  }
}

async function verify({ job, signal, report }: JobRun, tools: JobTools): Promise<void> {
  if (job.cancel_requested_at !== null) throw cancelled()
  if (job.backup_id === null) throw new BackupError('No backup has that id', { code: 'NOT_FOUND' })
  await assertAskerMay(tools.database, job)
  const session = await openSession({ ...tools, signal })
  const { state, findings } = await verifyBackup(session, {
    backupId: job.backup_id,
    readData: job.options['read_data'] === true,
    jobId: job.id,
    onProgress: report,
  })
  if (state !== 'damaged') return
  const [first] = findings.filter(({ mended }) => mended !== true)
  throw new BackupError(`The backup is damaged: ${first?.reason ?? 'see its verifications'}`, {
    code: 'INTEGRITY',
    hint: hint`${run('show', job.backup_id)} tells more; make a new backup while the source is there.`,
  })
}
