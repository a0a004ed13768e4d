import { mayOpenBackups } from '#config/drill-wishes.ts'
import { runBackupJob } from '#job-handlers/backup-job.ts'
import { runDrillJob } from '#job-handlers/drill-job.ts'
import { runEraseJob } from '#job-handlers/erase-job.ts'
import { runExpireJob } from '#job-handlers/expire-job.ts'
import { runRestoreJob } from '#job-handlers/restore-job.ts'
import { runVerifyJob } from '#job-handlers/verify-job.ts'
import type { JobTools } from '#jobs/job-handler.ts'
import { type JobHandlers, JobRunner, type JobRunnerOptions } from '#jobs/job-runner.ts'
import { startJobSweeper } from '#jobs/job-sweeper.ts'
import { servedQueues } from '#jobs/queue-names.ts'
import { declaredPlaces } from '#monitoring/declared-places.ts'
import { retentionAnnouncer } from '#retention/announce-retention.ts'
import type { ServiceContext } from '#service/service-context.ts'
import type { ServicePart } from '#service-part.ts'

const HANDLERS: JobHandlers = {
  backup: runBackupJob,
  restore: runRestoreJob,
  verify: runVerifyJob,
  drill: runDrillJob,
  erase: runEraseJob,
  expire: runExpireJob,
}

const LOOK_EVERY_MS = 1_000
/** A little longer than a cancelled backup takes to remove what it sent. */
const TAKE_BACK_MS = 15_000
const SWEEP_EVERY_MS = 5_000
const OVERDUE_MS = 30_000
/** Time to fix a misspelt name, or to start the machine that knows it. */
const UNSERVED_MS = 3_600_000

/** Runs the jobs of this process, and brings back abandoned ones. */
export async function startJobs(
  context: ServiceContext,
  options: {
    slots: number
    graceMs: number
    openLimited: JobTools['openLimited']
    /** Where the page of this process is. */
    url?: string | undefined
  } & Pick<JobRunnerOptions, 'onAttempt'>,
): Promise<ServicePart> {
  const { database, queue, log, configFile } = context
  const drills = mayOpenBackups(context.config)
  const queues = (): string[] =>
    servedQueues({ sourceNames: configFile.sourceNames, targetNames: configFile.targetNames, drills })
  for (const name of queues()) await queue.open(name)
  const runner = new JobRunner({
    tools: { ...context, openLimited: options.openLimited, retention: retentionAnnouncer(context) },
    queue,
    handlers: HANDLERS,
    queues,
    slots: options.slots,
    lookEveryMs: LOOK_EVERY_MS,
    takeBackMs: TAKE_BACK_MS,
    onAttempt: options.onAttempt,
  })
  const sweeper = startJobSweeper({
    database,
    queue,
    log,
    served: () => ({ sources: configFile.sourceNames, targets: configFile.targetNames, drills }),
    declared: () => declaredPlaces(configFile, context.config),
    edition: () => configFile.edition,
    url: options.url,
    everyMs: SWEEP_EVERY_MS,
    overdueMs: OVERDUE_MS,
    unservedMs: UNSERVED_MS,
    onBroughtBack: () => runner.wake(),
  })
  const forgets = [queue.onSubmitted(() => runner.wake()), configFile.onChange(() => runner.wake())]
  runner.start()
  return {
    stop: async () => {
      for (const forget of forgets) forget()
      await Promise.all([runner.stop({ graceMs: options.graceMs }), sweeper.stop()])
    },
  }
}
