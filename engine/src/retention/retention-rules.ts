import type { Backup, KeepPolicy } from '@telegram-backup/database'
import { COUNTED_RULES, formatSpan } from '#retention/keep-policy.ts'

/** Why a policy keeps each of the backups that it keeps, by their ids. */
export type Kept = Map<string, string[]>

/** What the rules look at. Newest first. */
export type Ranked = readonly Backup[]

/** Newest first; of the same moment in an order that does not depend on the catalog's. */
export function newestFirst(backups: readonly Backup[]): Backup[] {
  return [...backups].sort(
    (a, b) => b.created_at.getTime() - a.created_at.getTime() || (a.id < b.id ? 1 : -1),
  )
}

export function isSound({ damaged_at }: Backup): boolean {
  return damaged_at === null
}

/** The newest one that is not known to be damaged; the newest damaged one if there is no other. */
export function lastGood(ranked: Ranked): Backup | undefined {
  return ranked.find(isSound) ?? ranked[0]
}

/** A policy that says nothing keeps all; one that only names a minimum leaves the rest to `expires_at`. */
export function hasRules(keep: KeepPolicy): boolean {
  return keep.within_ms !== undefined || COUNTED_RULES.some(rule => keep[rule] !== undefined)
}

/**
 * What the rules of a policy keep, each by itself, as restic has it: a backup that several rules keep counts
 * for each of them. Hours, days, ISO weeks, months and years are those of UTC.
 */
export function keptByRules(keep: KeepPolicy, ranked: Ranked, now: Date): Kept {
  const kept: Kept = new Map()
  for (const rule of COUNTED_RULES) {
    const most = keep[rule]
    if (most !== undefined) noteChosen(kept, { ranked, rule, most, key: BUCKETS[rule] })
  }
  const { within_ms } = keep
  if (within_ms !== undefined) {
    for (const backup of ranked) {
      if (now.getTime() - backup.created_at.getTime() <= within_ms)
        note(kept, backup, `within ${formatSpan(within_ms)}`)
    }
  }
  return kept
}

/** The newest ones that stay in any case. */
export function keptByMinimum({ minimum }: KeepPolicy, ranked: Ranked): Kept {
  const kept: Kept = new Map()
  if (minimum !== undefined) noteChosen(kept, { ranked, rule: 'minimum', most: minimum, key: BUCKETS.last })
  return kept
}

export function note(kept: Kept, { id }: Backup, reason: string): void {
  const reasons = kept.get(id) ?? []
  if (!reasons.includes(reason)) reasons.push(reason)
  kept.set(id, reasons)
}

function noteChosen(
  kept: Kept,
  of: { ranked: Ranked; rule: string; most: number; key: (backup: Backup) => string },
): void {
  const { ranked, rule, most, key } = of
  for (const [index, backup] of choose(ranked, { most, key }).entries()) {
    note(kept, backup, `${rule} ${index + 1} of ${most}${isSound(backup) ? '' : ', damaged'}`)
  }
}

/**
 * The newest one of each of the newest buckets. A damaged one never takes the place of a sound one: neither
 * within its bucket, nor of another bucket while there are not too many of them.
 */
function choose(ranked: Ranked, { most, key }: { most: number; key: (backup: Backup) => string }): Backup[] {
  const buckets = [...Map.groupBy(ranked, key).values()].map(lastGood).filter(backup => backup !== undefined)
  const sound = buckets.filter(isSound).slice(0, most)
  const damaged = buckets.filter(backup => !isSound(backup)).slice(0, most - sound.length)
  return [...sound, ...damaged]
}

const ISO_LENGTHS = { hourly: 13, daily: 10, monthly: 7, yearly: 4 } as const
const isoStart = (length: number) => (backup: Backup) => backup.created_at.toISOString().slice(0, length)

const BUCKETS: Readonly<Record<(typeof COUNTED_RULES)[number], (backup: Backup) => string>> = {
  last: ({ id }) => id,
  hourly: isoStart(ISO_LENGTHS.hourly),
  daily: isoStart(ISO_LENGTHS.daily),
  weekly: ({ created_at }) => isoWeek(created_at),
  monthly: isoStart(ISO_LENGTHS.monthly),
  yearly: isoStart(ISO_LENGTHS.yearly),
}

/** The day of a week's Thursday: a week belongs to the year that has it. Weeks begin on Mondays. */
function isoWeek(time: Date): string {
  const thursday = new Date(time)
  thursday.setUTCDate(time.getUTCDate() + 4 - (time.getUTCDay() || 7))
  return thursday.toISOString().slice(0, 10)
}
