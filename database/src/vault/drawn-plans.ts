import type { Database } from '#database.ts'
import type { KeepPolicy } from '#jobs/types.job.ts'
import { listRetentionPolicies } from '#schedules/retention-policies.ts'
import { listSchedules } from '#schedules/schedules.ts'
import { listSourcePolicies } from '#schedules/source-policies.ts'

/** A schedule without what changes whenever it fires. */
export interface DrawnSchedule {
  id: string
  source: string
  project: string
  type: string
  cron: string
  timezone: string
  enabled: boolean
  keep?: DrawnKeep
  jitterSeconds: number
  catchUp: 'once' | 'skip'
}

export interface DrawnRetention {
  project: string
  type: string
  /** Absent for all of that project and type. */
  source?: string
  keep: DrawnKeep
}

/** As `KeepPolicy`; milliseconds. */
type DrawnKeep = Omit<KeepPolicy, 'within_ms'> & { withinMs?: number }

/** What a new server needs besides the backups. Absent where there is nothing. */
export interface DrawnPlans {
  /** Whoever reads it can tell that there is nothing from a program that knows nothing of it. */
  hasPlans: true
  schedules?: DrawnSchedule[]
  retention?: DrawnRetention[]
}

/** An index takes no more of either. */
const MOST = 10_000

/** The schedules by id, the policies by project and type. What no index can hold is left out: all the rest has to go on. */
export async function drawPlans(database: Database): Promise<DrawnPlans> {
  const schedules = (await listSchedules(database))
    .filter(
      ({ source, cron, timezone }) => source.length <= 256 && cron.length <= 256 && timezone.length <= 64,
    )
    .map(
      ({
        id,
        source,
        project_id: project,
        type,
        cron,
        timezone,
        enabled,
        keep,
        jitter_seconds,
        catch_up,
      }) => ({
        id,
        source,
        project,
        type,
        cron,
        timezone,
        enabled,
        ...(keep && { keep: drawKeep(keep) }),
        jitterSeconds: jitter_seconds,
        catchUp: catch_up,
      }),
    )
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .slice(0, MOST)
  const policies = (await listRetentionPolicies(database)).map(({ project_id: project, type, keep }) => ({
    project,
    type,
    keep: drawKeep(keep),
  }))
  const ofSources = (await listSourcePolicies(database))
    .filter(({ source }) => source.length <= 256)
    .map(({ project_id: project, type, source, keep }) => ({ project, type, source, keep: drawKeep(keep) }))
  const retention: DrawnRetention[] = [...policies, ...ofSources]
    // Databases sort by their own collation.
    .sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
    .slice(0, MOST)
  return {
    hasPlans: true,
    ...(schedules.length > 0 && { schedules }),
    ...(retention.length > 0 && { retention }),
  }
}

function sortKey({ project, type, source, keep }: DrawnRetention): string {
  return JSON.stringify([project, type, source ?? '', keep])
}

const RULES = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly', 'minimum'] as const

/** Only what is a rule; a policy that is none of our making draws as one without rules, which keeps all. */
function drawKeep(keep: KeepPolicy): DrawnKeep {
  const rules = [...RULES.map(rule => [rule, keep[rule]] as const), ['withinMs', keep.within_ms] as const]
  const given = rules.filter(([, value]) => value !== undefined && value !== null)
  const isKnown = Object.keys(keep).every(name => name === 'within_ms' || RULES.some(rule => rule === name))
  if (!isKnown || !given.every(([, value]) => Number.isSafeInteger(value) && Number(value) >= 0)) return {}
  return Object.fromEntries(given)
}
