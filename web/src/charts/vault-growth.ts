import { dayAfter, dayOf } from '#charts/days.ts'

/** What the vault held at the end of each day, by project or type. */
export interface VaultGrowth {
  /** `2026-12-01`, oldest first, without a gap. */
  days: string[]
  /** The largest comes first; `bytes` has a value for each day. */
  series: { name: string; bytes: number[] }[]
}

/**
 * Adds up the backups that exist now by the day on which they were made, in a zone. `size`: as sent, if that
 * is known.
 */
export function vaultGrowth(
  backups: readonly { created_at: string; size: number; group: string }[],
  of: { zone: string; until: Date },
): VaultGrowth {
  const made = backups.map(backup => ({ ...backup, day: dayOf(backup.created_at, of.zone) }))
  const first = made.map(({ day }) => day).sort()[0]
  if (first === undefined) return { days: [], series: [] }
  const last = dayOf(of.until, of.zone)
  const days: string[] = []
  for (let day = first; day <= last; day = dayAfter(day, 1)) days.push(day)
  const series = [...Map.groupBy(made, ({ group }) => group)].map(([name, own]) => {
    const byDay = Map.groupBy(own, ({ day }) => day)
    let sum = 0
    const bytes = days.map(day => {
      sum += (byDay.get(day) ?? []).reduce((total, { size }) => total + size, 0)
      return sum
    })
    return { name, bytes }
  })
  return { days, series: series.sort((a, b) => (b.bytes.at(-1) ?? 0) - (a.bytes.at(-1) ?? 0)) }
}
