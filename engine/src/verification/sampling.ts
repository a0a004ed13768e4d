import { type Database, type DeliverJob, type Job, sampleBackups } from '@telegram-backup/database'
import type { Logger } from '#logging.ts'
import { repeatUntilStopped } from '#repeat-until-stopped.ts'
import { HOUR_MS, planSampling, type SamplingRules } from '#verification/plan-sampling.ts'

export interface SamplingOptions {
  database: Database
  deliver: DeliverJob
  log: Pick<Logger, 'info' | 'warn'>
  rules: SamplingRules
  /** Between two looks, in milliseconds; 10 minutes if left out. */
  everyMs?: number | undefined
}

const EVERY_MS = HOUR_MS / 6

/**
 * Hands in verifications, so that every complete backup is read within its time, until it is stopped. Any
 * number of processes may do so on one catalog. A catalog that is away is told to the log, and asked again.
 */
export function startSampling(options: SamplingOptions): { stop(): Promise<void> } {
  const { everyMs = EVERY_MS, log } = options
  let wasLate = 0
  return repeatUntilStopped({
    work: async () => {
      const { jobs, late } = await sampleOnce(options)
      if (jobs.length > 0) log.info({ jobs: jobs.length }, 'backups are to be verified')
      if (late > wasLate) {
        log.warn(
          { backups: late },
          'backups have not been read for longer than they should; raise verification.messages_per_hour, or read_all_within',
        )
      }
      wasLate = late
      return undefined
    },
    everyMs,
    // A service that is started again and again is not to begin with this each time.
    firstAfterMs: everyMs / 10,
    log,
    failed: 'what is to be verified could not be chosen',
  })
}

/** One look: hands in what is to be verified now. */
export async function sampleOnce({
  database,
  deliver,
  rules,
}: Pick<SamplingOptions, 'database' | 'deliver' | 'rules'>): Promise<{ jobs: Job[]; late: number }> {
  let late = 0
  const jobs = await sampleBackups(
    database,
    facts => {
      const plan = planSampling(facts, rules)
      late = plan.late
      return plan.picks
    },
    deliver,
  )
  return { jobs, late }
}
