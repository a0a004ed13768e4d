import { isDeepStrictEqual } from 'node:util'
import type { IndexedKeep, IndexedRetention, IndexedSchedule, VaultIndex } from '@telegram-backup/archive'
import {
  addSourcePolicy,
  type BackupType,
  catalogIdentity,
  chatRecord,
  createSchedule,
  type Database,
  getSchedule,
  type KeepPolicy,
  listRetentionPolicies,
  listSchedules,
  listSourcePolicies,
  type RetentionPolicy,
  type Schedule,
  type ScheduleChange,
  setRetentionPolicy,
  updateSchedule,
} from '@telegram-backup/database'
import { describeError, hint, run } from '@telegram-backup/errors'

/** `off`: switched off, since a newer index does not have it. */
type PlanOutcome = 'added' | 'changed' | 'known' | 'off'

/** The recovered schedules and policies. */
export interface RecoveredPlans {
  schedules: {
    id: string
    source: string
    project: string
    type: string
    cron: string
    timezone: string
    enabled: boolean
    outcome: PlanOutcome
  }[]
  retention: { project: string; type: string; source?: string; outcome: PlanOutcome }[]
  /** What could not be recovered unchanged, a sentence each. */
  notes: string[]
}

/** The next run of a schedule after a time. Throws for a schedule that cannot be parsed. */
export type NextRun = (schedule: { cron: string; timezone: string }, after: Date) => Date

interface Planning {
  database: Database
  now: Date
  nextRun: NextRun
  /** The index is newer than the catalog's: another machine knows better. */
  isNewer: boolean
  /** The index is that of another catalog, which is merged into this one. */
  isForeign: boolean
  plans: RecoveredPlans
}

/**
 * Recovers schedules and policies from the newest of these indexes. Enabled schedules stay enabled: otherwise
 * a server would make no backups, and no one would notice. Those of the catalog stay as they are, unless
 * another machine has drawn the index since. Schedules of another catalog that is merged into this one come
 * disabled.
 */
export async function recoverPlans(
  database: Database,
  indexes: readonly VaultIndex[],
  { now, nextRun }: { now: Date; nextRun: NextRun },
): Promise<RecoveredPlans> {
  const plans: RecoveredPlans = { schedules: [], retention: [], notes: [] }
  const index = newestOf(indexes)
  if (index === undefined) return plans
  if (isOfAnEarlierProgram(index)) plans.notes.push(NO_PLANS)
  const { catalogId, isEmpty } = await catalogIdentity(database)
  const isForeign = !isEmpty && catalogId !== index.catalogId
  const known = (await chatRecord(database, index.chatId))?.index
  const isNewer = !isForeign && (known == null || countOf(index.edition) > countOf(known.edition))
  const planning = { database, now, nextRun, isNewer, isForeign, plans }
  for (const schedule of index.schedules ?? []) {
    await unlessInvalid(plans, `The schedule of ${JSON.stringify(schedule.source)}`, () =>
      recoverSchedule(schedule, planning),
    )
  }
  if (isForeign && plans.schedules.some(({ outcome }) => outcome === 'added'))
    plans.notes.push('The schedules belong to another catalog, so they were restored switched off.')
  if (isNewer && index.schedules !== undefined) await switchOff(index.schedules, planning)
  const policies = await listRetentionPolicies(database)
  for (const policy of index.retention ?? []) {
    await unlessInvalid(plans, `The policy of ${JSON.stringify(policy.project)}`, () =>
      policy.source === undefined
        ? recoverPolicy(policy, policies, planning)
        : recoverSourcePolicy({ ...policy, source: policy.source }, planning),
    )
  }
  return plans
}

/** The index of the latest generation that was drawn last; the first of equals. */
function newestOf(indexes: readonly VaultIndex[]): VaultIndex | undefined {
  const [first, ...others] = indexes
  if (first === undefined) return undefined
  let newest = first
  for (const index of others) {
    if (index.catalogId !== first.catalogId) continue
    const later =
      index.generation - newest.generation || Date.parse(index.drawnAt) - Date.parse(newest.drawnAt)
    if (later > 0) newest = index
  }
  return newest
}

/** An earlier version of the program drops from an index what it does not know. */
function isOfAnEarlierProgram({ hasPlans, schedules, retention, backups }: VaultIndex): boolean {
  const knows = hasPlans ?? (schedules !== undefined || retention !== undefined)
  return (
    !knows && !backups.some(({ pinnedAt, sourceName }) => pinnedAt !== undefined || sourceName !== undefined)
  )
}

const NO_PLANS = String(
  hint`An earlier version of this program wrote the index. That version stores no schedules, retention policies or pins. If you had any, they are lost: set them again before "${run('expire')}" and "${run('serve')}".`,
)

/** Editions are counted: `<count>-<anything>`. */
function countOf(edition: string): number {
  return Number.parseInt(edition, 10)
}

async function unlessInvalid(plans: RecoveredPlans, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    const { code, message } = describeError(error)
    if (code !== 'INVALID') throw error
    plans.notes.push(`${what} has values that no catalog can hold: ${message}`)
  }
}

async function recoverSchedule(schedule: IndexedSchedule, planning: Planning): Promise<void> {
  const { database, isNewer, isForeign, plans } = planning
  const { id, source, project, type, cron, timezone, jitterSeconds, catchUp } = schedule
  const held = await getSchedule(database, id)
  if (held !== null && !isNewer) {
    const known = { cron: held.cron, timezone: held.timezone, enabled: held.enabled }
    plans.schedules.push({ id, source, project, type, ...known, outcome: 'known' })
    return
  }
  const nextRunAt = schedule.enabled && !isForeign ? nextRunOf(schedule, planning) : null
  const enabled = nextRunAt !== null
  const keep = schedule.keep === undefined ? null : policyOf(schedule.keep)
  const reported = { id, source, project, type, cron, timezone, enabled }
  if (held === null) {
    await createSchedule(database, {
      ...{ id, source, projectId: project, type: type as BackupType, cron, timezone, enabled, keep },
      ...{ jitterSeconds, catchUp, nextRunAt },
    })
    plans.schedules.push({ ...reported, outcome: 'added' })
    return
  }
  const change = { cron, timezone, enabled, keep, jitterSeconds, catchUp }
  // An unchanged schedule keeps its next time, so that a missed run is not forgotten.
  const isKnown = isDeepStrictEqual(change, changeableOf(held))
  if (!isKnown) await updateSchedule(database, id, { ...change, nextRunAt })
  plans.schedules.push({ ...reported, outcome: isKnown ? 'known' : 'changed' })
}

function changeableOf(held: Schedule): ScheduleChange {
  const { cron, timezone, enabled, keep, jitter_seconds: jitterSeconds, catch_up: catchUp } = held
  return { cron, timezone, enabled, keep, jitterSeconds, catchUp }
}

function nextRunOf(schedule: IndexedSchedule, { now, nextRun, plans }: Planning): Date | null {
  try {
    return nextRun(schedule, now)
  } catch (error) {
    const { message } = describeError(error)
    plans.notes.push(`The schedule of ${JSON.stringify(schedule.source)} was switched off: ${message}`)
    return null
  }
}

/** A schedule that another machine has removed since must not run here. */
async function switchOff(indexed: readonly IndexedSchedule[], { database, plans }: Planning): Promise<void> {
  for (const held of await listSchedules(database)) {
    if (!held.enabled || indexed.some(({ id }) => id === held.id)) continue
    await updateSchedule(database, held.id, { enabled: false, nextRunAt: null })
    const { id, source, project_id: project, type, cron, timezone } = held
    plans.schedules.push({ id, source, project, type, cron, timezone, enabled: false, outcome: 'off' })
  }
}

async function recoverPolicy(
  { project, type, keep }: IndexedRetention,
  policies: readonly RetentionPolicy[],
  { database, isNewer, plans }: Planning,
): Promise<void> {
  const held = policies.find(policy => policy.project_id === project && policy.type === type)
  if (held !== undefined && !isNewer) {
    plans.retention.push({ project, type, outcome: 'known' })
    return
  }
  const policy = policyOf(keep)
  const isKnown = isDeepStrictEqual(held?.keep, policy)
  if (!isKnown)
    await setRetentionPolicy(database, { project_id: project, type: type as BackupType, keep: policy })
  const outcome = held === undefined ? 'added' : isKnown ? 'known' : 'changed'
  plans.retention.push({ project, type, outcome })
}

/** Does not replace another policy of the same source: each of them keeps its backups. */
async function recoverSourcePolicy(
  { project, type, source, keep }: IndexedRetention & { source: string },
  { database, plans }: Planning,
): Promise<void> {
  const policy = { project_id: project, type: type as BackupType, source, keep: policyOf(keep) }
  const isKnown = (await listSourcePolicies(database)).some(({ updated_at: _, ...held }) =>
    isDeepStrictEqual(held, policy),
  )
  if (!isKnown) await addSourcePolicy(database, policy)
  plans.retention.push({ project, type, source, outcome: isKnown ? 'known' : 'added' })
}

function policyOf({ withinMs, ...rules }: IndexedKeep): KeepPolicy {
  return { ...rules, ...(withinMs !== undefined && { within_ms: withinMs }) }
}
