import {
  type Database,
  type DeliverJob,
  type Job,
  sampleBackups,
  sampleBuckets,
} from '@telegram-backup/database'
import type { Logger } from '#logging.ts'
import { repeatUntilStopped } from '#repeat-until-stopped.ts'
import { planBucketSampling } from '#verification/plan-bucket-sampling.ts'
import { HOUR_MS, planSampling, type SamplingRules } from '#verification/plan-sampling.ts'

export interface SamplingOptions {
  database: Database
  deliver: DeliverJob
  log: Pick<Logger, 'info' | 'warn'>
  rules: SamplingRules
  /** Between two rounds, in milliseconds; 10 minutes by default. */
  everyMs?: number | undefined
}

const EVERY_MS = HOUR_MS / 6

/**
 * Submits verifications until it is stopped, so that every complete backup and every pack of a bucket is read
 * within its time. Any number of processes may do this on one catalog.
 */
export function startSampling(options: SamplingOptions): { stop(): Promise<void> } {
  const { everyMs = EVERY_MS, log } = options
  let wasLate = 0
  return repeatUntilStopped({
    work: async () => {
      const { jobs, late } = await sampleOnce(options)
      if (jobs.length > 0) log.info({ jobs: jobs.length }, 'backups or packs will be verified')
      if (late > wasLate) {
        log.warn(
          { late },
          'backups or packs were not read in time; raise verification.messages_per_hour, or read_all_within',
        )
      }
      wasLate = late
      return undefined
    },
    everyMs,
    // A service that restarts again and again does not start with this each time.
    firstAfterMs: everyMs / 10,
    log,
    failed: 'what is to be verified could not be chosen',
  })
}

/** One round: submits the verifications that are due now. */
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
  const bucketJobs = await sampleBuckets(
    database,
    {
      readAllWithinMs: rules.readAllWithinMs,
      decide: facts => {
        const plan = planBucketSampling(facts, rules)
        late += plan.late
        return plan.picks
      },
    },
    deliver,
  )
  return { jobs: [...jobs, ...bucketJobs], late }
}
