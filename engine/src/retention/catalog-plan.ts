import {
  catalogClock,
  type Database,
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
} from '#retention/plan-retention.ts'
import { HOURS_OF_A_HABIT } from '#retention/stopped-backups.ts'

/** What is to become of every complete backup, and of those that are marked to be erased already. */
export type RetentionPlan = readonly RetentionDecision[]

/**
 * Reads the catalog and decides, by the catalog's clock, or by this machine's where that is behind; nothing
 * is changed.
 */
export async function planRetention(database: Database): Promise<RetentionPlan> {
  return (await readRetention(database, await catalogClock(database)))()
}

/**
 * Reads the catalog, once for several plans: without any that wait, or with them.
 * @param clock what time it is by the catalog's clock
 */
export async function readRetention(
  database: Database,
  clock: Date,
): Promise<(waiting?: RetentionFacts['waiting']) => RetentionPlan> {
  const now = earlierTime(clock, new Date())
  const { data: backups } = await queryBackups(database, { state: 'complete' })
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
  const marked = await planMarked(database)
  return waiting => [
    ...marked,
    ...decideRetention({ backups, policies, schedules, times, begun, now, waiting }),
  ]
}

/** A clock that is ahead would let go of what has not expired; one that is behind lets go of it later. */
function earlierTime(catalog: Date, own: Date): Date {
  return own.getTime() < catalog.getTime() - CLOCKS_DIFFER_MS ? own : catalog
}

/** Null for a schedule that cannot be read: it never fires, so that backups have stopped. */
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

/** The plan with the word given that some of its decisions want. */
export function withWord(plan: RetentionPlan): RetentionPlan {
  return plan.map(made =>
    made.needsWord
      ? {
          ...made,
          decision: 'erase',
          reason: made.reasonWithWord ?? made.reason,
          isGuarded: false,
          needsWord: false,
        }
      : made,
  )
}
