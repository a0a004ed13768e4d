import type { Database, Job, JobState } from '@telegram-backup/database'
import { backupOfJob, jobView } from '@telegram-backup/engine/jobs/job-view.ts'
import { count, formatBytes, formatTime, NONE } from '@telegram-backup/engine/units/human-units.ts'
import { openJobQueue } from '@telegram-backup/engine/wiring.ts'
import { ExitCode } from '@telegram-backup/errors'
import type { Command } from 'commander'
import {
  describeCommand,
  describeGroup,
  oneById,
  type RegisterCommand,
  type RunAction,
  unknownId,
  usageError,
  wholeNumber,
  withCatalog,
} from '#commands/command.ts'
import { factTable } from '#commands/fact-table.ts'
import { jobLogLines } from '#commands/job-log-lines.ts'
import type { Output } from '#commands/output.ts'
import { shownState } from '#commands/shown-state.ts'
import type { Column } from '#commands/terminal-table.ts'
import { linesOf, type Text } from '#commands/terminal-text.ts'

interface ListOptions {
  project?: string
  state?: string
  limit: string
  json?: boolean
}

/** Also the number of jobs that are searched for the beginning of an id. */
const MOST_LISTED = 1_000

/** `jobs`: the jobs of the service, and their results. */
export const registerJobs: RegisterCommand = (program, run) => {
  const jobs = describeGroup(program.command('jobs'), {
    description:
      'list, show and cancel jobs: the backups, restores, verifications and erasures that "telegram-backup serve" runs',
    examples: [
      'telegram-backup jobs --state failed --project shop',
      'telegram-backup jobs --json',
      'telegram-backup jobs show 3f0c2c1e',
      'telegram-backup jobs cancel 3f0c2c1e',
    ],
  })
  registerJobList(jobs, run)
  registerJobShow(jobs, run)
  registerCancel(jobs, run)
}

function registerJobList(parent: Command, run: RunAction): void {
  describeCommand(parent.command('list', { isDefault: true }), {
    description: 'list the jobs, newest first',
    options: {
      '--state <state>': 'only jobs in this state: queued, running, done, failed or cancelled',
      '--project <id>': 'only jobs of this project',
      '--limit <number>': ['list at most this many jobs', '50'],
    },
    examples: ['telegram-backup jobs', 'telegram-backup jobs --state failed --project shop'],
  }).action((options: ListOptions) =>
    run(async context => {
      const { listJobs } = await import('@telegram-backup/database')
      const filter = {
        state: options.state === undefined ? undefined : await parseState(options.state),
        projectId: options.project,
        limit: wholeNumber('--limit', options.limit, { from: 1, to: MOST_LISTED }),
      }
      await withCatalog(context, async database => {
        const jobs = await listJobs(database, filter)
        context.output.answer(jobs.map(jobView), () => describeJobs(jobs, context.output))
      })
      return ExitCode.DONE
    }, options),
  )
}

function registerJobShow(parent: Command, run: RunAction): void {
  describeCommand(parent.command('show'), {
    description:
      'show one job: its progress, its backup, what its stages reported, and if it failed, why and what to do',
    argument: JOB_ID,
    examples: ['telegram-backup jobs show 3f0c2c1e', 'telegram-backup jobs show 3f0c2c1e --json'],
  }).action((id: string, options: { json?: boolean }) =>
    run(async context => {
      const { newestOfJobLog } = await import('@telegram-backup/database')
      await withCatalog(context, async database => {
        const job = await findJob(database, id)
        const lines = await newestOfJobLog(database, { jobId: job.id, limit: MOST_LINES })
        const log = lines.map(({ id: _, ...line }) => line)
        context.output.answer({ ...jobView(job), log }, () =>
          linesOf([describeJob(job), ...jobLogLines(lines)]),
        )
      })
      return ExitCode.DONE
    }, options),
  )
}

function registerCancel(parent: Command, run: RunAction): void {
  describeCommand(parent.command('cancel'), {
    description: 'cancel a waiting job; ask a running job to stop and to undo its changes',
    argument: JOB_ID,
    examples: ['telegram-backup jobs cancel 3f0c2c1e'],
  }).action((id: string, options: { json?: boolean }) =>
    run(async context => {
      await withCatalog(context, async database => {
        const { id: jobId } = await findJob(database, id)
        const queue = await openJobQueue(database, { tends: false })
        try {
          const job = await queue.cancel(jobId)
          if (job === null) throw unknownId(id, JOBS)
          context.output.outcome(jobView(job), () =>
            job.state === 'cancelled'
              ? `Job ${job.id} is cancelled.`
              : `Job ${job.id} was asked to stop; "telegram-backup jobs" shows when it has stopped.`,
          )
        } finally {
          await queue.stop()
        }
      })
      return ExitCode.DONE
    }, options),
  )
}

async function findJob(database: Database, id: string): Promise<Job> {
  const { getJob, listJobs } = await import('@telegram-backup/database')
  return (
    (await getJob(database, id.trim())) ?? oneById(await listJobs(database, { limit: MOST_LISTED }), id, JOBS)
  )
}

/** Of the log that `show` prints: the newest. */
const MOST_LINES = 500

const JOB_ID = ['<id>', 'the job’s id, or its first eight characters'] as const
const JOBS = { noun: 'job', list: 'jobs' }

async function parseState(text: string): Promise<JobState> {
  const { JOB_STATES } = await import('@telegram-backup/database')
  const state = JOB_STATES.find(known => known === text)
  if (state !== undefined) return state
  throw usageError(`No job has the state ${JSON.stringify(text)}`, `The states are ${JOB_STATES.join(', ')}.`)
}

const COLUMNS: readonly Column[] = [
  { heading: 'ID', isId: true },
  { heading: 'KIND' },
  { heading: 'SUBJECT', least: 8 },
  { heading: 'STATE' },
  { heading: 'CREATED' },
  { heading: 'DONE', leavesAs: 2 },
  { heading: 'TRIES', leavesAs: 1 },
  { heading: 'ERROR', least: 20 },
]

function describeJobs(jobs: readonly Job[], output: Output): Text {
  if (jobs.length === 0) return 'No job matches.'
  const rows = jobs.map(job => [
    job.id,
    job.kind,
    job.source ?? job.target ?? jobView(job).bucket ?? job.project_id ?? NONE,
    shownState(job.state),
    formatTime(job.created_at),
    job.progress.bytes_done === 0 ? NONE : formatBytes(job.progress.bytes_done),
    String(job.attempt),
    job.error === null ? '' : `${job.error.code}: ${job.error.message}`,
  ])
  return linesOf([output.table(COLUMNS, rows), count(jobs.length, 'job')])
}

function describeJob(job: Job): string {
  const { error, progress, finished_at } = job
  const view = jobView(job)
  return factTable([
    ['id', job.id],
    ['kind', job.kind],
    ['state', job.state],
    ['project', job.project_id],
    ['source', job.source],
    ['target', job.target],
    ['backup', job.backup_id && backupOfJob(job.backup_id, view)],
    ['bucket', view.bucket],
    ['done', describeProgress(progress)],
    ['tries', String(job.attempt)],
    ['scheduled', timeOf(job.scheduled_for)],
    ['created', formatTime(job.created_at)],
    ['started', timeOf(job.started_at)],
    ['finished', timeOf(finished_at)],
    // For a waiting job, this is the error of its last attempt.
    [finished_at === null ? 'last error' : 'error', error && `${error.code}: ${error.message}`],
    ['hint', error?.hint ?? null],
  ])
}

function timeOf(time: Date | null): string | null {
  return time === null ? null : formatTime(time)
}

/** `8.8 MiB of 25.0 MiB, 1 part`; null before anything is done. */
function describeProgress({ bytes_done, bytes_total, parts_done }: Job['progress']): string | null {
  if (bytes_done === 0 && parts_done === 0) return null
  const whole = bytes_total === null ? '' : ` of ${formatBytes(bytes_total)}`
  return `${formatBytes(bytes_done)}${whole}, ${count(parts_done, 'part')}`
}
