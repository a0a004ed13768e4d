import { getBackupById } from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'
import { cancelled } from '@telegram-backup/vault/session/session.ts'
import { assertAskerMay } from '#jobs/asker-rights.ts'
import type { JobHandler } from '#jobs/job-handler.ts'
import { verify } from '#operations/verify.ts'

/**
 * Verifies a backup: its messages, with the option `read_data` every byte. Damage that could not be repaired
 * fails the job. With the option `sampled` nobody asked for this backup, so it may be erased meanwhile.
 */
export const runVerifyJob: JobHandler = async ({ job, signal, report }, { log, ...engine }) => {
  if (job.cancel_requested_at !== null) throw cancelled()
  const { id: jobId, backup_id, options } = job
  const isMany = options['sampled'] === true
  const backup = backup_id === null ? null : await getBackupById(engine.database, backup_id)
  if (backup === null && isMany) return log.info({ job_id: jobId, backup_id }, ERASED_MEANWHILE)
  if (backup === null) throw new BackupError('No backup has that id', { code: 'NOT_FOUND' })
  await assertAskerMay(engine.database, job)
  const [outcome] = await verify(
    engine,
    { backups: [backup], readData: options['read_data'] === true, isMany, jobId },
    { signal, note: line => log.info({ job_id: jobId }, line), onProgress: report },
  )
  if (outcome === undefined || 'skipped' in outcome)
    return log.info({ job_id: jobId, backup_id }, ERASED_MEANWHILE)
  if ('error' in outcome) throw outcome.error
  if (outcome.report.state !== 'damaged') return
  const [first] = outcome.report.findings.filter(({ mended }) => mended !== true)
  throw new BackupError(`The backup is damaged: ${first?.reason ?? 'see its verifications'}`, {
    code: 'INTEGRITY',
    hint: hint`${run('show', backup.id)} shows more; make a new backup while the source is there.`,
  })
}

const ERASED_MEANWHILE = 'a backup was erased before it could be verified'
