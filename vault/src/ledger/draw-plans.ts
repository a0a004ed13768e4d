import {
  type IndexDrawing,
  type IndexedKeep,
  type IndexedRetention,
  MAX_PLANS,
} from '@telegram-backup/archive'
import {
  checkedTags,
  type Database,
  type KeepPolicy,
  listRetentionPolicies,
  listSchedules,
  listSourcePolicies,
} from '@telegram-backup/database'

/**
 * What a new server needs besides the backups: schedules by id, policies by project and type. Values that no
 * index can hold are left out, so that the rest can be drawn.
 */
export async function drawPlans(
  database: Database,
): Promise<Pick<IndexDrawing, 'hasPlans' | 'schedules' | 'retention'>> {
  const schedules = (await listSchedules(database))
    .filter(
      ({ source, cron, timezone }) => source.length <= 256 && cron.length <= 256 && timezone.length <= 64,
    )
    // Without the fields that change whenever a schedule fires.
    .map(({ id, source, type, cron, timezone, enabled, keep, ...row }) => ({
      ...{ id, source, project: row.project_id, type, cron, timezone, enabled },
      ...(keep && { keep: drawKeep(keep) }),
      jitterSeconds: row.jitter_seconds,
      catchUp: row.catch_up,
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .slice(0, MAX_PLANS)
  const policies = (await listRetentionPolicies(database)).map(({ project_id: project, type, keep }) => ({
    project,
    type,
    keep: drawKeep(keep),
  }))
  const ofSources = (await listSourcePolicies(database))
    .filter(({ source }) => source.length <= 256)
    .map(({ project_id: project, type, source, keep }) => ({ project, type, source, keep: drawKeep(keep) }))
  const retention: IndexedRetention[] = [...policies, ...ofSources]
    // Not in SQL: databases sort by their own collation.
    .sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
    .slice(0, MAX_PLANS)
  return {
    hasPlans: true,
    ...(schedules.length > 0 && { schedules }),
    ...(retention.length > 0 && { retention }),
  }
}

function sortKey({ project, type, source, keep }: IndexedRetention): string {
  return JSON.stringify([project, type, source ?? '', keep])
}

const RULES = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly', 'minimum'] as const

/** A policy with an unknown rule or value is drawn without rules, which keeps everything. */
function drawKeep(keep: KeepPolicy): IndexedKeep {
  const rules = [...RULES.map(rule => [rule, keep[rule]] as const), ['withinMs', keep.within_ms] as const]
  const given = rules.filter(([, value]) => value !== undefined && value !== null)
  const known = new Set<string>(['within_ms', 'tags', ...RULES])
  const isKnown = Object.keys(keep).every(name => known.has(name))
  if (!isKnown || !given.every(([, value]) => Number.isSafeInteger(value) && Number(value) >= 0)) return {}
  const { tags } = keep
  if (tags !== undefined && !areTags(tags)) return {}
  return { ...Object.fromEntries(given), ...(tags !== undefined && { tags }) }
}

function areTags(tags: unknown): tags is string[] {
  try {
    return Array.isArray(tags) && checkedTags(tags).length > 0
  } catch {
    return false
  }
}
