import type { OpenJobs, QueueFacts, SourceFacts } from '@telegram-backup/database'
import type { DescribedError } from '@telegram-backup/errors'
import type { CONDITION_KINDS } from '#config/condition-kinds.ts'
import { jobConditions } from '#monitoring/job-conditions.ts'
import { lastCompleteDetails } from '#monitoring/last-complete.ts'

/** What may be wrong. */
type ConditionKind = (typeof CONDITION_KINDS)[number]

/** Something that is wrong now. Two of one key are the same. Sizes are bytes, times milliseconds. */
export interface Condition {
  key: string
  kind: ConditionKind
  project: string | null
  type: string | null
  source: string | null
  details: Record<string, string | number | null>
  /** For a problem that may grow after its announcement: the time of its newest part. */
  newestAt?: Date
}

/** What keeps this process from using the chat, in the words for people. */
export interface ChatTrouble {
  /** Since when; milliseconds since 1970, for people. */
  since: number
  /** For how many milliseconds, whatever was done to the clock meanwhile. */
  forMs: number
  /** It is there, and belongs to another catalog by now. */
  isNotOurs: boolean
  code: string
  message: string
  hint?: string | undefined
}

/**
 * A file of a machine that its process cannot use as it stands now, so that it goes by what was there before.
 */
export interface FileFault extends DescribedError {
  kind: 'config_unusable' | 'certificate_unusable'
  host: string
}

/** What is known, for one look at it. Times are milliseconds since 1970. */
export interface WatchFacts {
  now: number
  /** Since when this process watches. */
  watchedSince: number
  sources: readonly SourceFacts[]
  /**
   * The time between two runs, of sources that have an enabled schedule; without one a source is not overdue
   * by itself.
   */
  intervalsMs: ReadonlyMap<string, number>
  /**
   * Sources whose schedules are all switched off: the time between two runs, and when one of them was last
   * changed.
   */
  pausedSchedules: ReadonlyMap<string, { intervalMs: number; since: number }>
  /** `project/type` of every schedule, switched off or not, by the name of its source. */
  scheduledPlaces: ReadonlyMap<string, readonly string[]>
  openJobs: readonly OpenJobs[]
  eraseFailures: number
  /** What waits to be told, by channel. */
  notices: QueueFacts['notices']
  /** Null while this process can use the chat. */
  chatTrouble: ChatTrouble | null
  /** None while this process can use its files as they stand. */
  fileFaults: readonly FileFault[]
  /**
   * Keys of the alerts that are open. They need no patience any more: a process that has only just begun to
   * watch has seen nothing that disproves them.
   */
  openAlerts: ReadonlySet<string>
}

/** When something is wrong. */
export interface WatchRules {
  /** For all sources; null: twice the interval of the source's schedule. */
  noBackupForMs: number | null
  /** What a source says of itself, by its name; the names are those of this process's sources. */
  ownNoBackupForMs: ReadonlyMap<string, number | null>
  /** `project/type` that it has there; none for one that cannot be read. */
  ownPlaces: ReadonlyMap<string, string>
  /** 0 to 1; 0: never. */
  smallerThan: number
  waitingForMs: number
  /** An outage of the chat that is shorter is none. */
  patienceMs: number
}

/** Sooner than that no source is overdue by its schedule: a run may take a while, and be tried again. */
const LEAST_OVERDUE_MS = 15 * 60_000
/** A schedule that is off for a shorter time causes no reminder. */
const LEAST_PAUSED_MS = 24 * 3_600_000
/** A median of fewer earlier backups says nothing. */
const LEAST_EARLIER = 3

/** All problems that the facts show. */
export function findConditions(facts: WatchFacts, rules: WatchRules): Condition[] {
  return [
    ...facts.sources.flatMap(source => [
      ...(source.source_name === null ? [] : [...failed(source, facts), ...stopped(source, facts, rules)]),
      ...small(source, rules),
      ...damaged(source),
    ]),
    ...neverBackedUp(facts, rules),
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

/**
 * The last one failed, and is not just being tried again; once it was told, it is right again with a complete
 * one only.
 */
function failed(source: SourceFacts, { openJobs, openAlerts }: WatchFacts): Condition[] {
  const { last_failed_at, last_complete } = source
  if (last_failed_at === null) return []
  if (last_complete !== null && last_complete.completed_at >= last_failed_at) return []
  const condition = conditionOf('backup_failed', source, { failed_at: last_failed_at.toISOString() })
  const isAtWork = openJobs.some(job => job.kind === 'backup' && job.source === source.source_name)
  return isAtWork && !openAlerts.has(condition.key) ? [] : [condition]
}

/**
 * What its schedule or the file knows under another project or type was sent by hand: nothing says when it
 * comes again.
 */
function isSentByHand(
  source: SourceFacts,
  { scheduledPlaces }: WatchFacts,
  { ownPlaces }: WatchRules,
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

/** Null: never. */
function overdueAfterMs(
  name: string,
  isScheduled: boolean,
  { intervalsMs }: WatchFacts,
  { ownNoBackupForMs, noBackupForMs }: WatchRules,
): number | null {
  const isOurs = ownNoBackupForMs.has(name)
  const own = ownNoBackupForMs.get(name) ?? null
  if (own !== null) return own
  if (noBackupForMs !== null && (isScheduled || isOurs)) return noBackupForMs
  const interval = intervalsMs.get(name)
  if (interval === undefined) return null
  // Another machine's source may have a limit of its own that is not known here.
  return Math.max(LEAST_OVERDUE_MS, interval * (isOurs ? 2 : 4))
}

/** Nothing makes backups of it any more; where a limit is set, it is overdue by that. */
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

/** A source of this process that is to be backed up, and of which the catalog knows nothing at all. */
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
  return source.damaged_count === 0
    ? []
    : [
        {
          ...conditionOf('backup_damaged', source, { backups: source.damaged_count }),
          ...(source.last_damaged_at !== null && { newestAt: source.last_damaged_at }),
        },
      ]
}

/** When a channel is down for longer, the other channels announce it. */
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

/** While the chat is away nothing can be erased: that alert covers it. An alert that is open stays open. */
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

/** Each machine has files of its own. */
function unusable({ fileFaults }: WatchFacts): Condition[] {
  return fileFaults.map(({ kind, host, code, message, hint }) => ({
    ...{ key: `${kind}:${host}`, kind, ...NOWHERE },
    details: { host, code, message: message.slice(0, 500), ...(hint !== undefined && { hint }) },
  }))
}
