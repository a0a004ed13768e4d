import type { Database, Job, Schedule, SourcePolicy } from '@telegram-backup/database'
import type { ScheduleTerms } from '@telegram-backup/engine/operations/schedules.ts'
import { describeKeep } from '@telegram-backup/engine/retention/keep-policy.ts'
import { openJobQueue } from '@telegram-backup/engine/wiring.ts'
import { BackupError, ExitCode, exitCodeFor } from '@telegram-backup/errors'
import type { Command } from 'commander'
import {
  asGroup,
  type CommandContext,
  type RegisterCommand,
  type RunAction,
  withCatalog,
  withCommonOptions,
} from '#commands/command.ts'
import { tellTheIndex } from '#commands/refresh-index.ts'
import { describeEarlier } from '#commands/schedule-earlier.ts'
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

/** `schedule`: when sources are backed up by `serve`. */
export const registerSchedule: RegisterCommand = (program, run) => {
  const schedule = asGroup(program.command('schedule'), [
    'telegram-backup schedule add --source shop --cron "30 2 * * *" --timezone Europe/Berlin --keep-daily 7',
    'telegram-backup schedule list --json',
  ]).description(
    'set when a source is backed up; the catalog stores the schedules, and "telegram-backup serve" runs them',
  )
  registerAdd(schedule, run)
  registerChange(schedule, run)
  registerList(schedule, run)
  registerRemove(schedule, run)
  registerRun(schedule, run)
  registerSwitch(schedule, run, { name: 'enable', enabled: true })
  registerSwitch(schedule, run, { name: 'disable', enabled: false })
  for (const command of schedule.commands) command.exitOverride()
}

function registerAdd(parent: Command, run: RunAction): void {
  const command = parent
    .command('add')
    .description('back up a source of telegram-backup.yaml at fixed times')
    .requiredOption('--source <name>', 'a source of telegram-backup.yaml')
    .requiredOption('--cron <"M H D M W">', 'when: minute, hour, day of the month, month, day of the week')
    .option('--timezone <name>', 'the time zone of --cron, for example Europe/Berlin (default: UTC)')
  withStartOptions(withKeepOptions(command))
  withCommonOptions(command, [
    'telegram-backup schedule add --source shop --cron "30 2 * * *" --timezone Europe/Berlin',
    'telegram-backup schedule add --source shop --cron "0 * * * *" --keep-hourly 24 --keep-daily 7',
  ]).action((options: TermOptions & { source: string; cron: string; json?: boolean }) =>
    run(async context => {
      const { readConfigFile } = await import('@telegram-backup/engine/config/config-file.ts')
      const { addSchedule, scheduleView } = await import('@telegram-backup/engine/operations/schedules.ts')
      const { source, cron } = options
      const terms = termsOf(options)
      const configFile = await readConfigFile(context.config)
      await withCatalog(context, async database => {
        const schedule = await addSchedule(database, { ...terms, source, cron }, configFile)
        await tellTheIndex(context, database)
        const view = await scheduleView(database, schedule)
        context.output.answer(view, () => describeSchedule(view))
        context.output.note('The schedule runs while "telegram-backup serve" runs.')
        const earlier = await describeEarlier(database, schedule)
        if (earlier !== undefined) context.output.note(earlier)
        const same = await sameTimes(database, schedule)
        if (same.length > 0) {
          const ids = same.map(({ id }) => id.slice(0, 8)).join(', ')
          context.output.note(
            `${source} already had a schedule for the same times: ${ids}. To remove one: telegram-backup schedule remove ID`,
          )
        }
        const left = await keptBySource(database, schedule)
        if (left.length > 0) {
          context.output.note(
            `Policies of removed schedules of ${source} still apply as well: ${wordsOfLeft(left)}.`,
          )
          context.output.note(`To remove them: ${letGo(schedule)}`)
        }
      })
      return ExitCode.DONE
    }, options),
  )
}

function registerChange(parent: Command, run: RunAction): void {
  const command = parent
    .command('change')
    .description('change a schedule; options that are not given stay as they are')
    .argument('<id>', 'the schedule’s id, or its first eight characters')
    .option('--cron <"M H D M W">', 'when: minute, hour, day of the month, month, day of the week')
    .option('--timezone <name>', 'the time zone of --cron, for example Europe/Berlin')
  withKeepOptions(command).option(
    '--keep-none',
    'remove the schedule’s own policy; any other --keep option replaces all its rules',
  )
  withStartOptions(command)
  withCommonOptions(command, [
    'telegram-backup schedule change 3f0c2c1e --cron "0 4 * * *"',
    'telegram-backup schedule change 3f0c2c1e --keep-daily 14 --keep-monthly 12',
  ]).action((id: string, options: TermOptions & { cron?: string; keepNone?: boolean; json?: boolean }) =>
    run(async context => {
      const terms = changeOf(options)
      return await changeAndShow(context, id, terms)
    }, options),
  )
}

function registerList(parent: Command, run: RunAction): void {
  withCommonOptions(parent.command('list'), ['telegram-backup schedule list'])
    .description('list the schedules, with the next run and the last job of each')
    .action((options: { json?: boolean }) =>
      run(async context => {
        const { listSchedules } = await import('@telegram-backup/database')
        const { scheduleViews } = await import('@telegram-backup/engine/operations/schedules.ts')
        await withCatalog(context, async database => {
          const schedules = await listSchedules(database)
          const views = await scheduleViews(database, schedules)
          context.output.answer(views, () =>
            views.length === 0
              ? 'No schedules yet. To add one, see: telegram-backup schedule add --help'
              : describeSchedules(schedules, views),
          )
        })
        return ExitCode.DONE
      }, options),
    )
}

function registerRemove(parent: Command, run: RunAction): void {
  withCommonOptions(parent.command('remove'), ['telegram-backup schedule remove 3f0c2c1e'])
    .description('remove a schedule; its backups stay, and its policy still applies to them')
    .argument('<id>', 'the schedule’s id, or its first eight characters')
    .action((id: string, options: { json?: boolean }) =>
      run(async context => {
        const { removeSchedule } = await import('@telegram-backup/database')
        await withCatalog(context, async database => {
          const schedule = await findSchedule(database, id)
          await removeSchedule(database, schedule.id)
          await tellTheIndex(context, database)
          const left = await keptBySource(database, schedule)
          context.output.answer({ success: true, id: schedule.id }, () =>
            [
              `Schedule ${schedule.id} of ${schedule.source} is removed.`,
              ...(left.length > 0
                ? [
                    `Policies of removed schedules of this source still apply: ${wordsOfLeft(left)}. To remove them: ${letGo(schedule)}`,
                  ]
                : []),
            ].join('\n'),
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
  withCommonOptions(parent.command(name), [`telegram-backup schedule ${name} 3f0c2c1e`])
    .description(enabled ? 'switch a schedule on' : 'switch a schedule off; the catalog keeps it')
    .argument('<id>', 'the schedule’s id, or its first eight characters')
    .action((id: string, options: { json?: boolean }) =>
      run(context => changeAndShow(context, id, { enabled }), options),
    )
}

async function changeAndShow(context: CommandContext, id: string, terms: ScheduleTerms): Promise<ExitCode> {
  const { changeSchedule, scheduleView } = await import('@telegram-backup/engine/operations/schedules.ts')
  await withCatalog(context, async database => {
    const { id: found } = await findSchedule(database, id)
    const schedule = await changeSchedule(database, found, terms)
    if (schedule === null) throw unknownSchedule(id)
    await tellTheIndex(context, database)
    const view = await scheduleView(database, schedule)
    context.output.answer(view, () => describeSchedule(view))
    const earlier = terms.keep === undefined ? undefined : await describeEarlier(database, schedule)
    if (earlier !== undefined) context.output.note(earlier)
  })
  return ExitCode.DONE
}

/** The other schedules of the same source with the same times. */
async function sameTimes(database: Database, of: Schedule): Promise<Schedule[]> {
  const { listSchedules } = await import('@telegram-backup/database')
  return (await listSchedules(database)).filter(
    ({ id, source, cron, timezone }) =>
      id !== of.id && source === of.source && cron === of.cron && timezone === of.timezone,
  )
}

/** The policies that removed schedules of the same source left behind. */
async function keptBySource(database: Database, of: Schedule): Promise<SourcePolicy[]> {
  const { listSourcePolicies } = await import('@telegram-backup/database')
  return (await listSourcePolicies(database)).filter(
    ({ project_id, type, source }) =>
      project_id === of.project_id && type === of.type && source === of.source,
  )
}

function wordsOfLeft(left: readonly SourcePolicy[]): string {
  return left.map(({ keep }) => describeKeep(keep)).join('; ')
}

function letGo({ project_id, type, source }: Schedule): string {
  return `telegram-backup retention remove --project ${project_id} --type ${type} --source ${source}`
}

function registerRun(parent: Command, run: RunAction): void {
  withCommonOptions(parent.command('run'), [
    'telegram-backup schedule run 3f0c2c1e',
    'telegram-backup schedule run 3f0c2c1e --wait',
  ])
    .description('run a schedule now; the backup is made by a running "telegram-backup serve"')
    .argument('<id>', 'the schedule’s id, or its first eight characters')
    .option('--wait', 'wait until the job has ended')
    .action((id: string, options: { wait?: boolean; json?: boolean }) =>
      run(async context => {
        const { runNow } = await import('@telegram-backup/engine/operations/schedules.ts')
        return await withCatalog(context, async database => {
          const schedule = await findSchedule(database, id)
          const queue = await openJobQueue(database, { tends: false })
          try {
            const job = await runNow(queue, schedule)
            if (options.wait !== true) {
              context.output.note(
                'A running "telegram-backup serve" does the job; without one, the job waits.',
              )
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
  output.answer(
    view,
    () =>
      `Job ${job.id}: ${job.state}${job.backup_id === null ? '' : `, backup ${backupOfJob(job.backup_id, view)}`}`,
  )
  if (job.state === 'cancelled') return ExitCode.FAILED
  if (job.state !== 'failed') return ExitCode.DONE
  output.reason(job.error?.message ?? 'The job failed', job.error?.hint)
  return exitCodeFor(job.error?.code)
}

/**
 * The schedule with that id, or with an id that begins like this. Throws `NOT_FOUND`, and `INVALID` when
 * several match.
 */
async function findSchedule(database: Database, id: string): Promise<Schedule> {
  const { listSchedules } = await import('@telegram-backup/database')
  const prefix = id.trim().toLowerCase()
  const found = /^[0-9a-f]{8}[0-9a-f-]{0,28}$/.test(prefix)
    ? (await listSchedules(database)).filter(schedule => schedule.id.startsWith(prefix))
    : []
  if (found.length > 1) {
    throw new BackupError(`Several schedules have ids that begin with ${prefix}`, {
      code: 'INVALID',
      hint: 'Give more characters of the id.',
    })
  }
  const [schedule] = found
  if (schedule === undefined) throw unknownSchedule(id)
  return schedule
}

function unknownSchedule(id: string): BackupError {
  return new BackupError(`No schedule has the id ${JSON.stringify(id.slice(0, 80))}`, {
    code: 'NOT_FOUND',
    hint: 'telegram-backup schedule list shows the ids; the first eight characters are enough.',
  })
}
