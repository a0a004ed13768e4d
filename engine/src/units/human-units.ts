import { isUtcShown } from '#units/shown-zone.ts'

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** Stands in tables for a missing value. */
export const NONE = '-'

/** `1536` as `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), BYTE_UNITS.length - 1)
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${BYTE_UNITS[power]}`
}

/** The size of a backup; unknown (not 0 bytes) when it was never finished, or recovered without the key. */
export function formatSizeOf(
  { state, recovered_trust: trust }: { state: string; recovered_trust: number | null },
  bytes: number | null,
): string {
  const isUnknown = (bytes ?? 0) === 0 && (state === 'sending' || state === 'failed' || trust === 0)
  return isUnknown ? NONE : formatBytes(bytes ?? 0)
}

/** Whole seconds as `0:07`, `2:05` or `1:00:00`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const two = (part: number): string => String(part).padStart(2, '0')
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`
}

const AGES: ReadonlyArray<readonly [string, number]> = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
]

/** Milliseconds in the largest unit that they fill: `3 d`, `5 h`, `0 min`. */
export function formatAge(ms: number): string {
  const [unit, size] = AGES.find(([, size]) => ms >= size) ?? ['min', 60_000]
  return `${Math.max(0, Math.floor(ms / size))} ${unit}`
}

/**
 * A time for the person at this terminal, in their zone: `2026-11-24 06:33 +01:00`, or `2026-11-24 05:33
 * UTC`. A text that is read elsewhere, such as a notice or a log, has times in UTC and does not use this.
 */
export function formatTime(time: Date): string {
  const minutes = isUtcShown() ? 0 : -time.getTimezoneOffset()
  const local = new Date(time.getTime() + minutes * 60_000).toISOString()
  const two = (part: number): string => String(Math.floor(part)).padStart(2, '0')
  const offset = `${minutes < 0 ? '-' : '+'}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`
  return `${local.slice(0, 16).replace('T', ' ')} ${minutes === 0 ? 'UTC' : offset}`
}

/** The day of {@link formatTime}. */
export function formatDay(time: Date): string {
  return formatTime(time).slice(0, 10)
}

/** `1 part`, `2 parts`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
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

/** `45 s`, `5 min`, `3.5 h`, `2 d`. */
export function formatSpan(seconds: number): string {
  const [amount, unit] =
    seconds < 120
      ? [seconds, 's']
      : seconds < 7200
        ? [seconds / 60, 'min']
        : seconds < 172_800
          ? [seconds / 3600, 'h']
          : [seconds / 86_400, 'd']
  return `${Math.round(amount * 10) / 10} ${unit}`
}
