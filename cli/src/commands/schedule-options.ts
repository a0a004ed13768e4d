import type { Schedule } from '@telegram-backup/database'
import type { ScheduleTerms, ScheduleView } from '@telegram-backup/engine/operations/schedules.ts'
import { describeKeep, type KeepView } from '@telegram-backup/engine/retention/keep-policy.ts'
import { count, formatTime, NONE } from '@telegram-backup/engine/units/human-units.ts'
import { parseSpanMs } from '@telegram-backup/engine/units/quantities.ts'
import type { Command } from 'commander'
import { usageError, wholeNumber } from '#commands/command.ts'
import type { Output } from '#commands/output.ts'
import { collected } from '#commands/repeatable-option.ts'
import { shownState } from '#commands/shown-state.ts'
import type { Column } from '#commands/terminal-table.ts'
import { linesOf, type Text } from '#commands/terminal-text.ts'

/** The options of a retention policy, as typed. */
export interface KeepOptions {
  keepLast?: string
  keepHourly?: string
  keepDaily?: string
  keepWeekly?: string
  keepMonthly?: string
  keepYearly?: string
  keepWithin?: string
  keepMinimum?: string
  keepTag?: string[]
}

/** Adds the options of a retention policy to a command. */
export function withKeepOptions(command: Command): Command {
  return command
    .option('--keep-last <n>', 'keep the newest N backups')
    .option('--keep-hourly <n>', 'keep the newest backup of each of the last N hours that have one')
    .option('--keep-daily <n>', 'keep the newest backup of each of the last N days (UTC) that have one')
    .option(
      '--keep-weekly <n>',
      'keep the newest backup of each of the last N weeks (ISO 8601) that have one',
    )
    .option('--keep-monthly <n>', 'keep the newest backup of each of the last N months that have one')
    .option('--keep-yearly <n>', 'keep the newest backup of each of the last N years that have one')
    .option('--keep-within <time>', 'keep all backups that are not older than this, for example 30d')
    .option('--keep-minimum <n>', 'keep at least N backups, whatever the other rules say')
    .option(
      '--keep-tag <tag>',
      'keep every backup with this tag, whatever the other rules say (may be repeated)',
      collected,
    )
}

/** Adds the options about the moment at which a scheduled backup starts. */
export function withStartOptions(command: Command): Command {
  return command
    .option(
      '--jitter <time>',
      'start up to this much later, for example 30s, so that not all schedules start together',
    )
    .option(
      '--catch-up <how>',
      'what to do after missed runs: "once" starts one catch-up run, "skip" starts none',
    )
}

/** The policy from the options; undefined without any of them. `parseKeep` checks it. */
export function keepOf(options: KeepOptions): KeepView | undefined {
  const counts = {
    last: options.keepLast,
    hourly: options.keepHourly,
    daily: options.keepDaily,
    weekly: options.keepWeekly,
    monthly: options.keepMonthly,
    yearly: options.keepYearly,
    minimum: options.keepMinimum,
  }
  const given = Object.entries(counts).filter(([, text]) => text !== undefined)
  const { keepWithin: within, keepTag: tags } = options
  if (given.length === 0 && within === undefined && tags === undefined) return undefined
  return {
    ...Object.fromEntries(given.map(([rule, text]) => [rule, wholeNumber(`--keep-${rule}`, text as string)])),
    ...(within === undefined ? {} : { within }),
    ...(tags === undefined ? {} : { tags }),
  }
}

/** The options of a schedule. */
export interface TermOptions extends KeepOptions {
  timezone?: string
  jitter?: string
  catchUp?: string
}

/** The terms from the options. Throws `USAGE`. */
export function termsOf({ timezone, jitter, catchUp, ...keep }: TermOptions): Omit<ScheduleTerms, 'cron'> {
  if (catchUp !== undefined && catchUp !== 'once' && catchUp !== 'skip') {
    throw usageError(
      `--catch-up ${JSON.stringify(catchUp.slice(0, 40))} is neither once nor skip`,
      '"once" (the default) does one catch-up run for missed runs; "skip" does none.',
    )
  }
  return {
    timezone,
    keep: keepOf(keep),
    jitter: jitter === undefined ? undefined : Math.round(parseSpanMs(jitter) / 1000),
    catch_up: catchUp,
  }
}

/** One schedule in words. */
export function describeSchedule(schedule: ScheduleView): string {
  const { id, source, cron, timezone, keep, jitter, next_run_at, last_job } = schedule
  return [
    `schedule  ${id}`,
    `source    ${source} (${schedule.project_id}, ${schedule.type})`,
    `runs at   ${cron} (${timezone})${jitter > 0 ? `, up to ${count(jitter, 'second')} later` : ''}`,
    `missed    ${schedule.catch_up === 'once' ? 'one catch-up run' : 'skipped'}`,
    `keeps     ${keep === null ? '30 days, unless the source sets another expiry, or the project and type have a policy' : wordsOf(keep)}`,
    `next      ${next_run_at === null ? 'never, the schedule is off' : describeNext(next_run_at)}`,
    ...(last_job === null ? [] : [`last job  ${last_job.id}, ${last_job.state}`]),
  ].join('\n')
}

function wordsOf(keep: KeepView): string {
  const rules = Object.entries(keep).map(
    ([rule, value]) => `${rule} ${Array.isArray(value) ? value.join(' or ') : value}`,
  )
  return rules.length === 0 ? 'all' : rules.join(', ')
}

const COLUMNS: readonly Column[] = [
  { heading: 'ID', isId: true },
  { heading: 'SOURCE', least: 8 },
  { heading: 'CRON' },
  { heading: 'TIME ZONE', leavesAs: 1 },
  { heading: 'KEEP', least: 10 },
  { heading: 'NEXT' },
  { heading: 'LAST JOB', leavesAs: 2 },
]

/** Schedules as a table. */
export function describeSchedules(
  schedules: readonly Schedule[],
  views: readonly ScheduleView[],
  output: Output,
): Text {
  const lastJobs = new Map(views.map(({ id, last_job }) => [id, last_job]))
  const rows = schedules.map(schedule => [
    schedule.id,
    schedule.source,
    schedule.cron,
    schedule.timezone,
    describeKeep(schedule.keep),
    shownState(schedule.next_run_at === null ? 'off' : describeNext(schedule.next_run_at)),
    shownState(describeLast(lastJobs.get(schedule.id) ?? null)),
  ])
  const isAnyOverdue = schedules.some(({ next_run_at: next }) => next !== null && isOverdue(next))
  return linesOf([
    output.table(COLUMNS, rows),
    count(schedules.length, 'schedule'),
    ...(isAnyOverdue
      ? ['Overdue: probably no "telegram-backup serve" is running. Schedules run only while it runs.']
      : []),
  ])
}

/**
 * Each `serve` checks all schedules every few seconds, and the clocks of two machines may differ by a few.
 */
const OVERDUE_AFTER_MS = 60_000

function isOverdue(next: Date): boolean {
  return Date.now() - next.getTime() > OVERDUE_AFTER_MS
}

function describeNext(next: Date): string {
  return isOverdue(next) ? `overdue since ${formatTime(next)}` : formatTime(next)
}

function describeLast(job: ScheduleView['last_job']): string {
  return job === null ? NONE : `${job.state} ${formatTime(job.finished_at ?? job.created_at)}`
}

/** The changes from the options. Throws `USAGE` without any. */
export function changeOf({
  keepNone,
  cron,
  ...options
}: TermOptions & { cron?: string; keepNone?: boolean }): ScheduleTerms {
  const { keep, ...others } = termsOf(options)
  if (keepNone === true && keep !== undefined) {
    throw usageError('--keep-none cannot be combined with another --keep option')
  }
  const terms = { ...others, cron, keep: keepNone === true ? null : keep }
  if (Object.values(terms).some(value => value !== undefined)) return terms
  throw usageError(
    'No change was given',
    'Give a setting to change, for example --cron "0 4 * * *" or --keep-daily 14.',
  )
}
