import type { Format } from '#format/format.ts'
import type { Words } from '#words/en/index.ts'

/** How often a schedule runs: what a person chooses in fields. Other expressions stay as they are written. */
export type Rhythm =
  | { every: 'minutes'; step: number }
  | { every: 'hour'; minute: number }
  | { every: 'day'; time: string }
  | { every: 'week'; weekday: number; time: string }
  | { every: 'month'; day: number; time: string }
  | { every: 'own'; cron: string }

const NAMED: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
}
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

/** Of an expression that the server has accepted. */
export function rhythmOf(cron: string): Rhythm {
  const text = NAMED[cron.trim().toLowerCase()] ?? cron.trim()
  const fields = text.split(/\s+/)
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = fields
  const own: Rhythm = { every: 'own', cron: cron.trim() }
  if (fields.length !== 5 || month !== '*') return own
  const isEveryDay = day === '*' && weekday === '*'
  if (hour === '*' && isEveryDay) {
    const step = minute === '*' ? 1 : numberIn(/^\*\/(\d{1,2})$/.exec(minute)?.[1])
    // Steps that do not divide an hour are uneven: every 45 minutes is at :00 and :45.
    if (step !== undefined && step > 0 && 60 % step === 0) return { every: 'minutes', step }
    const at = numberIn(minute)
    return at === undefined ? own : { every: 'hour', minute: at }
  }
  const [h, m] = [numberIn(hour), numberIn(minute)]
  if (h === undefined || m === undefined) return own
  const time = `${two(h)}:${two(m)}`
  if (isEveryDay) return { every: 'day', time }
  const weekdayNumber = weekdayIn(weekday)
  if (day === '*' && weekdayNumber !== undefined) return { every: 'week', weekday: weekdayNumber, time }
  const dayNumber = numberIn(day)
  return weekday === '*' && dayNumber !== undefined ? { every: 'month', day: dayNumber, time } : own
}

export function cronOf(rhythm: Rhythm): string {
  switch (rhythm.every) {
    case 'minutes':
      return rhythm.step === 1 ? '* * * * *' : `*/${rhythm.step} * * * *`
    case 'hour':
      return `${rhythm.minute} * * * *`
    case 'day':
      return `${clock(rhythm.time)} * * *`
    case 'week':
      return `${clock(rhythm.time)} * * ${rhythm.weekday}`
    case 'month':
      return `${clock(rhythm.time)} ${rhythm.day} * *`
    case 'own':
      return rhythm.cron.trim()
  }
}

/** As `Every day at 03:00`; an expression that no field can show as it is. */
export function rhythmWords(cron: string, { rhythm: words }: Words['schedules'], format: Format): string {
  const rhythm = rhythmOf(cron)
  switch (rhythm.every) {
    case 'minutes':
      return words.minutes(rhythm.step)
    case 'hour':
      return words.hour(two(rhythm.minute))
    case 'day':
      return words.day(format.clock(rhythm.time))
    case 'week':
      return words.week(rhythm.weekday, format.clock(rhythm.time))
    case 'month':
      return words.month(rhythm.day, format.clock(rhythm.time))
    case 'own':
      return rhythm.cron
  }
}

function clock(time: string): string {
  const [hour = 0, minute = 0] = time.split(':').map(Number)
  return `${minute} ${hour}`
}

function numberIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,2}$/.test(text) ? Number(text) : undefined
}

/** 0 and 7 are Sunday. */
function weekdayIn(text: string): number | undefined {
  const named = WEEKDAYS.indexOf(text.toLowerCase())
  const number = named === -1 ? numberIn(text) : named
  return number === undefined || number > 7 ? undefined : number % 7
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
