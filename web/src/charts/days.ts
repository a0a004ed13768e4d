/** What a calendar says of one day. */
export interface BackupDay {
  /** `2026-12-01`, in the viewer's zone. */
  day: string
  good: number
  failed: number
  /** Plain bytes of the good ones. */
  size: number
}

export type DayState = 'good' | 'partly' | 'failed' | 'none'

/** What a day is counted from. */
interface Made {
  created_at: string
  state: 'sending' | 'complete' | 'failed' | 'erasing' | 'erased'
  damaged_at: string | null
  size: number
}

const DAY_MS = 86_400_000

/** `2026-12-01`, of a time in a zone. */
export function dayOf(at: string | number | Date, zone: string): string {
  const parts = new Intl.DateTimeFormat('en', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  }).formatToParts(new Date(at))
  const of = (type: string): string => parts.find(part => part.type === type)?.value ?? ''
  return `${of('year')}-${of('month')}-${of('day')}`
}

/** The day that is so many days later. A day of the calendar has no zone, so no change of clocks. */
export function dayAfter(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10)
}

/** 0 for Monday to 6 for Sunday. */
function weekdayOf(day: string): number {
  return (new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7
}

/**
 * The last `count` days, oldest first, also those without a backup. Of a backup that was erased nothing is
 * there any more: it counts on no side. One that is under way neither.
 */
export function backupDays(
  backups: readonly Made[],
  of: { zone: string; until: Date; count: number },
): BackupDay[] {
  const today = dayOf(of.until, of.zone)
  const days = new Map<string, BackupDay>()
  for (let before = of.count - 1; before >= 0; before -= 1) {
    const day = dayAfter(today, -before)
    days.set(day, { day, good: 0, failed: 0, size: 0 })
  }
  for (const { created_at, state, damaged_at, size } of backups) {
    const day = days.get(dayOf(created_at, of.zone))
    if (day === undefined) continue
    if (state === 'complete' && damaged_at === null) {
      day.good += 1
      day.size += size
    } else if (state === 'failed' || (state === 'complete' && damaged_at !== null)) day.failed += 1
  }
  return [...days.values()]
}

export function dayState({ good, failed }: BackupDay): DayState {
  if (failed > 0) return good > 0 ? 'partly' : 'failed'
  return good > 0 ? 'good' : 'none'
}

/** Columns of seven days, Monday first; undefined before the first day. */
export function weeksOf(days: readonly BackupDay[]): (BackupDay | undefined)[][] {
  const first = days[0]
  if (first === undefined) return []
  const cells: (BackupDay | undefined)[] = [
    ...Array.from({ length: weekdayOf(first.day) }, () => undefined),
    ...days,
  ]
  return Array.from({ length: Math.ceil(cells.length / 7) }, (_, week) => cells.slice(week * 7, week * 7 + 7))
}
