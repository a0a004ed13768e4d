import { BackupError } from '@telegram-backup/errors'
import { type CronExpression, CronExpressionParser } from 'cron-parser'

/**
 * A cron expression in wall times, without a time zone. A wall time is the instant at which a clock in UTC
 * shows it (ms since the epoch); `cron-times.ts` turns wall times into instants. The time zones of the
 * library are not used: it drops a time that the clocks skip in zones that move by half an hour.
 */
export interface WallTimes {
  /** The first one after `wall`. */
  next(wall: number): number
  /** It names all 24 hours, so elapsed time counts, and not what the clock shows. */
  readonly isEveryHour: boolean
  /** The minutes of a day with runs, ascending. */
  readonly minutesOfDay: readonly number[]
  /** The same expression, reduced to the first run of each day. */
  firstOfDay(): WallTimes
}

const LONGEST = 200
const NUMBERS = /^[\d*,/-]+$/
const NUMBERS_AND_NAMES = /^(?:[\d*,/-]|[a-z]{3}(?![a-z]))+$/i
const FIELDS = [
  { name: 'minute', pattern: NUMBERS, allowed: '0 to 59' },
  { name: 'hour', pattern: NUMBERS, allowed: '0 to 23' },
  { name: 'day of the month', pattern: NUMBERS, allowed: '1 to 31' },
  { name: 'month', pattern: NUMBERS_AND_NAMES, allowed: '1 to 12, or jan to dec' },
  {
    name: 'day of the week',
    pattern: NUMBERS_AND_NAMES,
    allowed: '0 to 7, 0 and 7 being Sunday, or sun to sat',
  },
] as const

/** Words for common times, and the five fields that each stands for. */
const CRON_WORDS: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
}

/**
 * Reads five fields: minute, hour, day of the month, month, day of the week. Each has numbers, `*`, lists,
 * ranges or steps; months and days of the week also English names. A word such as `@daily` stands for five
 * fields. Throws `INVALID` for anything else, and for a day that never comes.
 */
export function parseCron(text: string): WallTimes {
  const cron = fieldsOf(text)
  const fields = cron.split(/\s+/)
  if (cron.length > LONGEST || cron === '') throw refused(text, 'it does not have five fields')
  if (fields.length !== FIELDS.length) {
    throw refused(
      text,
      `it has ${fields.length} fields, not five${fields.length === 6 ? '; a field for seconds is not supported' : ''}`,
    )
  }
  for (const [index, field] of FIELDS.entries()) {
    if (!field.pattern.test(fields[index] ?? '')) throw refused(text, notUnderstood(field))
  }
  const expression = read(text, fields)
  // The parser refuses 31 February; other days that never come show here.
  if (!expression.hasNext()) throw neverComes(text)
  const hours = numbers(expression.fields.hour.values)
  const minutes = numbers(expression.fields.minute.values)
  const minutesOfDay = hours.flatMap(hour => minutes.map(minute => hour * 60 + minute))
  return {
    next: wall => read(text, fields, wall).next().getTime(),
    isEveryHour: hours.length === 24,
    minutesOfDay,
    firstOfDay: () => parseCron([minutes[0], hours[0], ...fields.slice(2)].join(' ')),
  }
}

/** The five fields as typed, or those of a word. */
function fieldsOf(text: string): string {
  const cron = text.trim()
  if (!cron.startsWith('@')) return cron
  const word = cron.toLowerCase()
  const fields = Object.hasOwn(CRON_WORDS, word) ? CRON_WORDS[word] : undefined
  if (fields !== undefined) return fields
  throw refused(
    text,
    word === '@reboot'
      ? 'a start of the machine is not a time; missed runs are caught up when the service starts'
      : `the words are ${Object.keys(CRON_WORDS).join(', ')}`,
  )
}

function numbers(values: readonly unknown[]): number[] {
  return values.map(Number).sort((a, b) => a - b)
}

function read(text: string, fields: readonly string[], wall = 0): CronExpression {
  try {
    return CronExpressionParser.parse(fields.join(' '), { tz: 'UTC', currentDate: new Date(wall) })
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause)
    if (/explicit day of month/.test(words)) throw neverComes(text)
    // The library's messages are for programmers. Reading each field alone shows which one is wrong.
    const field = FIELDS.find((_, index) => !isRead(fields[index], index))
    throw refused(
      text,
      field === undefined ? 'its fields contradict each other' : notUnderstood(field),
      cause,
    )
  }
}

function isRead(field: string | undefined, index: number): boolean {
  try {
    CronExpressionParser.parse(FIELDS.map((_, other) => (other === index ? field : '*')).join(' '), {
      tz: 'UTC',
    })
    return true
  } catch {
    return false
  }
}

function notUnderstood({ name, allowed }: (typeof FIELDS)[number]): string {
  return `the ${name} is not understood; allowed are ${allowed}, *, lists (1,2), ranges (1-5) and steps (*/2)`
}

function neverComes(text: string): BackupError {
  return refused(text, 'this date never occurs')
}

function refused(text: string, why: string, cause?: unknown): BackupError {
  return new BackupError(`${JSON.stringify(text.slice(0, LONGEST))} is not a cron expression: ${why}`, {
    code: 'INVALID',
    hint: 'Five fields: minute, hour, day of the month, month, day of the week. "30 2 * * *" is every day at 2:30, @daily every day at midnight.',
    cause,
  })
}
