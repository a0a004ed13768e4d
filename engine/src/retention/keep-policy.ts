import type { KeepPolicy } from '@telegram-backup/database'

export interface KeepView {
  last?: number | undefined
  hourly?: number | undefined
  daily?: number | undefined
  weekly?: number | undefined
  monthly?: number | undefined
  yearly?: number | undefined
  /** A span such as `30d`. */
  within?: string | undefined
  minimum?: number | undefined
  tags?: readonly string[] | undefined
}

/** The rules with a number, in the order in which they are shown. */
export const COUNTED_RULES = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const

export function keepView(keep: KeepPolicy | null): KeepView | null {
  if (keep === null) return null
  const view: KeepView = {}
  for (const rule of COUNTED_RULES) if (keep[rule] !== undefined) view[rule] = keep[rule]
  if (keep.within_ms !== undefined) view.within = formatSpan(keep.within_ms)
  if (keep.minimum !== undefined) view.minimum = keep.minimum
  if (keep.tags !== undefined) view.tags = keep.tags
  return view
}

/** A policy in words: `last 3, daily 7, within 30d, tags release or audit`. */
export function describeKeep(keep: KeepPolicy | null): string {
  const rules = Object.entries(keepView(keep) ?? {}).map(
    ([rule, value]) => `${rule} ${Array.isArray(value) ? value.join(' or ') : value}`,
  )
  if (rules.length > 0) return rules.join(', ')
  return keep === null ? '-' : 'all'
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const

/** An exact span in its largest unit: `30d`, `36h`. `parseSpanMs` reads it. */
export function formatSpan(ms: number): string {
  const [unit, size] = UNITS.find(([, size]) => ms % size === 0) ?? ['ms', 1]
  return `${ms / size}${unit}`
}

/** A rounded span for people: `3 d`, `25 h`, `90 min`. */
export function roughSpan(ms: number): string {
  if (ms >= 3 * 86_400_000) return `${Math.round(ms / 86_400_000)} d`
  if (ms >= 3 * 3_600_000) return `${Math.round(ms / 3_600_000)} h`
  return ms >= 60_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 1_000)} s`
}
