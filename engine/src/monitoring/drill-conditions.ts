import type { DrillUnit } from '@telegram-backup/database'
import { overdueAt } from '#verification/plan-drills.ts'

interface DrillCondition {
  key: string
  kind: 'drill_overdue' | 'drill_failed'
  project: string
  type: string
  source: string
  details: Record<string, string | number | null>
}

/**
 * Problems with the drills of each source: one of each kind, for the member that is worst off. A failed drill
 * comes before a late one: it says more, and the first problem is the one that a short text names.
 */
export function drillConditions(units: readonly DrillUnit[], now: number): DrillCondition[] {
  const sources = Map.groupBy(units, ({ project_id, type, source_name }) =>
    JSON.stringify([project_id, type, source_name]),
  )
  return [...sources.values()].flatMap(members => [...failed(members), ...overdue(members, now)])
}

function overdue(members: readonly DrillUnit[], now: number): DrillCondition[] {
  const late = members.map(unit => ({ unit, at: overdueAt(unit) }))
  const [worst] = late
    .filter((one): one is { unit: DrillUnit; at: Date } => one.at !== null && one.at.getTime() < now)
    .sort((a, b) => a.at.getTime() - b.at.getTime())
  if (worst === undefined) return []
  const { proven_at, member, within_ms, waits_for, failure } = worst.unit
  return [
    conditionOf('drill_overdue', worst.unit, {
      proven_at: proven_at?.toISOString() ?? null,
      limit_seconds: Math.round((within_ms ?? 0) / 1000),
      member,
      why: waits_for?.slice(0, 500) ?? null,
      // Not its message: that may quote a server, which not everybody in the chat should know.
      code: failure === null ? null : (failure.code ?? 'UNEXPECTED'),
    }),
  ]
}

/**
 * The drill that ended last found a difference, or could not restore. The next one that ends well ends it.
 */
function failed(members: readonly DrillUnit[]): DrillCondition[] {
  const worst = members.find(({ last_drill }) => last_drill?.state === 'failed')
  if (worst === undefined) return []
  // The error may quote a server, which not everybody in the chat should know.
  const { last_drill, member, backup_id } = worst
  return [
    conditionOf('drill_failed', worst, {
      ...{ failed_at: last_drill?.at.toISOString() ?? null, code: last_drill?.code ?? null },
      ...{ backup_id, member },
    }),
  ]
}

function conditionOf(
  kind: DrillCondition['kind'],
  { project_id: project, type, source_name: source }: DrillUnit,
  details: DrillCondition['details'],
): DrillCondition {
  return { key: `${kind}:${project}/${type}/${source}`, kind, project, type, source, details }
}
