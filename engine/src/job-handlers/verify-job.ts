import { bucketById, getBackupById } from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'
import { cancelled } from '@telegram-backup/vault/session/session.ts'
import type { Engine } from '#engine.ts'
import { assertAskerMay } from '#jobs/asker-rights.ts'
import type { JobHandler } from '#jobs/job-handler.ts'
import type { TellStage } from '#jobs/job-stages.ts'
import { type VerificationReport, verify } from '#operations/verify.ts'
import { verifyBuckets } from '#operations/verify-buckets.ts'
import { count, formatBytes } from '#units/human-units.ts'

/**
 * Verifies a backup, or with the option `bucket_id` some packs of a bucket: its messages, with the option
 * `read_data` every byte. Damage that could not be repaired fails the job. With the option `sampled` nobody
 * asked for this backup, so it may be erased meanwhile.
 */
export const runVerifyJob: JobHandler = async ({ job, signal, report, tell, note }, { log, ...engine }) => {
  if (job.cancel_requested_at !== null) throw cancelled()
  const { id: jobId, backup_id, options } = job
  const { bucket_id: bucketId } = options
  if (typeof bucketId === 'string') return await verifySample(bucketId, { job, signal, note, tell }, engine)
  const isMany = options['sampled'] === true
  const backup = backup_id === null ? null : await getBackupById(engine.database, backup_id)
  if (backup === null && isMany) return log.info({ job_id: jobId, backup_id }, ERASED_MEANWHILE)
  if (backup === null) throw new BackupError('No backup has that id', { code: 'NOT_FOUND' })
  await assertAskerMay(engine.database, job)
  const readData = options['read_data'] === true
  tell('verify', `${readData ? 'Reading every byte' : 'Looking for every message'} of backup ${backup.id}`)
  const [outcome] = await verify(
    engine,
    { backups: [backup], readData, isMany, jobId },
    { signal, note, onProgress: report },
  )
  if (outcome === undefined || 'skipped' in outcome)
    return log.info({ job_id: jobId, backup_id }, ERASED_MEANWHILE)
  if ('error' in outcome) throw outcome.error
  tellOf(outcome.report, tell)
  if (outcome.report.state !== 'damaged') return
  const [first] = outcome.report.findings.filter(({ mended }) => mended !== true)
  throw new BackupError(`The backup is damaged: ${first?.reason ?? 'see its verifications'}`, {
    code: 'INTEGRITY',
    hint: hint`${run('show', backup.id)} shows more; make a new backup while the source is there.`,
  })
}

/** Reads the packs of a bucket that were unread for the longest time. A bucket may be removed meanwhile. */
async function verifySample(
  bucketId: string,
  { job, signal, note, tell }: Pick<Parameters<JobHandler>[0], 'job' | 'signal' | 'note' | 'tell'>,
  engine: Engine,
): Promise<void> {
  const bucket = await bucketById(engine.database, bucketId)
  if (bucket === null || bucket.removed_at !== null) return
  const packs = Math.max(1, Number(job.options['packs'] ?? 1))
  tell('verify', `Reading ${count(packs, 'pack')} of bucket ${bucket.name}`)
  const [outcome] = await verifyBuckets(
    engine,
    { buckets: [bucket], readData: true, packs },
    { signal, note },
  )
  if (outcome === undefined) return
  if ('error' in outcome) throw outcome.error
  const { report } = outcome
  tellOf({ ...report, parts: report.messages }, tell)
  const [first] = report.findings.filter(({ mended }) => mended !== true)
  if (first === undefined) return
  throw new BackupError(`Bucket ${bucket.name} is damaged: ${first.reason}`, {
    code: 'INTEGRITY',
    hint: hint`${run('verify', { bucket: bucket.name })} shows which objects are lost.`,
  })
}

const ERASED_MEANWHILE = 'a backup was erased before it could be verified'

/** Findings, each with its reason. */
const MOST_TOLD = 20

type Told = Pick<VerificationReport, 'state' | 'parts' | 'bytes' | 'unproven'> & {
  findings: readonly { reason: string; mended?: boolean }[]
}

function tellOf({ state, parts, bytes, findings, unproven }: Told, tell: TellStage): void {
  for (const { reason, mended } of findings.slice(0, MOST_TOLD))
    tell('verify', mended === true ? `Repaired: ${reason}` : reason, mended === true ? 'warn' : 'error')
  for (const { reason } of unproven.slice(0, MOST_TOLD)) tell('verify', `Not checked: ${reason}`, 'warn')
  const read = bytes > 0 ? `, ${formatBytes(bytes)} read` : ''
  tell('verify', `${count(parts, 'message')}${read}: ${state === 'mended' ? 'repaired' : state}`)
}
