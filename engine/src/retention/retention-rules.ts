import type { Backup, KeepPolicy } from '@telegram-backup/database'
import { COUNTED_RULES, formatSpan } from '#retention/keep-policy.ts'

export type Kept = Map<string, string[]>

export type Ranked = readonly Backup[]

/** Newest first; equal times in an order that does not depend on the catalog. */
export function newestFirst(backups: readonly Backup[]): Backup[] {
  return [...backups].sort(
    (a, b) => b.created_at.getTime() - a.created_at.getTime() || (a.id < b.id ? 1 : -1),
  )
}

export function isSound({ damaged_at }: Backup): boolean {
  return damaged_at === null
}

/** The newest backup that is not known to be damaged; else the newest damaged one. */
export function lastGood(ranked: Ranked): Backup | undefined {
  return ranked.find(isSound) ?? ranked[0]
}

/** By id, what the last drill that restored a backup has found. */
export type Drilled = ReadonlyMap<string, 'proven' | 'differs'>

/** The newest one that a drill has proven, if drills have found differences in a newer one. */
export function lastProven(ranked: Ranked, drilled: Drilled): Backup | undefined {
  const place = ranked.findIndex(backup => isSound(backup) && drilled.get(backup.id) === 'proven')
  return ranked.slice(0, place).some(({ id }) => drilled.get(id) === 'differs') ? ranked[place] : undefined
}

/** Corrects the times of a backup whose machine's clock was behind; it keeps its lifetime. */
export function asBegun(backup: Backup, begun: Date | undefined): Backup {
  const { created_at, expires_at, expiry_given } = backup
  if (begun === undefined || begun <= created_at) return backup
  const behindMs = begun.getTime() - created_at.getTime()
  const later = expiry_given ? expires_at : new Date(expires_at.getTime() + behindMs)
  return { ...backup, created_at: begun, expires_at: later }
}

/** Rules that decide about every backup. */
export function hasRules(keep: KeepPolicy): boolean {
  return keep.within_ms !== undefined || COUNTED_RULES.some(rule => keep[rule] !== undefined)
}

/** Without any rule a policy keeps all; with only a minimum or tags, it leaves the rest to `expires_at`. */
export function leavesTheRest(keep: KeepPolicy): boolean {
  return !hasRules(keep) && (keep.minimum !== undefined || keep.tags !== undefined)
}

/** What each rule keeps, as in restic: a backup may count for several rules. Hours to years are in UTC. */
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

/** The newest ones stay in any case. */
export function keptByMinimum({ minimum }: KeepPolicy, ranked: Ranked): Kept {
  const kept: Kept = new Map()
  if (minimum !== undefined) noteChosen(kept, { ranked, rule: 'minimum', most: minimum, key: BUCKETS.last })
  return kept
}

/** Every backup that has one of the tags. */
export function keptByTags({ tags = [] }: KeepPolicy, ranked: Ranked): Kept {
  const kept: Kept = new Map()
  for (const backup of ranked) {
    for (const tag of tags.filter(tag => backup.tags.includes(tag))) note(kept, backup, `tag ${tag}`)
  }
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
 * The newest backup of each of the newest buckets. A damaged backup never replaces a sound one: neither in
 * its bucket, nor by using up the number of buckets.
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

/** The Thursday of the ISO week, which decides the year of the week. */
function isoWeek(time: Date): string {
  const thursday = new Date(time)
  thursday.setUTCDate(time.getUTCDate() + 4 - (time.getUTCDay() || 7))
  return thursday.toISOString().slice(0, 10)
}
