import { setTimeout as sleep } from 'node:timers/promises'
import { connectorOf } from '@telegram-backup/connectors/registry.ts'
import type { Backup, Job } from '@telegram-backup/database'
import { BackupError, describeError } from '@telegram-backup/errors'
import { reconcileBackup } from '@telegram-backup/vault/reconcile/reconcile-run.ts'
import { resumeSend } from '@telegram-backup/vault/reconcile/resume-send.ts'
import { openSession } from '@telegram-backup/vault/session/open-session.ts'
import { mayBeResumed } from '@telegram-backup/vault/session/resumable.ts'
import { cancelled } from '@telegram-backup/vault/session/session.ts'
import { planSource, type SendPlan } from '#backup/send-plan.ts'
import { assertAskerMay } from '#jobs/asker-rights.ts'
import { progressOfSend, progressOfWhole } from '#jobs/backup-progress.ts'
import { ofSource, reportedFailure } from '#jobs/job-errors.ts'
import type { JobHandler, JobRun, JobTools } from '#jobs/job-handler.ts'
import { backup, type SentSource } from '#operations/backup.ts'

/**
 * Long enough to delete what a cancelled send left, in a chat that answers; less than a service that stops
 * gives its jobs.
 */
const TAKE_BACK_MS = 12_000
const BUSY_PAUSE_MS = 300

/**
 * Sends the source that the job names. What an earlier attempt left is settled first: a backup that turns out
 * to be whole is the job's backup; one of a file goes on where it ended; of any other nothing stays in the
 * chat.
 */
export const runBackupJob: JobHandler = async (run, tools) => {
  const { job, signal } = run
  try {
    if (job.cancel_requested_at !== null) throw cancelled()
    const earlier = job.backup_id === null ? null : await reconcileEarlier(job.backup_id, signal, tools)
    if (earlier !== null && earlier.state !== 'failed') return run.report(progressOfWhole(earlier))
    await send(run, tools, await planJob(job, earlier, { signal, tools }))
  } catch (error) {
    const isCancelled = run.stopReason() === 'cancelled' || job.cancel_requested_at !== null
    const whole = isCancelled ? await takeBack(job, tools) : undefined
    if (whole === undefined) throw error
    run.report(progressOfWhole(whole))
  }
}

async function reconcileEarlier(
  backupId: string,
  signal: AbortSignal,
  tools: JobTools,
): Promise<Backup | null> {
  const session = await openSession({ ...tools, signal })
  return await reconcileBackup(session, backupId)
}

async function planJob(
  job: Job,
  earlier: Backup | null,
  { signal, tools }: { signal: AbortSignal; tools: JobTools },
): Promise<SendPlan> {
  if (job.source === null) throw new BackupError('The job names no source', { code: 'INVALID' })
  await tools.configFile.reread()
  const plan = planSource(tools.configFile.source(job.source))
  if (job.project_id !== null && plan.project !== job.project_id) {
    throw new BackupError(`The source ${job.source} belongs to another project now`, {
      code: 'CONFIGURATION',
      hint: 'Make the schedule anew, or ask for the backup once more.',
    })
  }
  await assertAskerMay(tools.database, job, [plan.project])
  const { source } = plan
  const again = connectorOf(source).resume
  if (again === undefined || earlier === null || !mayBeResumed(earlier)) return plan
  const session = await openSession({ ...tools, signal })
  const resume = await resumeSend(session, earlier, await again.look(source))
  return resume === undefined ? plan : { ...plan, resume, chat: earlier.chat_id ?? plan.chat }
}

async function send({ job, signal, report }: JobRun, tools: JobTools, plan: SendPlan): Promise<void> {
  const { bytesPerSecond } = plan
  const limited = bytesPerSecond === undefined ? {} : await tools.openLimited(bytesPerSecond)
  const { log, ...rest } = tools
  try {
    const sent = await backup({ ...rest, ...limited }, plan, {
      signal,
      origin: {
        sourceName: job.source ?? undefined,
        scheduleId: job.schedule_id ?? undefined,
        scheduledFor: job.scheduled_for ?? undefined,
        jobId: job.id,
      },
      note: line => log.info({ job_id: job.id }, line),
      waits: false,
      onSourceFailed: error => ofSource(error, job),
      onProgress: state => report(progressOfSend(state)),
    })
    judge(sent, job, log)
    if (sent.databaseRecord) report(progressOfWhole(sent.databaseRecord))
  } catch (error) {
    const hide = await connectorOf(plan.source).hideSource?.(plan.source, job.source ?? '')
    if (hide === undefined) throw error
    // The log keeps the place of the source, which its reader needs to fix it; the job's row does not.
    log.warn({ job_id: job.id, source: job.source, error }, 'the backup failed')
    throw hide(error)
  }
}

function judge(sent: SentSource, job: Job, log: JobTools['log']): void {
  const { success, skipped = [], details } = sent
  if (!success) throw reportedFailure(sent, job)
  const facts = { job_id: job.id, source: job.source }
  if (sent.databaseRecord?.size === 0) log.warn(facts, 'the source was empty, 0 bytes')
  if (skipped.length > 0)
    log.warn({ ...facts, files: skipped.length }, 'files are missing or torn, as allowed')
  if (details.indexUpToDate === false) {
    log.warn({ ...facts, reason: details.indexError }, 'the index in the chat is not up to date yet')
  }
  if (details.replica?.isWhole === false) {
    log.warn({ ...facts, reason: details.replica.error }, 'not every message was copied to the second chat')
  }
}

/**
 * A cancelled job leaves nothing in the chat, also of its earlier attempts, unless one of them was whole
 * before its process died: that stays, comes back, and is what the job has done. What cannot be done now,
 * `reconcile` does.
 */
async function takeBack(job: Job, tools: JobTools): Promise<Backup | undefined> {
  const { getJob } = await import('@telegram-backup/database')
  try {
    const backupId = (await getJob(tools.database, job.id))?.backup_id
    if (backupId == null) return undefined
    const signal = AbortSignal.timeout(TAKE_BACK_MS)
    const session = await openSession({ ...tools, signal })
    for (;;) {
      const settled = await reconcileBackup(session, backupId, { forGood: true }).catch(unlessBusy)
      if (settled !== 'busy') return settled?.state === 'complete' ? settled : undefined
      await sleep(BUSY_PAUSE_MS, undefined, { signal })
    }
  } catch (error) {
    const { code, message } = describeError(error)
    tools.log.warn({ job_id: job.id, code, reason: message }, 'a cancelled backup may have left messages')
    return undefined
  }
}

/** Somebody else settles it just now; it is cancelled when that is done. */
function unlessBusy(error: unknown): 'busy' {
  if (describeError(error).code === 'BUSY') return 'busy'
  throw error
}
