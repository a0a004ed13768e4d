import {
  type Backup,
  type Database,
  type DrillUnit,
  type JsonObject,
  type MeasuredDrill,
  measuredDrills,
} from '@telegram-backup/database'
import type { DrillPhases } from '#proof/phase-clock.ts'

/** A past drill with the size of its backup, in bytes. */
export interface MeasuredRestore {
  verification_id: string
  backup_id: string
  at: Date
  phases: DrillPhases
  /** As sent: what is fetched and decrypted. */
  archive_size: number
  /** Plain: what is restored. */
  size: number
}

/** How long a restore will take, as far as past drills of the source show. */
export interface RestoreEstimate {
  seconds: number
  /** The drill that it is taken from. */
  verification_id: string
  backup_id: string
  measured_at: Date
}

/** Of so many drills, the slowest counts: a machine may have been idle in one of them. */
const MOST_DRILLS = 3

/**
 * The seconds of a restore of these sizes, from the newest drills of the same source (newest first); null
 * without any. A larger backup takes longer in proportion; a smaller one is not taken to be faster to
 * restore, since a part of that time does not depend on its size.
 */
export function estimateRestore(
  drills: readonly MeasuredRestore[],
  { archive_size, size }: Pick<MeasuredRestore, 'archive_size' | 'size'>,
): RestoreEstimate | null {
  const estimates = drills.slice(0, MOST_DRILLS).map(({ phases, at, ...drill }) => ({
    seconds: Math.ceil(
      (phases.fetch_seconds + phases.open_seconds) * ratio(archive_size, drill.archive_size) +
        phases.restore_seconds * Math.max(1, ratio(size, drill.size)),
    ),
    verification_id: drill.verification_id,
    backup_id: drill.backup_id,
    measured_at: at,
  }))
  return estimates.reduce<RestoreEstimate | null>(
    (slowest, one) => (slowest === null || one.seconds > slowest.seconds ? one : slowest),
    null,
  )
}

/** For one backup, from the drills of its source in the catalog. */
export async function restoreTimeOf(
  database: Pick<Database, 'kysely'>,
  backup: Pick<Backup, 'project_id' | 'type' | 'source_name' | 'member' | 'size' | 'archive_size'>,
): Promise<RestoreEstimate | null> {
  const { size, archive_size } = backup
  const drills = await measuredDrills(database, backup, { limit: MOST_DRILLS })
  return estimateRestore(measuredIn(drills), { archive_size: archive_size ?? size, size })
}

function measuredIn(drills: readonly MeasuredDrill[]): MeasuredRestore[] {
  return drills.flatMap(({ report, ...drill }) => {
    const phases = durationsOf(report)
    return phases === undefined ? [] : [{ ...drill, phases }]
  })
}

/**
 * The seconds for the newest backup of a source, or of all its members one after the other; null unless each
 * was measured.
 */
export function restoreSecondsOf(members: readonly DrillUnit[]): number | null {
  const seconds = members.map(({ measured, size, archive_size }) => {
    const of = { archive_size: archive_size ?? size, size }
    return estimateRestore(measuredIn(measured), of)?.seconds ?? null
  })
  if (seconds.length === 0 || seconds.includes(null)) return null
  return seconds.reduce<number>((sum, one) => sum + (one ?? 0), 0)
}

function ratio(wanted: number, measured: number): number {
  return measured > 0 ? wanted / measured : 1
}

const PHASES = ['fetch_seconds', 'open_seconds', 'restore_seconds', 'compare_seconds'] as const

/**
 * The phases in the report of a drill, as the catalog has it; undefined for one of before, or a wrong one.
 */
export function durationsOf(report: JsonObject | null | undefined): DrillPhases | undefined {
  const phases = report?.['phases'] as Record<string, unknown> | null | undefined
  if (typeof phases !== 'object' || phases === null) return undefined
  const seconds = PHASES.map(name => phases[name])
  const isWhole = seconds.every(one => typeof one === 'number' && Number.isFinite(one) && one >= 0)
  if (!isWhole) return undefined
  return Object.fromEntries(PHASES.map(name => [name, phases[name]])) as DrillPhases
}
