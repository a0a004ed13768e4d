import type { Database, Job, Schedule } from '@telegram-backup/database'
import type { ScheduleTerms } from '@telegram-backup/engine/operations/schedules.ts'
import { openJobQueue } from '@telegram-backup/engine/wiring.ts'
import { ExitCode, exitCodeFor } from '@telegram-backup/errors'
import type { Command } from 'commander'
import {
  type CommandContext,
  describeCommand,
  describeGroup,
  oneById,
  type RegisterCommand,
  type RunAction,
  unknownId,
  withCatalog,
} from '#commands/command.ts'
import { updateIndexes } from '#commands/refresh-index.ts'
import { followJob } from '#commands/schedule-follow.ts'
import {
  changeOf,
  describeSchedule,
  describeSchedules,
  type TermOptions,
  termsOf,
  withKeepOptions,
  withStartOptions,
} from '#commands/schedule-options.ts'
import { remarkOnEarlier, remarkOnLeftPolicies, remarksOnNew } from '#commands/schedule-remarks.ts'

/** `schedule`: when sources are backed up by `serve`. */
export const registerSchedule: RegisterCommand = (program, run) => {
  const schedule = describeGroup(program.command('schedule'), {
    description:
      'set when a source is backed up; the catalog stores the schedules, and "telegram-backup serve" runs them',
    examples: [
      'telegram-backup schedule add --source shop --cron "30 2 * * *" --timezone Europe/Berlin --keep-daily 7',
      'telegram-backup schedule list --json',
    ],
  })
  registerAdd(schedule, run)
  registerChange(schedule, run)
  registerList(schedule, run)
  registerRemove(schedule, run)
  registerRun(schedule, run)
  registerSwitch(schedule, run, { name: 'enable', enabled: true })
  registerSwitch(schedule, run, { name: 'disable', enabled: false })
}

const WHEN =
  'when: minute, hour, day of the month, month, day of the week; or @hourly, @daily, @weekly, @monthly, @yearly'

function registerAdd(parent: Command, run: RunAction): void {
  const command = parent
    .command('add')
    .requiredOption('--source <name>', 'a source of telegram-backup.yaml')
    .requiredOption('--cron <"M H D M W">', WHEN)
    .option('--timezone <name>', 'the time zone of --cron, for example Europe/Berlin (default: UTC)')
  describeCommand(withStartOptions(withKeepOptions(command)), {
    description: 'back up a source of telegram-backup.yaml at fixed times',
    examples: [
      'telegram-backup schedule add --source shop --cron "30 2 * * *" --timezone Europe/Berlin',
      'telegram-backup schedule add --source shop --cron "0 * * * *" --keep-hourly 24 --keep-daily 7',
      'telegram-backup schedule add --source uploads --cron @daily        # at midnight, UTC',
    ],
  }).action((options: TermOptions & { source: string; cron: string; json?: boolean }) =>
    run(async context => {
      const { readConfigFile } = await import('@telegram-backup/engine/config/config-file.ts')
      const { addSchedule, scheduleView } = await import('@telegram-backup/engine/operations/schedules.ts')
      const { source, cron } = options
      const terms = termsOf(options)
      const configFile = await readConfigFile(context.config)
      await withCatalog(context, async database => {
        const schedule = await addSchedule(database, { ...terms, source, cron }, configFile)
        await updateIndexes(context, database)
        const view = await scheduleView(database, schedule)
        context.output.outcome(view, () => describeSchedule(view))
        for (const remark of await remarksOnNew(database, schedule)) context.note(remark)
      })
      return ExitCode.DONE
    }, options),
  )
}

function registerChange(parent: Command, run: RunAction): void {
  const command = withKeepOptions(
    parent
      .command('change')
      .option('--cron <"M H D M W">', WHEN)
      .option('--timezone <name>', 'the time zone of --cron, for example Europe/Berlin'),
  ).option('--keep-none', 'remove the schedule’s own policy; any other --keep option replaces all its rules')
  describeCommand(withStartOptions(command), {
    description: 'change a schedule; options that are not given stay as they are',
    argument: SCHEDULE_ID,
    examples: [
      'telegram-backup schedule change 3f0c2c1e --cron "0 4 * * *"',
      'telegram-backup schedule change 3f0c2c1e --keep-daily 14 --keep-monthly 12',
    ],
  }).action((id: string, options: TermOptions & { cron?: string; keepNone?: boolean; json?: boolean }) =>
    run(async context => {
      const terms = changeOf(options)
      return await changeAndShow(context, id, terms)
    }, options),
  )
}

function registerList(parent: Command, run: RunAction): void {
  describeCommand(parent.command('list'), {
    description: 'list the schedules, with the next run and the last job of each',
    examples: ['telegram-backup schedule list'],
  }).action((options: { json?: boolean }) =>
    run(async context => {
      const { listSchedules } = await import('@telegram-backup/database')
      const { scheduleViews } = await import('@telegram-backup/engine/operations/schedules.ts')
      await withCatalog(context, async database => {
        const schedules = await listSchedules(database)
        const views = await scheduleViews(database, schedules)
        context.output.answer(views, () =>
          views.length === 0
            ? 'No schedules yet. To add one, see: telegram-backup schedule add --help'
            : describeSchedules(schedules, views, context.output),
        )
      })
      return ExitCode.DONE
    }, options),
  )
}

function registerRemove(parent: Command, run: RunAction): void {
  describeCommand(parent.command('remove'), {
    description: 'remove a schedule; its backups stay, and its policy still applies to them',
    argument: SCHEDULE_ID,
    examples: ['telegram-backup schedule remove 3f0c2c1e'],
  }).action((id: string, options: { json?: boolean }) =>
    run(async context => {
      const { removeSchedule } = await import('@telegram-backup/database')
      await withCatalog(context, async database => {
        const schedule = await findSchedule(database, id)
        await removeSchedule(database, schedule.id)
        await updateIndexes(context, database)
        const left = await remarkOnLeftPolicies(database, schedule)
        context.output.outcome({ success: true, id: schedule.id }, () =>
          [`Schedule ${schedule.id} of ${schedule.source} is removed.`, ...left].join('\n'),
        )
      })
      return ExitCode.DONE
    }, options),
  )
}

function registerSwitch(
  parent: Command,
  run: RunAction,
  { name, enabled }: { name: string; enabled: boolean },
): void {
  describeCommand(parent.command(name), {
    description: enabled ? 'switch a schedule on' : 'switch a schedule off; the catalog keeps it',
    argument: SCHEDULE_ID,
    examples: [`telegram-backup schedule ${name} 3f0c2c1e`],
  }).action((id: string, options: { json?: boolean }) =>
    run(context => changeAndShow(context, id, { enabled }), options),
  )
}

async function changeAndShow(context: CommandContext, id: string, terms: ScheduleTerms): Promise<ExitCode> {
  const { changeSchedule, scheduleView } = await import('@telegram-backup/engine/operations/schedules.ts')
  await withCatalog(context, async database => {
    const { id: found } = await findSchedule(database, id)
    const schedule = await changeSchedule(database, found, terms)
    if (schedule === null) throw unknownId(id, SCHEDULES)
    await updateIndexes(context, database)
    const view = await scheduleView(database, schedule)
    context.output.outcome(view, () => describeSchedule(view))
    if (terms.keep !== undefined)
      for (const line of await remarkOnEarlier(database, schedule)) context.note(line)
  })
  return ExitCode.DONE
}

function registerRun(parent: Command, run: RunAction): void {
  describeCommand(parent.command('run'), {
    description: 'run a schedule now; the backup is made by a running "telegram-backup serve"',
    argument: SCHEDULE_ID,
    options: {
      '--wait': 'wait until the job has ended',
    },
    examples: ['telegram-backup schedule run 3f0c2c1e', 'telegram-backup schedule run 3f0c2c1e --wait'],
  }).action((id: string, options: { wait?: boolean; json?: boolean }) =>
    run(async context => {
      const { runNow } = await import('@telegram-backup/engine/operations/schedules.ts')
      return await withCatalog(context, async database => {
        const schedule = await findSchedule(database, id)
        const queue = await openJobQueue(database, { tends: false })
        try {
          const job = await runNow(queue, schedule)
          if (options.wait !== true) {
            context.output.note('The job waits until a running "telegram-backup serve" takes it.')
            return await answerJob(context, job)
          }
          return await answerJob(context, await followJob(context, database, job))
        } finally {
          await queue.stop().catch(() => {})
        }
      })
    }, options),
  )
}

async function answerJob({ output }: CommandContext, job: Job): Promise<ExitCode> {
  const { backupOfJob, jobView } = await import('@telegram-backup/engine/jobs/job-view.ts')
  const view = jobView(job)
  output.outcome(
    view,
    () =>
      `Job ${job.id}: ${job.state}${job.backup_id === null ? '' : `, backup ${backupOfJob(job.backup_id, view)}`}`,
  )
  if (job.state === 'cancelled') return ExitCode.FAILED
  if (job.state !== 'failed') return ExitCode.DONE
  output.reason(job.error?.message ?? 'The job failed', job.error?.hint)
  return exitCodeFor(job.error?.code)
}

const SCHEDULE_ID = ['<id>', 'the schedule’s id, or its first eight characters'] as const
const SCHEDULES = { noun: 'schedule', list: 'schedule list' }

async function findSchedule(database: Database, id: string): Promise<Schedule> {
  const { listSchedules } = await import('@telegram-backup/database')
  return oneById(await listSchedules(database), id, SCHEDULES)
}
