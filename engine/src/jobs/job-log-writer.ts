import { addJobLog, type Database } from '@telegram-backup/database'
import { hideSecrets } from '@telegram-backup/errors'
import type { StageLine } from '#jobs/job-stages.ts'
import type { Logger } from '#logging.ts'

/** Of one attempt. Hooks are other programs, which may print without end. */
const MOST_CHARACTERS = 1_000_000
/** What a short line costs. */
const LEAST_OF_LINE = 200

export interface JobLogWriter {
  /** The stage of the newest line. */
  readonly stage: string
  add(line: StageLine): void
  /**
   * Adds the line with which the attempt ends. Resolves when all lines are written or lost; never rejects.
   */
  end(line?: StageLine): Promise<void>
}

/**
 * Writes lines to the log of a job, in order; the job does not wait. A lost line fails no job. After a
 * million characters, only the last line of the attempt still comes.
 */
export function openJobLog(
  { database, log }: { database: Database; log: Pick<Logger, 'warn'> },
  jobId: string,
): JobLogWriter {
  const waiting: StageLine[] = []
  let stage = 'prepare'
  let room = MOST_CHARACTERS
  let writing = Promise.resolve()
  const write = async (): Promise<void> => {
    const lines = waiting.splice(0)
    await addJobLog(database, { jobId, lines }).catch((error: unknown) => {
      log.warn({ job_id: jobId, lines: lines.length, error }, 'lines of the log of a job were lost')
    })
  }
  const push = (line: StageLine): void => {
    waiting.push({ ...line, text: hideSecrets(line.text) })
    writing = writing.then(write)
  }
  return {
    get stage() {
      return stage
    },
    add: line => {
      stage = line.stage
      if (room <= 0) return
      room -= Math.max(line.text.length, LEAST_OF_LINE)
      push(line)
      if (room <= 0) push({ stage, level: 'warn', text: 'Further lines of this attempt are left out' })
    },
    end: async line => {
      if (line !== undefined) push(line)
      await writing
    },
  }
}
