import { setTimeout as sleep } from 'node:timers/promises'
import { connectorOf } from '@telegram-backup/connectors/registry.ts'
import { type Backup, getJob, type Job, type JobProgress } from '@telegram-backup/database'
import { BackupError, describeError } from '@telegram-backup/errors'
import { cancelled } from '@telegram-backup/vault/session/session.ts'
import { planSource, type SendPlan } from '#backup/send-plan.ts'
import { assertAskerMay } from '#jobs/asker-rights.ts'
import { progressOfSend, progressOfWhole, sumOf } from '#jobs/backup-progress.ts'
import { ofSource, reportedFailure } from '#jobs/job-errors.ts'
import type { JobHandler, JobRun, JobTools } from '#jobs/job-handler.ts'
import { tellOfBackup } from '#jobs/tell-of-backup.ts'
import { backup, type HookLine, planRetry, type SendEstimate, type SentSource } from '#operations/backup.ts'
import { backupGroup, failureOfGroup, isOfGroup } from '#operations/backup-group.ts'
import { reconcileOne } from '#operations/reconcile.ts'
import { count, formatSpan } from '#units/human-units.ts'

/**
 * Long enough to delete what a cancelled send left, in a chat that answers; shorter than the time that a
 * stopping service gives its jobs.
 */
const TAKE_BACK_MS = 12_000
const BUSY_PAUSE_MS = 300

/**
 * Sends the source that the job names. Of a source that consists of several, an attempt goes on with the
 * group of the attempts before. First it reconciles what an earlier attempt left: a backup that turns
 * out to be complete is the result of the job; the backup of a file continues; any other is removed from the
 * chat.
 */
export const runBackupJob: JobHandler = async (run, tools) => {
  const { job, signal } = run
  try {
    if (job.cancel_requested_at !== null) throw cancelled()
    const earlier = job.backup_id === null ? null : await reconcileOne(tools, job.backup_id, { signal })
    const isWhole = earlier !== null && earlier.state !== 'failed'
    if (isWhole && earlier.group_id === null) {
      run.tell('record', `The attempt before had completed backup ${earlier.id}`)
      return run.report(progressOfWhole(earlier))
    }
    const plan = await planJob(job, tools)
    run.tell('prepare', `Backing up the source ${job.source}`)
    if (isOfGroup(plan)) await sendGroup(run, tools, plan)
    else await send(run, tools, await planRetry(tools, { plan, earlier }, { signal }))
  } catch (error) {
    const isCancelled = run.stopReason() === 'cancelled' || job.cancel_requested_at !== null
    const whole = isCancelled ? await takeBack(job, tools) : undefined
    // Of a group, only single members may be whole.
    if (whole === undefined || whole.group_id !== null) throw error
    run.report(progressOfWhole(whole))
  }
}

async function planJob(job: Job, tools: JobTools): Promise<SendPlan> {
  if (job.source === null) throw new BackupError('The job names no source', { code: 'INVALID' })
  await tools.configFile.reread()
  const plan = planSource(tools.configFile.source(job.source))
  if (job.project_id !== null && plan.project !== job.project_id) {
    throw new BackupError(`The source ${job.source} belongs to another project now`, {
      code: 'CONFIGURATION',
      hint: 'Create the schedule again, or request the backup again.',
    })
  }
  await assertAskerMay(tools.database, job, [plan.project])
  return plan
}

async function send(run: JobRun, tools: JobTools, plan: SendPlan): Promise<void> {
  const { report } = run
  const { log } = tools
  try {
    const engine = await engineFor(plan, tools)
    const sent = await backup(engine, plan, {
      ...hooksOf(run),
      onProgress: state => report(progressOfSend(state)),
    })
    judge(sent, run, log)
    if (sent.databaseRecord) report(progressOfWhole(sent.databaseRecord))
  } catch (error) {
    throw await hidden(error, { plan, run, log })
  }
}

/** The group has the id of the job, so that the next attempt finds what this one has made. */
async function sendGroup(run: JobRun, tools: JobTools, plan: SendPlan): Promise<void> {
  const { job, report } = run
  const { log } = tools
  let done: JobProgress = { bytes_done: 0, bytes_total: null, parts_done: 0 }
  const group = await backupGroup(await engineFor(plan, tools), plan, {
    ...hooksOf(run),
    groupId: job.id,
    onProgress: state => report(sumOf(done, progressOfSend(state))),
    onMemberSent: ({ sent }) => {
      if (sent.databaseRecord) done = sumOf(done, progressOfWhole(sent.databaseRecord))
      report(done)
    },
  }).catch(async (error: unknown) => {
    throw await hidden(error, { plan, run, log })
  })
  for (const { sent, isEarlier } of group.members) if (sent.success && !isEarlier) judge(sent, run, log)
  const { afterError } = group
  if (afterError !== undefined)
    log.error({ job_id: job.id, source: job.source, reason: afterError.message }, 'a hook failed')
  if (run.stopReason() !== undefined && !group.isComplete) throw cancelled()
  const failure = await failureOfGroup(group, async ({ sent, plan: of }) =>
    hidden(reportedFailure(sent, job), { plan: of, run, log }),
  )
  if (failure !== undefined) throw failure
}

/** The log keeps the place of the source, which its reader needs to fix it; the job's row does not. */
async function hidden(
  error: unknown,
  { plan, run: { job }, log }: { plan: SendPlan; run: JobRun; log: JobTools['log'] },
): Promise<unknown> {
  const hide = await connectorOf(plan.source).hideSource?.(plan.source, job.source ?? '')
  if (hide === undefined) return error
  log.warn({ job_id: job.id, source: job.source, error }, 'the backup failed')
  return hide(error)
}

async function engineFor({ bytesPerSecond }: SendPlan, { log: _, ...engine }: JobTools) {
  return { ...engine, ...(bytesPerSecond !== undefined && (await engine.openLimited(bytesPerSecond))) }
}

function hooksOf({ job, signal, tell, note }: JobRun) {
  return {
    signal,
    origin: {
      sourceName: job.source ?? undefined,
      scheduleId: job.schedule_id ?? undefined,
      scheduledFor: job.scheduled_for ?? undefined,
      jobId: job.id,
    },
    note,
    onEstimate: (estimate: SendEstimate | undefined) => {
      tell('read', 'The source is open')
      if (estimate !== undefined) {
        const { messages, seconds } = estimate
        const time = seconds < 1 ? '' : `, which take ${formatSpan(seconds)} or longer`
        tell('send', `About ${count(messages, 'message')}${time}`)
      }
    },
    onSent: (sent: Backup) => tellOfBackup(sent, tell),
    onHookLine: ({ stage, text, level }: HookLine) => tell(stage, text, level),
    waits: false,
    onSourceFailed: (error: unknown) => ofSource(error, job),
  }
}

function judge(sent: SentSource, { job, tell }: JobRun, log: JobTools['log']): void {
  const { success, skipped = [], details, afterError } = sent
  if (!success) throw reportedFailure(sent, job)
  const facts = { job_id: job.id, source: job.source }
  if (sent.databaseRecord?.size === 0) log.warn(facts, 'the source was empty, 0 bytes')
  if (skipped.length > 0)
    log.warn({ ...facts, files: skipped.length }, 'files are missing or changed during the read, as allowed')
  for (const { path, reason } of skipped.slice(0, MOST_FILES_TOLD)) tell('read', `${path}: ${reason}`, 'warn')
  if (skipped.length > MOST_FILES_TOLD)
    tell(
      'read',
      `${skipped.length} files are missing or changed during the read; the backup names them`,
      'warn',
    )
  if (afterError !== undefined) log.error({ ...facts, reason: afterError.message }, 'a hook failed')
  if (details.indexUpToDate === false) {
    log.warn({ ...facts, reason: details.indexError }, 'the index in the chat is not up to date yet')
    tell('record', `The index in the chat is not up to date yet: ${details.indexError}`, 'warn')
  }
  if (details.replica?.isWhole === false) {
    log.warn({ ...facts, reason: details.replica.error }, 'not every message was copied to the second chat')
    tell('record', `Not every message was copied to the second chat: ${details.replica.error}`, 'warn')
  }
}

const MOST_FILES_TOLD = 20

/**
 * A cancelled job leaves nothing in the chat, not even of its earlier attempts. Exception: an attempt that
 * was complete before its process died stays, and is the result of the job. What cannot be removed now is
 * left to `reconcile`.
 */
async function takeBack(job: Job, tools: JobTools): Promise<Backup | undefined> {
  try {
    const backupId = (await getJob(tools.database, job.id))?.backup_id
    if (backupId == null) return undefined
    const signal = AbortSignal.timeout(TAKE_BACK_MS)
    for (;;) {
      const left = await reconcileOne(tools, backupId, { signal, forGood: true }).catch(unlessBusy)
      if (left !== 'busy') return left?.state === 'complete' ? left : undefined
      await sleep(BUSY_PAUSE_MS, undefined, { signal })
    }
  } catch (error) {
    const { code, message } = describeError(error)
    tools.log.warn({ job_id: job.id, code, reason: message }, 'a cancelled backup may have left messages')
    return undefined
  }
}

/** Another process reconciles the backup at this moment; this process cancels it afterwards. */
function unlessBusy(error: unknown): 'busy' {
  if (describeError(error).code === 'BUSY') return 'busy'
  throw error
}
