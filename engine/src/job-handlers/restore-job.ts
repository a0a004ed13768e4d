import { restoreOf } from '@telegram-backup/connectors/registry.ts'
import { type BackupDetails, getBackupDetails } from '@telegram-backup/database'
import { countMissingFiles } from '@telegram-backup/database/missing-files'
import { BackupError } from '@telegram-backup/errors'
import { cancelled } from '@telegram-backup/vault/session/session.ts'
import { assertAskerMay } from '#jobs/asker-rights.ts'
import type { JobHandler, JobRun, JobTools } from '#jobs/job-handler.ts'
import { restore } from '#operations/restore.ts'
import { type RestoreTarget, requestedWishes, targetIn } from '#restore/restore-target.ts'
import { count, formatBytes, formatSpan } from '#units/human-units.ts'

/** Restores a backup into the target that the job names; the option `overwrite` replaces what is there. */
export const runRestoreJob: JobHandler = async (run, tools) => {
  const { job } = run
  if (job.cancel_requested_at !== null) throw cancelled()
  const backup = job.backup_id === null ? null : await getBackupDetails(tools.database, job.backup_id)
  if (backup === null) throw new BackupError('No backup has that id', { code: 'NOT_FOUND' })
  const name = job.target ?? ''
  await tools.configFile.reread()
  // Jobs reach only places of the configuration file.
  const settings = tools.configFile.target(name)
  await assertAskerMay(tools.database, job, [backup.project_id, settings.project ?? null])
  const target = await targetIn(settings)
  try {
    await restoreInto(target, backup, run, tools)
  } catch (error) {
    const hide = await restoreOf(target).hideTarget?.(target, name)
    if (hide === undefined) throw error
    // The log keeps the place of the target, which its reader needs to fix it; the job's row does not.
    tools.log.warn({ job_id: job.id, target: name, error }, 'the restore failed')
    throw hide(error)
  }
}

async function restoreInto(
  target: RestoreTarget,
  backup: BackupDetails,
  { job, signal, report, tell, note }: JobRun,
  { log, ...engine }: JobTools,
): Promise<void> {
  const missing_files = countMissingFiles(backup)
  const progress = { bytes_done: 0, bytes_total: backup.size, parts_done: 0, missing_files }
  const overwrite = job.options['overwrite'] === true
  tell('prepare', `Restoring backup ${backup.id} of ${backup.created_at.toISOString()} into ${job.target}`)
  const since = performance.now()
  const { partCount, bytes } = await restore(
    engine,
    { backup, target, wishes: requestedWishes(overwrite) },
    {
      signal,
      note,
      onPlan: async () => tell('restore', 'The target was checked; reading and restoring begin'),
      onStart: ({ partCount, plainBytes }) =>
        tell('fetch', `${count(partCount, 'part')} to fetch, ${formatBytes(plainBytes)}`),
      onPart: () => report({ ...progress, parts_done: ++progress.parts_done }),
      onBytes: plainBytes => {
        progress.bytes_done = plainBytes
        report({ ...progress })
      },
      onUnrecorded: error => {
        log.warn({ job_id: job.id, error }, 'the end of the restore was not recorded')
        tell('restore', 'The end of the restore was not recorded in the history of the backup', 'warn')
      },
    },
  )
  const seconds = (performance.now() - since) / 1_000
  tell('fetch', `Fetched and verified ${count(partCount, 'part')}`)
  tell('restore', `Restored ${formatBytes(bytes)} in ${formatSpan(seconds)}`)
}
