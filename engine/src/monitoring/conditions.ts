import type { BucketHealth, DrillUnit, OpenJobs, QueueFacts, SourceFacts } from '@telegram-backup/database'
import type { DescribedError } from '@telegram-backup/errors'
import type { CONDITION_KINDS } from '#config/condition-kinds.ts'
import { bucketConditions } from '#monitoring/bucket-conditions.ts'
import { drillConditions } from '#monitoring/drill-conditions.ts'
import { jobConditions } from '#monitoring/job-conditions.ts'
import { lastCompleteDetails } from '#monitoring/last-complete.ts'

type ConditionKind = (typeof CONDITION_KINDS)[number]

/** A problem that exists now; equal keys mean the same problem. Sizes are bytes. */
export interface Condition {
  key: string
  kind: ConditionKind
  project: string | null
  type: string | null
  source: string | null
  details: Record<string, string | number | null>
  /** For a problem that may grow after its announcement: the time of its newest part. */
  newestAt?: Date | undefined
}

export interface ChatTrouble {
  /** Milliseconds since 1970, for people. */
  since: number
  /** By the monotonic clock. */
  forMs: number
  /** The chat answers, but belongs to another catalog now. */
  isNotOurs: boolean
  code: string
  message: string
  hint?: string | undefined
}

/** A file that a process cannot use, so that it continues with the previous contents. */
export interface FileFault extends DescribedError {
  kind: 'config_unusable' | 'certificate_unusable'
  host: string
}

/** The facts of one check. Times are milliseconds since 1970. */
export interface WatchFacts {
  now: number
  /** When this process began to watch. */
  watchedSince: number
  sources: readonly SourceFacts[]
  /** The time between two runs of each source with an enabled schedule; only these are overdue by default. */
  intervalsMs: ReadonlyMap<string, number>
  /** For sources whose schedules are all switched off: the time between two runs, and the last change. */
  pausedSchedules: ReadonlyMap<string, { intervalMs: number; since: number }>
  /** By source, `project/type` of every schedule, also of those that are switched off. */
  scheduledPlaces: ReadonlyMap<string, readonly string[]>
  /** What drills prove, and how old it is. */
  drills: readonly DrillUnit[]
  buckets: readonly BucketHealth[]
  openJobs: readonly OpenJobs[]
  eraseFailures: number
  /** What waits for delivery, by channel. */
  notices: QueueFacts['notices']
  chatTrouble: ChatTrouble | null
  fileFaults: readonly FileFault[]
  /**
   * Keys of the open alerts. They stay open without patience: a new process has not seen anything against
   * them.
   */
  openAlerts: ReadonlySet<string>
}

export interface WatchRules {
  /** For all sources; null: twice the interval of the source's schedule. */
  noBackupForMs: number | null
  /** By name, the limit of each source that a file names; null: none of its own. */
  ownNoBackupForMs: ReadonlyMap<string, number | null>
  /** By name, `project/type` of each such source, as each file has it; not of those that cannot be read. */
  ownPlaces: ReadonlyMap<string, readonly string[]>
  /** 0 to 1; 0: never. */
  smallerThan: number
  waitingForMs: number
  /** A shorter outage of the chat does not count. */
  patienceMs: number
}

/** The shortest limit by a schedule: a run may take a while, and be tried again. */
const LEAST_OVERDUE_MS = 15 * 60_000
/** A schedule may be switched off for so long without an alert. */
const LEAST_PAUSED_MS = 24 * 3_600_000
/** A median of fewer earlier backups means nothing. */
const LEAST_EARLIER = 3

export function findConditions(facts: WatchFacts, rules: WatchRules): Condition[] {
  return [
    ...facts.sources.flatMap(source => [
      ...(source.source_name === null ? [] : [...failed(source, facts), ...stopped(source, facts, rules)]),
      ...small(source, rules),
      ...damaged(source),
    ]),
    ...neverBackedUp(facts, rules),
    ...drillConditions(facts.drills, facts.now),
    ...bucketConditions(facts.buckets, facts.now),
    ...jobConditions(facts.openJobs, {
      waitingForMs: rules.waitingForMs,
      isChatThere: facts.chatTrouble === null,
    }),
    ...unerased(facts),
    ...untold(facts),
    ...chatAway(facts, rules),
    ...unusable(facts),
  ]
}

const NOWHERE = { project: null, type: null, source: null }

function conditionOf(
  kind: ConditionKind,
  source: Pick<SourceFacts, 'project_id' | 'type' | 'source_name'>,
  details: Condition['details'],
): Condition {
  const { project_id: project, type, source_name } = source
  return {
    key: `${kind}:${project}/${type}/${source_name ?? ''}`,
    kind,
    project,
    type,
    source: source_name,
    details,
  }
}

/** The last backup failed, and no new try runs. Once announced, only a complete backup ends it. */
function failed(source: SourceFacts, { openJobs, openAlerts }: WatchFacts): Condition[] {
  const { last_failed_at, last_complete } = source
  if (last_failed_at === null) return []
  if (last_complete !== null && last_complete.completed_at >= last_failed_at) return []
  const condition = conditionOf('backup_failed', source, { failed_at: last_failed_at.toISOString() })
  const isAtWork = openJobs.some(job => job.kind === 'backup' && job.source === source.source_name)
  return isAtWork && !openAlerts.has(condition.key) ? [] : [condition]
}

/**
 * The schedule or the file has this source under another project or type, so these backups were sent by hand.
 */
export function isSentByHand(
  source: Pick<SourceFacts, 'source_name' | 'project_id' | 'type'>,
  { scheduledPlaces }: Pick<WatchFacts, 'scheduledPlaces'>,
  { ownPlaces }: Pick<WatchRules, 'ownPlaces'>,
): boolean {
  const name = source.source_name ?? ''
  const places = [ownPlaces.get(name) ?? [], scheduledPlaces.get(name) ?? []].flat()
  return places.length > 0 && !places.includes(`${source.project_id}/${source.type}`)
}

function stopped(...of: [SourceFacts, WatchFacts, WatchRules]): Condition[] {
  return isSentByHand(...of) ? [] : [...overdue(...of), ...paused(...of)]
}

function overdue(source: SourceFacts, facts: WatchFacts, rules: WatchRules): Condition[] {
  const limit = overdueAfterMs(source.source_name ?? '', source.is_scheduled, facts, rules)
  if (limit === null) return []
  const since = Math.max(
    source.last_complete?.created_at.getTime() ?? 0,
    source.scheduled_since?.getTime() ?? 0,
  )
  const condition = conditionOf('backup_overdue', source, {
    ...lastCompleteDetails(source),
    limit_seconds: Math.round(limit / 1000),
  })
  const isAnnounced = facts.openAlerts.has(condition.key)
  if (since === 0) return isAnnounced || facts.now - facts.watchedSince > limit ? [condition] : []
  return facts.now - since > limit ? [condition] : []
}

/** After how many milliseconds without a backup a source is overdue; null: never. */
export function overdueAfterMs(
  name: string,
  isScheduled: boolean,
  { intervalsMs }: Pick<WatchFacts, 'intervalsMs'>,
  { ownNoBackupForMs, noBackupForMs }: Pick<WatchRules, 'ownNoBackupForMs' | 'noBackupForMs'>,
): number | null {
  const isOurs = ownNoBackupForMs.has(name)
  const own = ownNoBackupForMs.get(name) ?? null
  if (own !== null) return own
  if (noBackupForMs !== null && (isScheduled || isOurs)) return noBackupForMs
  const interval = intervalsMs.get(name)
  if (interval === undefined) return null
  // A source of another machine may have a limit that is not known here.
  return Math.max(LEAST_OVERDUE_MS, interval * (isOurs ? 2 : 4))
}

/** No schedule backs it up any more. With a limit, the source becomes overdue instead. */
function paused(source: SourceFacts, facts: WatchFacts, rules: WatchRules): Condition[] {
  const name = source.source_name ?? ''
  const schedule = facts.pausedSchedules.get(name)
  if (schedule === undefined || overdueAfterMs(name, source.is_scheduled, facts, rules) !== null) return []
  const lastAt = source.last_complete?.created_at
  const since = Math.max(schedule.since, lastAt?.getTime() ?? 0)
  if (facts.now - since <= Math.max(LEAST_PAUSED_MS, 2 * schedule.intervalMs)) return []
  const details = {
    ...lastCompleteDetails(source),
    switched_off_at: new Date(schedule.since).toISOString(),
  }
  return [conditionOf('schedule_off', source, details)]
}

/** Sources of this process that the catalog knows nothing about. */
function neverBackedUp(facts: WatchFacts, rules: WatchRules): Condition[] {
  const made = facts.sources.filter(source => !isSentByHand(source, facts, rules))
  const known = new Set(made.map(({ source_name }) => source_name))
  return [...rules.ownNoBackupForMs.keys()]
    .filter(name => !known.has(name))
    .flatMap(name => {
      const limit = rules.ownNoBackupForMs.get(name) ?? rules.noBackupForMs
      const key = `backup_overdue:${name}`
      if (limit === null || (facts.now - facts.watchedSince <= limit && !facts.openAlerts.has(key))) return []
      const details = { last_complete_at: null, limit_seconds: Math.round(limit / 1000) }
      return [{ key, kind: 'backup_overdue' as const, ...NOWHERE, source: name, details }]
    })
}

function small(source: SourceFacts, { smallerThan }: WatchRules): Condition[] {
  const [newest, ...earlier] = source.recent_sizes
  if (newest === undefined || earlier.length < LEAST_EARLIER) return []
  const usual = median(earlier)
  if (newest >= usual * smallerThan) return []
  return [conditionOf('backup_small', source, { size: newest, usual_size: usual })]
}

/** With an even number of sizes: the smaller of the two in the middle. */
function median(sizes: readonly number[]): number {
  return [...sizes].sort((a, b) => a - b)[Math.floor((sizes.length - 1) / 2)] as number
}

function damaged(source: SourceFacts): Condition[] {
  if (source.damaged_count === 0) return []
  const condition = conditionOf('backup_damaged', source, { backups: source.damaged_count })
  return [{ ...condition, newestAt: source.last_damaged_at ?? undefined }]
}

/** After this time, the other channels announce that a channel is down. */
const NOTICES_MAY_WAIT_MS = 10 * 60_000

function untold({ notices }: WatchFacts): Condition[] {
  return notices
    .filter(({ oldest_ms }) => oldest_ms > NOTICES_MAY_WAIT_MS)
    .map(({ channel, count, oldest_ms }) => ({
      key: `notices_waiting:${channel}`,
      kind: 'notices_waiting' as const,
      ...NOWHERE,
      details: { channel, notices: count, waiting_seconds: Math.round(oldest_ms / 1000) },
    }))
}

/** Not while the chat is unreachable, which has an alert of its own; but an open alert stays open. */
function unerased({ eraseFailures, chatTrouble, openAlerts }: WatchFacts): Condition[] {
  const kind = 'erase_failed'
  if (eraseFailures === 0 || (chatTrouble !== null && !openAlerts.has(kind))) return []
  return [{ key: kind, kind, ...NOWHERE, details: { messages: eraseFailures } }]
}

function chatAway({ chatTrouble, openAlerts }: WatchFacts, { patienceMs }: WatchRules): Condition[] {
  if (chatTrouble === null) return []
  const { since, forMs, isNotOurs, code, message, hint } = chatTrouble
  const kind = isNotOurs ? 'chat_not_ours' : 'chat_unreachable'
  if (forMs < patienceMs && !openAlerts.has(kind)) return []
  return [
    {
      ...{ key: kind, kind, ...NOWHERE },
      details: {
        since: new Date(since).toISOString(),
        code,
        message: message.slice(0, 500),
        ...(hint !== undefined && { hint }),
      },
    },
  ]
}

function unusable({ fileFaults }: WatchFacts): Condition[] {
  return fileFaults.map(({ kind, host, code, message, hint }) => ({
    ...{ key: `${kind}:${host}`, kind, ...NOWHERE },
    details: { host, code, message: message.slice(0, 500), ...(hint !== undefined && { hint }) },
  }))
}
