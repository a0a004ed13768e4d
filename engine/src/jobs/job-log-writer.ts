import { addJobLog, type Database, type JobLogLine } from '@telegram-backup/database'
import type { Logger } from '#logging.ts'

export interface JobLogWriter {
  add(line: Pick<JobLogLine, 'stage' | 'level' | 'text'>): void
  /** Resolves when all lines are written or lost; never rejects. */
  end(): Promise<void>
}

/** Writes lines to the log of a job, in order; the job does not wait. A lost line fails no job. */
export function openJobLog(
  { database, log }: { database: Database; log: Pick<Logger, 'warn'> },
  jobId: string,
): JobLogWriter {
  const waiting: Pick<JobLogLine, 'stage' | 'level' | 'text'>[] = []
  let writing = Promise.resolve()
  const write = async (): Promise<void> => {
    const lines = waiting.splice(0)
    await addJobLog(database, { jobId, lines }).catch((error: unknown) => {
      log.warn({ job_id: jobId, lines: lines.length, error }, 'lines of the log of a job were lost')
    })
  }
  return {
    add: line => {
      waiting.push(line)
      writing = writing.then(write)
    },
    end: () => writing,
  }
}
