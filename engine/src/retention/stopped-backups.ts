import type { Backup } from '@telegram-backup/database'
import { roughSpan } from '#retention/keep-policy.ts'
import { isSound, type Ranked } from '#retention/retention-rules.ts'

/** After more intervals without a backup, backups have stopped. */
const INTERVALS_OF_GRACE = 2
const HOUR_MS = 3_600_000
/** Backups within this time belong to the same occasion. */
const ONE_OCCASION_MS = HOUR_MS / 2
const FEWEST_GAPS = 3
const MOST_GAPS = 20
/** Four backups in one afternoon are not a habit yet. */
const SHORTEST_HABIT_MS = 48 * HOUR_MS
/** The interval is as long as this share of the gaps between backups. */
const SHARE_OF_GAPS = 0.75

/** A habit needs the times of so many hours with a backup; some of them may belong to the same occasion. */
export const HOURS_OF_A_HABIT: number = 2 * (MOST_GAPS + 1)

/** The facts that show whether the backups of a group have stopped. */
export interface Making {
  /** The backups that are not dated in the future, newest first. */
  ranked: Ranked
  /** The backups that are dated in the future: the clock of their machine was wrong. */
  ahead: Ranked
  /** The longest times between two runs of its schedules, in ms; null when the times cannot be read. */
  intervalsMs: readonly (number | null)[]
  /** When its backups were made, also erased ones, newest first. */
  times: readonly Date[]
}

export interface Stop {
  why: string
  /** There is no schedule; the interval comes from the times of earlier backups. */
  isGuess: boolean
}

/**
 * Whether backups have stopped, by their schedules, or without a schedule by their usual times: see
 * `habitMs`.
 */
export function whyStopped(making: Making, now: Date): Stop | undefined {
  const { ranked, ahead, intervalsMs, times } = making
  const [strange] = ahead
  if (strange !== undefined) return { why: strangeTime(strange), isGuess: false }
  const known = intervalsMs.filter(intervalMs => intervalMs !== null)
  if (known.length < intervalsMs.length)
    return { why: 'the times of its schedule cannot be read', isGuess: false }
  const isGuess = known.length === 0
  const intervalMs = isGuess ? habitMs(times) : Math.min(...known)
  if (intervalMs === undefined) return undefined
  const usual = isGuess
    ? `they used to come every ${roughSpan(intervalMs)}`
    : `the schedule runs every ${roughSpan(intervalMs)}`
  const newest = ranked.find(isSound)
  if (newest === undefined) return { why: `backups have stopped: none is sound, and ${usual}`, isGuess }
  const ageMs = now.getTime() - newest.created_at.getTime()
  if (ageMs <= INTERVALS_OF_GRACE * intervalMs) return undefined
  return { why: `backups have stopped: the newest is ${roughSpan(ageMs)} old, ${usual}`, isGuess }
}

/** Names both causes: if today's clock is wrong, a person must not erase the newest backup. */
function strangeTime({ id, created_at }: Backup): string {
  const made = `${created_at.toISOString().slice(0, 16)}Z`
  return `a clock was ahead, or is behind now: ${id.slice(0, 8)} says that it was made ${made}; correct the clock, or erase that backup`
}

/**
 * The usual time between backups without a schedule, in ms: three of four of the last twenty gaps are not
 * longer, so neither an outage nor a burst counts. At least an hour. Undefined without a habit: with fewer
 * than three gaps, or fewer than twenty within two days.
 */
export function habitMs(times: readonly Date[]): number | undefined {
  const occasions: number[] = []
  for (const time of times.map(time => time.getTime()).sort((a, b) => b - a)) {
    const last = occasions.at(-1)
    if (last === undefined || last - time >= ONE_OCCASION_MS) occasions.push(time)
    if (occasions.length > MOST_GAPS) break
  }
  const gaps = occasions.slice(1).map((time, index) => (occasions[index] as number) - time)
  const spanMs = (occasions[0] ?? 0) - (occasions.at(-1) ?? 0)
  if (gaps.length < FEWEST_GAPS || (gaps.length < MOST_GAPS && spanMs < SHORTEST_HABIT_MS)) return undefined
  const sorted = gaps.sort((a, b) => a - b)
  return Math.max(HOUR_MS, sorted[Math.floor(sorted.length * SHARE_OF_GAPS)] as number)
}
