import { BackupError } from '@telegram-backup/errors'

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

/** A time in the past: a span before `now` (`24h`), or an ISO date. Throws `USAGE`. */
export function parsePastTime(text: string, now: Date = new Date()): Date {
  const isDate = /^\d{4}-\d\d-\d\d/.test(text)
  const time = isDate ? new Date(text) : new Date(now.getTime() - parseSpanMs(text))
  if (!Number.isNaN(time.getTime()) && time <= now) return time
  throw new BackupError(`${JSON.stringify(text)} is not a time in the past`, {
    code: 'USAGE',
    hint: 'Write a span such as 24h or 7d, or a date such as 2026-11-24.',
  })
}

const EXPIRY_UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** A time in the future: `12h`, `30d` or `8w` from `now`, or an ISO date. Throws `USAGE`. */
export function parseExpiry(text: string, now: Date = new Date()): Date {
  const [, amount, unit] = /^(\d{1,5})([hdw])$/.exec(text) ?? []
  const date =
    unit === undefined
      ? new Date(text)
      : new Date(now.getTime() + Number(amount) * (EXPIRY_UNIT_MS[unit] as number))
  const isTime = unit !== undefined || (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(date.getTime()))
  if (isTime && date > now) return date
  throw new BackupError(`"${text}" is ${isTime ? 'not in the future' : 'not a time'}`, {
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
