import type { Backup, BackupTimes, BackupType, KeepPolicy, RetentionPolicy } from '@telegram-backup/database'
import { hint, run } from '@telegram-backup/errors'
import {
  hasRules,
  type Kept,
  keptByMinimum,
  keptByRules,
  lastGood,
  newestFirst,
  note,
  type Ranked,
} from '#retention/retention-rules.ts'
import { type Making, whyStopped } from '#retention/stopped-backups.ts'

/** What becomes of a complete backup, and why. */
export interface RetentionDecision {
  backup: Backup
  /** held: no rule keeps it, and it stays for now, because something looks wrong. */
  decision: 'erase' | 'keep' | 'held'
  /** For people. */
  reason: string
  /** It is kept although its time has come, or no rule keeps it; or it is held. */
  isGuarded: boolean
  /** A held backup that only a person's confirmation keeps from being erased. */
  needsWord: boolean
  /** The reason after that confirmation. */
  reasonWithWord?: string
  /** Its group has a policy: `expires_at` alone lets nothing of it go. */
  hasPolicy: boolean
}

/** As a group is looked at: what is said of all of it comes last. */
type Made = Omit<RetentionDecision, 'hasPolicy'>

/** A schedule as retention sees it. */
export interface RetentionSchedule {
  source: string
  project_id: string
  type: BackupType
  enabled: boolean
  keep: KeepPolicy | null
  /** When it was last changed; unknown if left out. */
  updated_at?: Date | undefined
  /** The longest time between two of its runs, in ms; null where nobody can read when it runs. */
  intervalMs: number | null
}

/** All that a plan depends on. */
export interface RetentionFacts {
  /** In every state, of every project; only complete ones are decided over, in the order given. */
  backups: readonly Backup[]
  /** The policies of a project and type, and of single sources there. */
  policies: readonly (RetentionPolicy & { source?: string | undefined; updated_at?: Date | undefined })[]
  schedules: readonly RetentionSchedule[]
  /** When backups were made, of each group at most once. */
  times: readonly BackupTimes[]
  /**
   * When these began by the catalog's clock, by their ids: the clock of the machine that made them was
   * behind.
   */
  begun: ReadonlyMap<string, Date>
  now: Date
  /**
   * Until when each of these stays, by their ids: somebody was told that it will go, and may still object.
   * When that was told it needed no word, and it needs none since; a notice never stands in for a word.
   */
  waiting?: ReadonlyMap<string, Date> | undefined
}

/**
 * Backups that are looked at together: those of one source, or those of a project and type that have none.
 */
interface Group extends Making {
  policies: readonly KeepPolicy[]
  /** Since when its policies are what they are; undefined where that is not known. */
  since: Date | undefined
  isOfSource: boolean
}

/** Of fewer backups than this, more than half may go at once without a confirmation. */
const FEWEST_THAT_NEED_A_WORD = 3
/** The most by which two right clocks differ, in ms. */
export const CLOCKS_DIFFER_MS = 300_000

/**
 * Decides over each complete backup. It stays if it is pinned, or any policy of its group keeps it: those of
 * the source's schedules, also of removed ones, and that of the project and type. Without any policy, and for
 * a backup whose expiry was chosen, `expires_at` decides. Then come the guards: the last good one of a
 * project and type stays, and of a source; nothing goes while backups have stopped, as far as their schedules
 * or their habit tell, nor more than half of a group at once without a word. No word is needed for what was
 * made under the rules that let it go: then retention only comes late, and would be held up for good.
 */
export function decideRetention(facts: RetentionFacts): RetentionDecision[] {
  const { backups, now, waiting, begun } = facts
  const asTheyAre = backups.filter(({ state }) => state === 'complete')
  const complete = asTheyAre.map(backup => asBegun(backup, begun.get(backup.id)))
  const present = complete.filter(backup => !isAhead(backup, now))
  const lastOfAll = new Set(
    [...Map.groupBy(newestFirst(present), ({ project_id, type }) => `${project_id} ${type}`).values()].map(
      ranked => lastGood(ranked)?.id,
    ),
  )
  const decided = new Map<string, RetentionDecision>()
  for (const members of Map.groupBy(newestFirst(complete), groupKey).values()) {
    for (const decision of decideGroup(groupOf(members, facts), { lastOfAll, now, waiting })) {
      decided.set(decision.backup.id, decision)
    }
  }
  return asTheyAre.flatMap(backup => {
    const decision = decided.get(backup.id)
    return decision === undefined ? [] : { ...decision, backup }
  })
}

/**
 * As if the clock of its maker had not been behind: it is no older than the catalog knows, and lives as long.
 */
function asBegun(backup: Backup, begun: Date | undefined): Backup {
  const { created_at, expires_at, expiry_given } = backup
  if (begun === undefined || begun <= created_at) return backup
  const behindMs = begun.getTime() - created_at.getTime()
  const later = expiry_given ? expires_at : new Date(expires_at.getTime() + behindMs)
  return { ...backup, created_at: begun, expires_at: later }
}

function groupKey({ project_id, type, source_name }: Backup): string {
  return JSON.stringify([project_id, type, source_name])
}

/** Its maker's clock was ahead, by more than clocks differ. */
function isAhead({ created_at }: Backup, now: Date): boolean {
  return created_at.getTime() > now.getTime() + CLOCKS_DIFFER_MS
}

function groupOf(
  members: Ranked,
  of: Pick<RetentionFacts, 'policies' | 'schedules' | 'times' | 'now'>,
): Group {
  const member = members[0]
  const ofSameKind = (other: { project_id: string; type: BackupType }): boolean =>
    other.project_id === member?.project_id && other.type === member.type
  const schedules = of.schedules.filter(
    schedule => ofSameKind(schedule) && schedule.source === member?.source_name,
  )
  const enabled = schedules.filter(schedule => schedule.enabled)
  // A policy without rules counts for the time as well: it may have kept something until then.
  const policies = of.policies.filter(
    policy => ofSameKind(policy) && (policy.source === undefined || policy.source === member?.source_name),
  )
  const rules = [...policies, ...schedules]
  return {
    ranked: members.filter(backup => !isAhead(backup, of.now)),
    // They take no place of another one, nor are they the newest.
    ahead: members.filter(backup => isAhead(backup, of.now)),
    times:
      of.times.find(times => ofSameKind(times) && times.source_name === (member?.source_name ?? null))
        ?.times ?? [],
    policies: rules.map(({ keep }) => keep).filter(keep => keep !== null),
    since: rules.some(({ updated_at }) => updated_at === undefined)
      ? undefined
      : new Date(Math.max(0, ...rules.map(({ updated_at }) => updated_at?.getTime() ?? 0))),
    // A source that was switched off has stopped as well.
    intervalsMs: (enabled.length > 0 ? enabled : schedules).map(({ intervalMs }) => intervalMs),
    isOfSource: member?.source_name != null,
  }
}

function decideGroup(
  group: Group,
  of: { lastOfAll: ReadonlySet<string | undefined> } & Pick<RetentionFacts, 'now' | 'waiting'>,
): RetentionDecision[] {
  const { lastOfAll, now, waiting } = of
  const kept = keptOf(group, now)
  const last = lastGood(group.ranked)
  const hasPolicy = group.policies.length > 0
  const decisions = group.ranked.map((backup): Made => {
    const reasons = kept.get(backup.id)
    if (reasons !== undefined) return decide(backup, 'keep', reasons.join(', '))
    const why = reasonToGo(backup, group)
    const place = lastOfAll.has(backup.id)
      ? 'its project and type'
      : backup === last && !backup.expiry_given
        ? group.isOfSource
          ? 'its source'
          : 'those without a source'
        : undefined
    if (place === undefined) return decide(backup, 'erase', why)
    return guarded(backup, 'keep', `${why}, but it is the last good one of ${place}`)
  })
  const settled = holdBack(decisions, group, { now, waiting }).map(made => {
    const until = waiting?.get(made.backup.id)
    if (made.decision !== 'erase' || until === undefined || until <= now) return made
    return guarded(made.backup, 'held', `${made.reason}; it goes after ${until.toISOString().slice(0, 16)}Z`)
  })
  return [...group.ahead.map(decideAhead), ...settled].map(made => ({ ...made, hasPolicy }))
}

/** Nobody knows when it was made; a person may look, and erase it. */
function decideAhead(backup: Backup): Made {
  if (backup.pinned_at !== null) return decide(backup, 'keep', 'pinned')
  return guarded(backup, 'held', 'made later than now: a clock was ahead, or is behind now')
}

/** Everything that something keeps, each with its reasons. */
function keptOf({ ranked, policies }: Group, now: Date): Kept {
  const kept: Kept = new Map()
  const unexpired = (backup: Backup): void => {
    if (backup.expires_at > now) note(kept, backup, `expires ${day(backup.expires_at)}`)
  }
  for (const backup of ranked) {
    if (backup.pinned_at !== null) note(kept, backup, 'pinned')
    if (backup.expiry_given) unexpired(backup)
  }
  const others = ranked.filter(({ expiry_given }) => !expiry_given)
  if (policies.length === 0) others.forEach(unexpired)
  for (const keep of policies) {
    if (hasRules(keep)) merge(kept, keptByRules(keep, others, now))
    else if (keep.minimum !== undefined) others.forEach(unexpired)
    else for (const backup of others) note(kept, backup, 'the policy keeps all')
    merge(kept, keptByMinimum(keep, ranked))
  }
  return kept
}

function merge(kept: Kept, more: Kept): void {
  for (const [id, reasons] of more) {
    const known = kept.get(id) ?? []
    kept.set(id, [...known, ...reasons.filter(reason => !known.includes(reason))])
  }
}

function reasonToGo({ expiry_given, expires_at }: Backup, { policies }: Group): string {
  return expiry_given || !policies.some(hasRules) ? `expired ${day(expires_at)}` : 'no rule keeps it'
}

function day(time: Date): string {
  return time.toISOString().slice(0, 10)
}

/** The guards that hold back all of a group that would go. */
function holdBack(
  decisions: Made[],
  group: Group,
  { now, waiting }: Pick<RetentionFacts, 'now' | 'waiting'>,
): Made[] {
  const atOnce = holdTooMany(decisions, group, waiting)
  const stopped = whyStopped(group, now)
  if (stopped === undefined) return atOnce
  return decisions.map((made, index) => {
    const { backup, decision, reason } = made
    if (decision !== 'erase') return made
    // A date that somebody chose is no guess.
    if (stopped.isGuess && backup.expiry_given) return atOnce[index] ?? made
    return guarded(backup, 'held', `${reason}; ${stopped.why}`)
  })
}

/** More than half at once want a word. */
function holdTooMany(decisions: Made[], group: Group, waiting: RetentionFacts['waiting']): Made[] {
  const isGoing = ({ decision }: Made): boolean => decision === 'erase'
  // As if those that only wait for their time had gone already: they do not make it more at once.
  const needsNone = ({ backup }: Made): boolean =>
    isRoutine(backup, group) || (waiting?.has(backup.id) ?? false)
  const settled = new Set(decisions.filter(made => isGoing(made) && needsNone(made)))
  const counted = decisions.filter(made => !settled.has(made))
  const [going, all] = [counted.filter(isGoing).length, counted.length]
  if (all < FEWEST_THAT_NEED_A_WORD || going * 2 <= all) return decisions
  const words = `not erased: this would remove ${going} of ${all}; ${hint`confirm with ${run('expire', { yes: true })}`}`
  const wordsWithWord = `${going} of ${all} go at once, as was agreed to`
  return decisions.map(made =>
    isGoing(made) && !settled.has(made)
      ? {
          ...guarded(made.backup, 'held', `${made.reason}; ${words}`),
          needsWord: true,
          reasonWithWord: `${made.reason}; ${wordsWithWord}`,
        }
      : made,
  )
}

/** Made under the rules that let it go, by what came after it and not by the clock. */
function isRoutine(backup: Backup, { policies, since }: Group): boolean {
  return (
    since !== undefined &&
    backup.created_at > since &&
    !backup.expiry_given &&
    policies.length > 0 &&
    policies.every(keep => hasRules(keep) && keep.within_ms === undefined)
  )
}

function decide(backup: Backup, decision: 'erase' | 'keep', reason: string): Made {
  return { backup, decision, reason, isGuarded: false, needsWord: false }
}

function guarded(backup: Backup, decision: 'keep' | 'held', reason: string): Made {
  return { backup, decision, reason, isGuarded: true, needsWord: false }
}
