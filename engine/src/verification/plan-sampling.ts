import type { SampledBackup, SampledLately, SampledPick } from '@telegram-backup/database'

export const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export interface SamplingRules {
  /** Every complete backup is read at least so often, in milliseconds. */
  readAllWithinMs: number
  /** At most so many messages are read within an hour: each costs a copy in the chat, which limits them. */
  messagesPerHour: number
}

export interface SamplingPlan {
  picks: SampledPick[]
  /**
   * How many backups are unread for more than three quarters of their time, when they should have been read.
   */
  late: number
}

/** The pause after a failed verification: an outage of the chat must not fill the queue. */
const TRY_AGAIN_MS = 6 * HOUR_MS

/**
 * Chooses what to verify now, only from what is known now. A backup may be read again after half of its time,
 * so that none is read too often. The next quarter is enough to read all of them at an even pace; the last
 * quarter is a reserve for outages. The longest unread goes first. The newest backup of each source is also
 * read soon after it was made, once a day at most; else its messages are checked once a day.
 */
export function planSampling(
  { backups, lately, now }: { backups: readonly SampledBackup[]; lately: SampledLately; now: Date },
  rules: SamplingRules,
): SamplingPlan {
  const { readAllWithinMs, messagesPerHour } = rules
  const unreadMs = ({ last_read_at, created_at }: SampledBackup): number =>
    now.getTime() - (last_read_at ?? created_at).getTime()
  const free = backups.filter(({ is_busy }) => !is_busy)
  const due = free
    .filter(backup => unreadMs(backup) >= readAllWithinMs / 2 && !isTriedLately(backup, now))
    // A backup that cannot be read must not block those behind it.
    .sort((a, b) => lastTouched(a) - lastTouched(b))
  const all = backups.reduce((sum, { bytes }) => sum + bytes, 0)
  const share = all / Math.max(1, readAllWithinMs / 4 / HOUR_MS)
  const room = new HourlyRoom({ share, messagesPerHour, lately })
  const fresh = free.filter(backup => isFresh(backup, backups, now))
  const reads = [...due, ...fresh.filter(backup => !due.includes(backup))].filter(backup =>
    room.takes(backup),
  )
  const read = new Set(reads)
  const asked = free.filter(backup => !read.has(backup) && isToBeAskedFor(backup, backups, now))
  return {
    picks: [
      ...reads.map(backup => ({ backup, readData: true })),
      ...asked.map(backup => ({ backup, readData: false })),
    ],
    late: backups.filter(backup => unreadMs(backup) > 0.75 * readAllWithinMs + HOUR_MS).length,
  }
}

/** The budget of one hour: its share of the bytes, but at least one backup, within the limit of messages. */
class HourlyRoom {
  #bytes: number
  #messages: number
  #isUntouched: boolean

  constructor({
    share,
    messagesPerHour,
    lately,
  }: {
    share: number
    messagesPerHour: number
    lately: SampledLately
  }) {
    this.#bytes = share - lately.bytes
    this.#messages = messagesPerHour - lately.messages
    this.#isUntouched = lately.messages === 0
  }

  takes({ bytes, messages }: SampledBackup): boolean {
    // A backup larger than an hour's budget must be read at some time, too.
    const hasRoom = this.#isUntouched || (this.#bytes > 0 && messages <= this.#messages)
    if (!hasRoom) return false
    this.#isUntouched = false
    this.#bytes -= bytes
    this.#messages -= messages
    return true
  }
}

function isTriedLately({ last_begun_at }: SampledBackup, now: Date): boolean {
  return !isOlder(last_begun_at, now, TRY_AGAIN_MS)
}

function lastTouched({ last_read_at, last_begun_at, created_at }: SampledBackup): number {
  return Math.max((last_read_at ?? created_at).getTime(), last_begun_at?.getTime() ?? 0)
}

/** The newest of its source and never read, while no other of that source was read today. */
function isFresh(backup: SampledBackup, backups: readonly SampledBackup[], now: Date): boolean {
  if (!backup.is_newest || backup.last_read_at !== null || isTriedLately(backup, now)) return false
  return !backups.some(
    other => other.source_key === backup.source_key && !isOlder(other.last_read_at, now, DAY_MS),
  )
}

/** The newest of its source, while none of that source was verified today. */
function isToBeAskedFor(backup: SampledBackup, backups: readonly SampledBackup[], now: Date): boolean {
  return (
    backup.is_newest &&
    backups
      .filter(({ source_key }) => source_key === backup.source_key)
      .every(
        ({ last_looked_at, last_asked_at }) =>
          isOlder(last_looked_at, now, DAY_MS) && isOlder(last_asked_at, now, TRY_AGAIN_MS),
      )
  )
}

function isOlder(time: Date | null, now: Date, ms: number): boolean {
  return time === null || now.getTime() - time.getTime() >= ms
}
