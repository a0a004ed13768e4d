import { type Backup, getBackupById, type JobProgress } from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'
import { cancelled } from '@telegram-backup/vault/session/session.ts'
import { assertAskerMay } from '#jobs/asker-rights.ts'
import type { JobHandler, JobRun, JobTools } from '#jobs/job-handler.ts'
import type { TellStage } from '#jobs/job-stages.ts'
import { openDrills } from '#operations/drill.ts'
import { type VerifyOutcome, verify } from '#operations/verify.ts'
import { type DrillReport, differenceIn } from '#proof/drill-report.ts'
import { drillSettingsIn } from '#proof/drill-settings.ts'
import { count, formatBytes } from '#units/human-units.ts'

/** A dump can make its restore run for ever, and no other drill of this process begins meanwhile. */
const LONGEST_DRILL_MS = 24 * 3_600_000
/** Differences that the log names; the verification has all of them. */
const MOST_LOGGED = 20

/**
 * Reads every byte of a backup, then restores it into a temporary place, and compares it with its source.
 * With the option `planned` nobody asked for this backup, so it may be erased meanwhile. Fails with
 * `DIFFERENT`, `INTEGRITY`, `CONFIGURATION` when it cannot be restored here, `TIMEOUT`, and what a restore
 * throws.
 */
export const runDrillJob: JobHandler = async (jobRun, tools) => {
  const { job } = jobRun
  const { database, log } = tools
  if (job.cancel_requested_at !== null) throw cancelled()
  const isPlanned = job.options['planned'] === true
  const backup = job.backup_id === null ? null : await getBackupById(database, job.backup_id)
  if (isPlanned && backup?.state !== 'complete')
    return log.info({ job_id: job.id, backup_id: job.backup_id }, ERASED_MEANWHILE)
  if (backup === null) throw new BackupError('No backup has that id', { code: 'NOT_FOUND' })
  await tools.configFile.reread()
  await assertAskerMay(database, job, projectsTouched(backup, jobRun, tools))
  const until = AbortSignal.timeout(LONGEST_DRILL_MS)
  try {
    const outcome = await drill(backup, { jobRun, tools, until })
    if ('skipped' in outcome) return log.info({ job_id: job.id, backup_id: backup.id }, ERASED_MEANWHILE)
    assertProven(outcome, backup)
  } catch (error) {
    throw until.aborted && jobRun.stopReason() === undefined ? tookTooLong() : error
  }
}

const ERASED_MEANWHILE = 'a backup was erased before it could be drilled'

/** The projects of the backup, and of the target that it would be restored on. */
function projectsTouched(backup: Backup, { job }: JobRun, { configFile }: JobTools): (string | null)[] {
  const { drill_on } = drillSettingsIn(configFile, backup)
  const target = job.target ?? drill_on
  if (target === undefined) return [backup.project_id]
  return [backup.project_id, configFile.projectOf('target', target) ?? null]
}

async function drill(
  backup: Backup,
  { jobRun, tools, until }: { jobRun: JobRun; tools: JobTools; until: AbortSignal },
): Promise<VerifyOutcome> {
  const { job, report, tell, note } = jobRun
  const { log: _, ...engine } = tools
  const signal = AbortSignal.any([jobRun.signal, until])
  const progress = new DrillProgress(backup, report)
  const drills = await openDrills(
    engine,
    {
      target: job.target ?? undefined,
      createRoles: false,
      trustDump: false,
      jobId: job.id,
      startedBy: job.options['planned'] === true ? 'serve, by itself' : 'a request to the HTTP API',
    },
    {
      ...{ signal, note, onBytes: bytes => progress.restored(bytes) },
      onStart: ({ plainBytes }) =>
        tell('restore', `Restoring ${formatBytes(plainBytes)} into a temporary place`),
      onRestored: () => tell('compare', 'Restored; comparing it with its source'),
    },
  )
  tell('fetch', `Reading every byte of backup ${backup.id}`)
  const [outcome] = await verify(
    engine,
    { backups: [backup], readData: true, drills, isMany: job.options['planned'] === true, jobId: job.id },
    { signal, note, onProgress: read => progress.read(read) },
  )
  if (outcome === undefined) return { backup, skipped: 'erased meanwhile' }
  if (
    'report' in outcome &&
    outcome.drill !== undefined &&
    outcome.drill !== 'damaged' &&
    'state' in outcome.drill
  )
    logResult(outcome.drill, tell)
  return outcome
}

function logResult(result: DrillReport, tell: TellStage): void {
  const add = (level: 'info' | 'error', text: string): void => tell('compare', text, level)
  if (result.state === 'nothing to restore') {
    add('info', result.reason)
    return
  }
  const { differences, compared, seconds } = result
  for (const { reason } of differences.slice(0, MOST_LOGGED)) add('error', reason)
  if (differences.length > MOST_LOGGED)
    add('error', `and ${count(differences.length - MOST_LOGGED, 'more difference')}`)
  const ends = {
    passed: 'the same as its source',
    'not compared': 'restored; there is no record of its source to compare with',
    differs: `NOT the same as its source: ${count(differences.length, 'difference')}`,
  }
  add(
    result.state === 'differs' ? 'error' : 'info',
    `${ends[result.state]}, contents ${compared.contents}, in ${Math.round(seconds)} s`,
  )
}

/** Throws what went wrong. A source that cannot be compared is no error. */
function assertProven(outcome: Exclude<VerifyOutcome, { skipped: string }>, backup: Backup): void {
  if ('error' in outcome) throw outcome.error
  const { report, drill } = outcome
  if (report.state === 'damaged') {
    const [first] = report.findings.filter(({ mended }) => mended !== true)
    throw new BackupError(`The backup is damaged: ${first?.reason ?? 'see its verifications'}`, {
      code: 'INTEGRITY',
      hint: hint`${run('show', backup.id)} shows more; make a new backup while the source is there.`,
    })
  }
  if (drill === undefined || drill === 'damaged') return
  if ('error' in drill) throw drill.error
  const different = differenceIn(drill)
  if (different !== undefined) {
    const { code, error, hint: advice } = different
    throw new BackupError(error, { code, hint: advice })
  }
}

function tookTooLong(): BackupError {
  const hours = LONGEST_DRILL_MS / 3_600_000
  return new BackupError(`The drill did not end within ${hours} hours, and was ended`, {
    code: 'TIMEOUT',
    hint: hint`Find out what holds it up with "${run('verify')}" on the command line, which has no such limit.`,
  })
}

/** First the bytes as sent that were read, then the plain bytes that were restored; never backwards. */
class DrillProgress {
  readonly #report: (progress: JobProgress) => void
  readonly #plainTotal: number
  #read: JobProgress = { bytes_done: 0, bytes_total: null, parts_done: 0 }
  #restored = 0
  #earlierRounds = 0

  constructor(backup: Backup, report: (progress: JobProgress) => void) {
    this.#report = report
    this.#plainTotal = backup.size
    this.#read.bytes_total = backup.archive_size ?? backup.size
  }

  read(progress: JobProgress): void {
    this.#read = progress
    this.#tell()
  }

  /** @param plainBytes of this reading; a directory is read once more, to be compared. */
  restored(plainBytes: number): void {
    if (plainBytes < this.#restored) this.#earlierRounds += this.#restored
    this.#restored = plainBytes
    this.#tell()
  }

  #tell(): void {
    const { bytes_done, bytes_total, parts_done } = this.#read
    const done = bytes_done + this.#earlierRounds + this.#restored
    const rounds = this.#earlierRounds + Math.max(this.#plainTotal, this.#restored)
    this.#report({
      bytes_done: done,
      bytes_total: Math.max(done, (bytes_total ?? bytes_done) + rounds),
      parts_done,
    })
  }
}
