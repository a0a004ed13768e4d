import {
  catalogClock,
  type Database,
  drillVerdicts,
  listBackupTimes,
  listLateBeginnings,
  listRetentionPolicies,
  listSchedules,
  listSourcePolicies,
  mayErase,
  queryBackups,
  retentionPolicyTimes,
  type Schedule,
  unfinishedWork,
} from '@telegram-backup/database'
import { intervalMs } from '#cron/cron-times.ts'
import {
  CLOCKS_DIFFER_MS,
  decideRetention,
  type RetentionDecision,
  type RetentionFacts,
  type RetentionSchedule,
} from '#retention/plan-retention.ts'
import { HOURS_OF_A_HABIT } from '#retention/stopped-backups.ts'

/** A decision for every complete backup, and for every backup that is already marked to be erased. */
export type RetentionPlan = readonly RetentionDecision[]

/** Plans by the catalog's clock, or by this machine's when that is behind. Changes nothing. */
export async function planRetention(database: Database): Promise<RetentionPlan> {
  return (await readRetention(database, await catalogClock(database)))()
}

/** Reads the catalog once, for several plans with different `waiting`. `clock`: the time in the catalog. */
export async function readRetention(
  database: Database,
  clock: Date,
): Promise<(waiting?: RetentionFacts['waiting']) => RetentionPlan> {
  const { data: backups } = await queryBackups(database, { state: 'complete' })
  const facts = await readRules(database, clock)
  const marked = await planMarked(database)
  return waiting => [...marked, ...decideRetention({ ...facts, backups, waiting })]
}

/** All that decides about backups, besides themselves. */
export interface RetentionRules extends Omit<RetentionFacts, 'backups' | 'schedules'> {
  schedules: readonly (RetentionSchedule & Pick<Schedule, 'id'>)[]
}

export async function readRules(database: Database, clock: Date): Promise<RetentionRules> {
  const now = earlierTime(clock, new Date())
  const changes = await retentionPolicyTimes(database)
  const ofKinds = (await listRetentionPolicies(database)).map(policy => ({
    ...policy,
    updated_at: changes.find(
      ({ project_id, type }) => project_id === policy.project_id && type === policy.type,
    )?.updated_at,
  }))
  const policies = [...ofKinds, ...(await listSourcePolicies(database))]
  const schedules = (await listSchedules(database)).map(schedule => ({
    ...schedule,
    intervalMs: readableInterval(schedule, now),
  }))
  const times = await listBackupTimes(database, {
    hours: HOURS_OF_A_HABIT,
    until: new Date(now.getTime() + CLOCKS_DIFFER_MS),
  })
  const begun = await listLateBeginnings(database, CLOCKS_DIFFER_MS)
  return { policies, schedules, times, begun, drilled: await drillVerdicts(database), now }
}

/** A clock that is ahead would erase too early; a clock that is behind erases later. */
function earlierTime(catalog: Date, own: Date): Date {
  return own.getTime() < catalog.getTime() - CLOCKS_DIFFER_MS ? own : catalog
}

/** Null for a schedule that cannot be read, and so never runs. */
function readableInterval(schedule: Schedule, now: Date): number | null {
  try {
    return intervalMs(schedule, now)
  } catch {
    return null
  }
}

async function planMarked(database: Database): Promise<RetentionDecision[]> {
  const marked: RetentionDecision[] = []
  for (const backup of (await unfinishedWork(database)).erasing) {
    const mayGo = await mayErase(database, backup.id)
    marked.push({
      backup,
      decision: mayGo ? 'erase' : 'keep',
      reason: mayGo
        ? 'marked to be erased'
        : 'marked to be erased, but it is the last good one of its project and type',
      isGuarded: !mayGo,
      needsWord: false,
      hasPolicy: false,
    })
  }
  return marked
}

/** The plan after a person confirmed the decisions that need it. */
export function withWord(plan: RetentionPlan): RetentionPlan {
  return plan.map(made => {
    if (!made.needsWord) return made
    const reason = made.reasonWithWord ?? made.reason
    return { ...made, decision: 'erase', reason, isGuarded: false, needsWord: false }
  })
}
