import { BackupError } from '#lib/backups/backup-error.ts'

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** `1536` as `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), BYTE_UNITS.length - 1)
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${BYTE_UNITS[power]}`
}

/** Whole seconds as `0:07`, `2:05` or `1:00:00`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const two = (part: number): string => String(part).padStart(2, '0')
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`
}

/** A time as `2026-11-24 05:33 UTC`. */
export function formatTime(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** `1 part`, `2 parts`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** When something ends that was given as `12h`, `30d`, `8w` from `now`, or as an ISO date. Throws `USAGE`. */
export function parseExpiry(text: string, now: Date = new Date()): Date {
  const [, amount, unit] = /^(\d{1,5})([hdw])$/.exec(text) ?? []
  const date =
    unit === undefined ? new Date(text) : new Date(now.getTime() + Number(amount) * (UNIT_MS[unit] as number))
  const isTime = unit !== undefined || (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(date.getTime()))
  if (isTime && date > now) return date
  throw new BackupError(`"${text}" is ${isTime ? 'not in the future' : 'no time that I understand'}`, {
    code: 'USAGE',
    hint: 'Give a span in hours, days or weeks (12h, 30d, 8w), or a date such as 2027-01-31.',
  })
}

/** Rows of text as columns; numbers of columns must agree. A line break in a cell becomes a blank. */
export function formatTable(table: readonly (readonly string[])[]): string {
  const rows = table.map(row => row.map(cell => cell.replaceAll('\n', ' ')))
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => (row[column] ?? '').length)))
  return rows
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
