import { createHash } from 'node:crypto'
import type { DrillDecision, DrillUnit, SampledLately } from '@telegram-backup/database'
import { formatBytes } from '#units/human-units.ts'

export interface DrillRules {
  /** As for sampling: a drill reads every message of its backup, and each costs a copy in the chat. */
  messagesPerHour: number
  /** Whether it is restored on another server than a temporary one of this machine. */
  isElsewhere(unit: DrillUnit): boolean
}

/** This machine now. */
export interface DrillMachine {
  /** Bytes, on the disk of the state folder. */
  freeBytes: number
  /** Programs that want to run, for each core. */
  loadPerCore: number
}

/** A failed drill is tried again after this time, or a sixteenth of its limit. */
const TRY_AGAIN_MS = 6 * 3_600_000
/** With more, a drill would make others wait. */
const MOST_LOAD_PER_CORE = 2
/** A new server, and its log of changes. */
const SERVER_BYTES = 256 * 1024 * 1024

/**
 * Chooses the drill to make now, only from what is known now: one at a time. The proof of a source may be
 * made anew after half of its time, and is due in the following quarter, at a moment of its own, so that not
 * all come at once; the last quarter is a reserve. The oldest proof goes first. A drill that failed comes
 * behind the others. Disk, a backup of the source, load and pace can put one off; all but the disk not when
 * it would become too late.
 */
export function planDrills(
  { units, lately, now }: { units: readonly DrillUnit[]; lately: SampledLately; now: Date },
  machine: DrillMachine,
  rules: DrillRules,
): DrillDecision {
  if (units.some(({ is_drilling }) => is_drilling)) return { waiting: [] }
  const due = units.filter(unit => isDue(unit, now)).sort((a, b) => lastTouched(a) - lastTouched(b))
  const waiting: { unit: DrillUnit; reason: string }[] = []
  for (const unit of due) {
    const reason = whyNotNow(unit, { lately, now, machine, rules })
    if (reason === undefined) return { drill: unit, waiting }
    waiting.push({ unit, reason })
  }
  return { waiting }
}

/** Without a drill by then, the source is overdue; null when no serve wants any. */
export function overdueAt(unit: Pick<DrillUnit, 'within_ms' | 'since'> & Base): Date | null {
  const { within_ms: limit, since } = unit
  if (limit === null || since === null) return null
  // A limit that is new gets time for the first drill.
  return new Date(Math.max(baseOf(unit) + limit, since.getTime() + limit / 2))
}

function isDue(unit: DrillUnit, now: Date): boolean {
  const { within_ms: limit, since, tried_at } = unit
  if (limit === null || since === null) return false
  if (tried_at !== null && now.getTime() - tried_at.getTime() < Math.min(TRY_AGAIN_MS, limit / 16))
    return false
  const quarter = (limit / 4) * shareOf(unit)
  return now.getTime() >= Math.max(baseOf(unit) + limit / 2 + quarter, since.getTime() + quarter)
}

type Base = Pick<DrillUnit, 'proven_at' | 'done_at' | 'first_complete_at'>

/** Since when the present proof, or the lack of one, lasts. */
function baseOf({ proven_at, done_at, first_complete_at }: Base): number {
  const proven = Math.max(proven_at?.getTime() ?? 0, done_at?.getTime() ?? 0)
  return proven === 0 ? first_complete_at.getTime() : proven
}

function lastTouched(unit: DrillUnit): number {
  return Math.max(baseOf(unit), unit.tried_at?.getTime() ?? 0)
}

/** From 0 to 1, always the same for one source. */
function shareOf({ project_id, type, source_name, member }: DrillUnit): number {
  const name = JSON.stringify([project_id, type, source_name, member])
  return createHash('sha256').update(name).digest().readUInt32BE() / 0xffffffff
}

function whyNotNow(
  unit: DrillUnit,
  of: { lately: SampledLately; now: Date; machine: DrillMachine; rules: DrillRules },
): string | undefined {
  const { lately, now, machine, rules } = of
  const needed = rules.isElsewhere(unit) ? 0 : bytesFor(unit)
  if (machine.freeBytes < needed) {
    return `the disk of the state folder has ${formatBytes(machine.freeBytes)} free, and the drill needs about ${formatBytes(needed)}`
  }
  const lateAt = overdueAt(unit)?.getTime() ?? 0
  if (now.getTime() > lateAt - (unit.within_ms ?? 0) / 4) return undefined
  if (unit.is_backing_up) return 'a backup of it runs'
  if (isLong(unit) && machine.loadPerCore > MOST_LOAD_PER_CORE) return 'the machine is busy'
  const room = rules.messagesPerHour - lately.messages
  // A backup larger than an hour's budget must be drilled at some time, too.
  if (lately.messages > 0 && unit.messages > room) return 'verification has read enough messages in this hour'
  return undefined
}

/** A machine is busy for minutes; with a short limit there is no time to wait for that. */
function isLong({ within_ms }: DrillUnit): boolean {
  return (within_ms ?? 0) >= 3_600_000
}

function bytesFor({ kind, size, database_size }: DrillUnit): number {
  return kind === 'directory' ? size : Math.max(size, database_size ?? 0) + SERVER_BYTES
}
