import { createExpiryJobWhenDue, type Database, type DeliverJob } from '@telegram-backup/database'
import type { Logger } from '#logging.ts'
import { repeatUntilStopped } from '#repeat-until-stopped.ts'

export interface RetentionRunsOptions {
  database: Database
  deliver: DeliverJob
  log: Pick<Logger, 'info' | 'warn'>
  lookEveryMs?: number
  /** Between two jobs, over all processes. */
  leastMs?: number
  /** Even when nothing was backed up. */
  mostMs?: number
}

/** Soon after a scheduled backup, even with one every minute, and at least once an hour. */
const USUAL = { lookEveryMs: 5_000, leastMs: 45_000, mostMs: 3_600_000 }

/**
 * Submits the jobs that apply retention until it is stopped. Any number of processes may do this on one
 * catalog.
 */
export function startRetention(options: RetentionRunsOptions): { stop(): Promise<void> } {
  const { database, deliver, log, lookEveryMs, leastMs, mostMs } = { ...USUAL, ...options }
  return repeatUntilStopped({
    work: async () => {
      const job = await createExpiryJobWhenDue(database, { leastMs, mostMs }, deliver)
      if (job !== null) log.info({ job_id: job.id }, 'retention will be applied')
      return undefined
    },
    everyMs: lookEveryMs,
    log,
    failed: 'the job of retention could not be created',
  })
}
