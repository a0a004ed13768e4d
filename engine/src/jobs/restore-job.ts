import { namingTarget, overHttp } from '@telegram-backup/connectors/postgres/hide-place.ts'
import { type BackupDetails, getBackupDetails } from '@telegram-backup/database'
import { BackupError, describeError, hasOwnWords } from '@telegram-backup/errors'
import { planFetch } from '@telegram-backup/vault/fetch/fetch-plan.ts'
import { withOtherPlaces } from '@telegram-backup/vault/fetch/part-places.ts'
import { cancelled } from '@telegram-backup/vault/session/session.ts'
import { countMissingFiles } from '#backup/missing-files.ts'
import { assertAskerMay } from '#jobs/asker-rights.ts'
import type { JobHandler, JobRun, JobTools } from '#jobs/job-handler.ts'
import { readIdentities } from '#restore/identities.ts'
import { prepareRestore } from '#restore/prepare-restore.ts'
import { recordRestore } from '#restore/restore-record.ts'
import { namedTarget, type RestoreTarget } from '#restore/restore-target.ts'

/** Restores a backup into the target that the job names, in one transaction; `overwrite` among its options replaces what is there. */
export const runRestoreJob: JobHandler = async (run, tools) => {
  const { job } = run
  if (job.cancel_requested_at !== null) throw cancelled()
  const backup = job.backup_id === null ? null : await getBackupDetails(tools.database, job.backup_id)
  if (backup === null) throw new BackupError('No backup has that id', { code: 'NOT_FOUND' })
  const name = job.target ?? ''
  await tools.configFile.reread()
  await assertAskerMay(tools.database, job, [
    backup.project_id,
    tools.configFile.target(name).project ?? null,
  ])
  const target = namedTarget(name, backup, tools.configFile)
  try {
    await restore(backup, target, run, tools)
  } catch (error) {
    if (target.kind !== 'postgres') throw inWordsOfHttp(error)
    // Whoever mends it needs to know the place.
    tools.log.warn({ job_id: job.id, target: name, error }, 'the restore failed')
    throw namingTarget(error, { name, connection: target.connection })
  }
}

function inWordsOfHttp(error: unknown): unknown {
  const { code, message, hint } = describeError(error)
  if (hint === undefined || !hasOwnWords(error)) return error
  return new BackupError(message, { code, hint: overHttp(hint), cause: error })
}

async function restore(
  backup: BackupDetails,
  target: RestoreTarget,
  { job, signal, report }: JobRun,
  { config, database, client, service, log }: JobTools,
): Promise<void> {
  const plan = withOtherPlaces(planFetch(backup), {
    client,
    catalog: async () => database,
    note: text => log.info({ job_id: job.id }, text),
    signal,
  })
  const identities = await readIdentities(config, plan.encrypted)
  const prepared = await prepareRestore(target, backup, {
    wishes: { overwrite: job.options['overwrite'] === true, keepOld: false, createRoles: false, allow: [] },
    config,
    signal,
  })
  const missing_files = countMissingFiles(backup)
  const progress = { bytes_done: 0, bytes_total: backup.size, parts_done: 0, missing_files }
  const onPart = (): void => report({ ...progress, parts_done: ++progress.parts_done })
  async function* counting(bytes: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    for await (const chunk of bytes) {
      yield chunk
      progress.bytes_done += chunk.length
      report({ ...progress })
    }
  }
  await recordRestore(
    database,
    {
      backupId: backup.id,
      target: prepared.target,
      onUntold: error =>
        log.warn({ job_id: job.id, error }, 'the catalog could not be told how the restore ended'),
    },
    async () => {
      const open = (until: AbortSignal): AsyncIterable<Buffer> =>
        counting(service.fetchBackup({ ...plan, identities, signal: until, onPart }))
      await prepared.run(open)
      return { bytes: backup.size }
    },
  )
}
