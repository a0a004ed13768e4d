import { BackupError } from '@telegram-backup/errors'
import { isUtcShown } from '#units/shown-zone.ts'

const SPAN_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** A span of time such as `90s`, `24h`, `7d`, in milliseconds; `0` is none. Throws `USAGE`. */
export function parseSpanMs(text: string): number {
  const [, amount, unit] = /^(\d{1,6})(ms|s|m|h|d|w)$/.exec(text.trim()) ?? []
  if (unit !== undefined) return Number(amount) * (SPAN_MS[unit] as number)
  if (text.trim() === '0') return 0
  throw new BackupError(`${JSON.stringify(text)} is not a time span`, {
    code: 'USAGE',
    hint: 'Write a whole number and a unit: 90s, 15m, 24h, 7d or 2w.',
  })
}

/**
 * A time: a span before `now` (`24h`, `7d`), or a date, with or without a time: see {@link parseDate}. Throws
 * `USAGE`.
 */
export function parseTime(text: string, now: Date = new Date()): Date {
  const time = parseDate(text) ?? spanBefore(text, now)
  if (time !== undefined) return time
  throw notATime(text, 'a time')
}

/** As {@link parseTime}, for a time that has passed. Throws `USAGE`. */
export function parsePastTime(text: string, now: Date = new Date()): Date {
  const time = parseTime(text, now)
  if (time <= now) return time
  throw notATime(text, 'a time in the past')
}

/** As {@link parseTime}, but a date alone is its last moment. Throws `USAGE`. */
export function parseLastTime(text: string, now: Date = new Date()): Date {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text.trim()) ?? []
  if (day === undefined || parseDate(text) === undefined) return parseTime(text, now)
  const next = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day) + 1))
  return new Date((parseDate(next.toISOString().slice(0, 10)) ?? next).getTime() - 1)
}

function notATime(text: string, what: string): BackupError {
  return new BackupError(`${JSON.stringify(text.slice(0, 80))} is not ${what}`, {
    code: 'USAGE',
    hint: 'Write a span such as 24h or 7d, a date such as 2026-11-24, or a time such as 2026-11-24T15:30.',
  })
}

function spanBefore(text: string, now: Date): Date | undefined {
  if (!/^\d{1,6}(ms|s|m|h|d|w)$/.test(text.trim())) return undefined
  const time = new Date(now.getTime() - parseSpanMs(text))
  return Number.isNaN(time.getTime()) ? undefined : time
}

const DATE_FORM =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?)? ?(Z|UTC|[+-]\d\d:?\d\d)?$/i

/**
 * `2026-11-24`, `2026-11-24 15:30`, `2026-11-24T15:30:07Z`, `2026-11-24 15:30 +01:00`. A date alone is its
 * first moment. Without an offset, the time is local, or in UTC where {@link isUtcShown}; an hour that a
 * change of the clocks skips counts as the next one. Undefined for anything else, and for a day that does not
 * exist, such as the 31st of February.
 */
export function parseDate(text: string): Date | undefined {
  const [, year, month, day, hour = '00', minute = '00', second = '00', offset] =
    DATE_FORM.exec(text.trim()) ?? []
  const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()
  if (year === undefined || Number(day) < 1 || Number(day) > lastDay) return undefined
  const zone = offset === undefined ? (isUtcShown() ? 'Z' : '') : offset.replace(/^UTC$/i, 'Z')
  const form = `${year}-${month}-${day}T${hour}:${minute}:${second}${withColon(zone.toUpperCase())}`
  const time = new Date(form)
  return Number.isNaN(time.getTime()) ? undefined : time
}

function withColon(offset: string): string {
  return offset.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2')
}

const EXPIRY_UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/**
 * A time in the future: `12h`, `30d` or `8w` from `now`, or a date, with or without a time: see {@link
 * parseDate}. Throws `USAGE`.
 */
export function parseExpiry(text: string, now: Date = new Date()): Date {
  const [, amount, unit] = /^(\d{1,5})([hdw])$/.exec(text) ?? []
  const date =
    unit === undefined
      ? parseDate(text)
      : new Date(now.getTime() + Number(amount) * (EXPIRY_UNIT_MS[unit] as number))
  if (date !== undefined && date > now) return date
  throw new BackupError(`"${text}" is ${date === undefined ? 'not a time' : 'not in the future'}`, {
    code: 'USAGE',
    hint: 'Give a span in hours, days or weeks (12h, 30d, 8w), or a date such as 2027-01-31.',
  })
}

const BYTE_UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }

/** Bytes per second as in curl: `500k`, `2M`, `1G`, in steps of 1024; at least 1024. Throws `USAGE`. */
export function parseRate(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)([kmg]?)$/i.exec(text.trim()) ?? []
  const rate = Math.round(Number(amount) * (BYTE_UNITS[unit.toLowerCase()] as number))
  if (rate >= 1024) return rate
  throw new BackupError(`${JSON.stringify(text)} is not a rate of at least 1 KiB a second`, {
    code: 'USAGE',
    hint: 'Write bytes per second: 500k, 2M or 1G.',
  })
}

const SIZE_UNITS: Readonly<Record<string, number>> = { ...BYTE_UNITS, t: 2 ** 40 }

/** Bytes, at least 1: `1500`, `500M`, `1.5G`, `2T`, in steps of 1024. Throws `USAGE`. */
export function parseSize(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,15}(?:\.\d{1,3})?)([kmgt]?)$/i.exec(text.trim()) ?? []
  const size = Math.round(Number(amount) * (SIZE_UNITS[unit.toLowerCase()] as number))
  if (size >= 1 && Number.isSafeInteger(size)) return size
  throw new BackupError(`${JSON.stringify(text.slice(0, 40))} is not a number of bytes`, {
    code: 'USAGE',
    hint: 'Write bytes: 500M, 20G or 1.5T.',
  })
}
