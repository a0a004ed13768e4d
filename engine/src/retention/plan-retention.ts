import type { Backup, BackupTimes, BackupType, KeepPolicy, RetentionPolicy } from '@telegram-backup/database'
import { hint, run } from '@telegram-backup/errors'
import {
  asBegun,
  type Drilled,
  hasRules,
  type Kept,
  keptByMinimum,
  keptByRules,
  keptByTags,
  lastGood,
  lastProven,
  leavesTheRest,
  newestFirst,
  note,
  type Ranked,
} from '#retention/retention-rules.ts'
import { type Making, whyStopped } from '#retention/stopped-backups.ts'

export interface RetentionDecision {
  backup: Backup
  /** held: no rule keeps it, but it stays for now, because something looks wrong. */
  decision: 'erase' | 'keep' | 'held'
  /** For people. */
  reason: string
  /** Each rule that keeps it; of other decisions, the reason alone. */
  reasons?: readonly string[] | undefined
  /** It stays although it has expired or no rule keeps it. */
  isGuarded: boolean
  /** A held backup that is erased as soon as a person confirms. */
  needsWord: boolean
  reasonWithWord?: string
  /** Its group has a policy, so `expires_at` alone does not decide. */
  hasPolicy: boolean
}

type Made = Omit<RetentionDecision, 'hasPolicy'>

export interface RetentionSchedule {
  source: string
  project_id: string
  type: BackupType
  enabled: boolean
  keep: KeepPolicy | null
  /** When it was last changed; may be unknown. */
  updated_at?: Date | undefined
  /** The longest time between two of its runs, in ms; null when its times cannot be read. */
  intervalMs: number | null
}

export interface RetentionFacts {
  /** In every state, of every project. Decisions are made only for complete ones, in the given order. */
  backups: readonly Backup[]
  /** The policies of a project and type, and of single sources there. */
  policies: readonly (RetentionPolicy & { source?: string | undefined; updated_at?: Date | undefined })[]
  schedules: readonly RetentionSchedule[]
  /** When backups were made; each group at most once. */
  times: readonly BackupTimes[]
  /** By id, the beginning by the catalog's clock of backups whose machine's clock was behind. */
  begun: ReadonlyMap<string, Date>
  drilled?: Drilled | undefined
  now: Date
  /**
   * By id, until when announced backups stay, so that a person may still object. They needed no confirmation
   * when they were announced, and need none since; an announcement never replaces a confirmation.
   */
  waiting?: ReadonlyMap<string, Date> | undefined
}

/**
 * Backups that are decided together: of one source, or of one member of a source that consists of several, or
 * of a project and type without a source.
 */
interface Group extends Making {
  policies: readonly KeepPolicy[]
  /** When its policies last changed; undefined when that is not known. */
  since: Date | undefined
  isOfSource: boolean
}

/** Of fewer backups than this, more than half may go at once without a confirmation. */
const FEWEST_THAT_NEED_A_WORD = 3
/** The largest difference between two correct clocks, in ms. */
export const CLOCKS_DIFFER_MS = 300_000

/**
 * Decides about each complete backup. A backup stays if it is pinned, or if any policy of its group keeps it:
 * the policies of the source's schedules, also of removed ones, and of the project and type. Without a
 * policy, and for a backup with a chosen expiry, `expires_at` decides. Then guards apply: the last good
 * backup of a project and type stays, and of a source, and of each member of a cluster, and the last proven
 * one while a drill has found differences in a newer one; nothing is erased while backups have stopped, by
 * their schedules or their usual times; and more than half of a group at once needs a confirmation. Backups
 * that were made under the rules that now remove them need none: there, retention is only late.
 */
export function decideRetention(facts: RetentionFacts): RetentionDecision[] {
  const { backups, begun, now } = facts
  const asTheyAre = backups.filter(({ state }) => state === 'complete')
  const complete = asTheyAre.map(backup => asBegun(backup, begun.get(backup.id)))
  const present = complete.filter(backup => !isAhead(backup, now))
  const lastOfAll = new Set(
    [...Map.groupBy(newestFirst(present), sameThing).values()].map(ranked => lastGood(ranked)?.id),
  )
  const decided = new Map<string, RetentionDecision>()
  for (const members of Map.groupBy(newestFirst(complete), groupKey).values()) {
    for (const decision of decideGroup(groupOf(members, facts), { ...facts, lastOfAll })) {
      decided.set(decision.backup.id, decision)
    }
  }
  return asTheyAre.flatMap(backup => {
    const decision = decided.get(backup.id)
    return decision === undefined ? [] : { ...decision, backup }
  })
}

function groupKey({ project_id, type, source_name, member }: Backup): string {
  return JSON.stringify([project_id, type, source_name, member])
}

/** Backups that can stand in for each other, as the catalog sees it too (`IS_OF_THE_SAME`). */
function sameThing({ project_id, type, source_name, member }: Backup): string {
  return JSON.stringify([project_id, type, member, member === null ? null : source_name])
}

/** The clock of its machine was ahead, by more than correct clocks differ. */
function isAhead({ created_at }: Backup, now: Date): boolean {
  return created_at.getTime() > now.getTime() + CLOCKS_DIFFER_MS
}

function groupOf(
  members: Ranked,
  of: Pick<RetentionFacts, 'policies' | 'schedules' | 'times' | 'now'>,
): Group {
  const first = members[0]
  const ofSameKind = (other: { project_id: string; type: BackupType }): boolean =>
    other.project_id === first?.project_id && other.type === first.type
  const schedules = of.schedules.filter(
    schedule => ofSameKind(schedule) && schedule.source === first?.source_name,
  )
  const enabled = schedules.filter(schedule => schedule.enabled)
  // A policy without rules counts for `since`: it may have kept something until then.
  const policies = of.policies.filter(
    policy => ofSameKind(policy) && (policy.source === undefined || policy.source === first?.source_name),
  )
  const rules = [...policies, ...schedules]
  return {
    ranked: members.filter(backup => !isAhead(backup, of.now)),
    // They do not count as the newest, and take no other backup's place in a rule.
    ahead: members.filter(backup => isAhead(backup, of.now)),
    times:
      of.times.find(
        times =>
          ofSameKind(times) &&
          times.source_name === (first?.source_name ?? null) &&
          times.member === (first?.member ?? null),
      )?.times ?? [],
    policies: rules.map(({ keep }) => keep).filter(keep => keep !== null),
    since: rules.some(({ updated_at }) => updated_at === undefined)
      ? undefined
      : new Date(Math.max(0, ...rules.map(({ updated_at }) => updated_at?.getTime() ?? 0))),
    // A source whose schedules are all switched off has stopped as well.
    intervalsMs: (enabled.length > 0 ? enabled : schedules).map(({ intervalMs }) => intervalMs),
    isOfSource: first?.source_name != null,
  }
}

function decideGroup(
  group: Group,
  of: { lastOfAll: ReadonlySet<string | undefined> } & Pick<RetentionFacts, 'drilled' | 'now' | 'waiting'>,
): RetentionDecision[] {
  const { lastOfAll, drilled = new Map(), now, waiting } = of
  const kept = keptOf(group, now)
  const last = lastGood(group.ranked)
  const proven = lastProven(group.ranked, drilled)
  const hasPolicy = group.policies.length > 0
  const decisions = group.ranked.map((backup): Made => {
    const reasons = kept.get(backup.id)
    if (reasons !== undefined) return { ...decide(backup, 'keep', reasons.join(', ')), reasons }
    const why = reasonToGo(backup, group)
    const place = lastOfAll.has(backup.id)
      ? (backup.member ?? 'its project and type')
      : backup === last && !backup.expiry_given
        ? group.isOfSource
          ? 'its source'
          : 'those without a source'
        : undefined
    if (place === undefined && backup === proven && !backup.expiry_given)
      return guarded(
        backup,
        'keep',
        `${why}, but a drill has proven it, and found differences in a newer one`,
      )
    if (place === undefined) return decide(backup, 'erase', why)
    return guarded(backup, 'keep', `${why}, but it is the last good one of ${place}`)
  })
  const final = holdBack(decisions, group, { now, waiting }).map(made => {
    const until = waiting?.get(made.backup.id)
    if (made.decision !== 'erase' || until === undefined || until <= now) return made
    return guarded(made.backup, 'held', `${made.reason}; it goes after ${until.toISOString().slice(0, 16)}Z`)
  })
  return [...group.ahead.map(decideAhead), ...final].map(made => ({ ...made, hasPolicy }))
}

/** Its time is unknown; a person may erase it. */
function decideAhead(backup: Backup): Made {
  if (backup.pinned_at !== null) return decide(backup, 'keep', 'pinned')
  return guarded(backup, 'held', 'its time is in the future: a clock was ahead, or is behind now')
}

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
    else if (leavesTheRest(keep)) others.forEach(unexpired)
    else for (const backup of others) note(kept, backup, 'the policy keeps all')
    merge(kept, keptByMinimum(keep, ranked))
    merge(kept, keptByTags(keep, ranked))
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

/** The guards that apply to a whole group. */
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
    // A chosen date counts more than a guess.
    if (stopped.isGuess && backup.expiry_given) return atOnce[index] ?? made
    return guarded(backup, 'held', `${reason}; ${stopped.why}`)
  })
}

function holdTooMany(decisions: Made[], group: Group, waiting: RetentionFacts['waiting']): Made[] {
  const isGoing = ({ decision }: Made): boolean => decision === 'erase'
  // Announced backups count as if they were already gone.
  const needsNone = ({ backup }: Made): boolean =>
    isRoutine(backup, group) || (waiting?.has(backup.id) ?? false)
  const uncounted = new Set(decisions.filter(made => isGoing(made) && needsNone(made)))
  const counted = decisions.filter(made => !uncounted.has(made))
  const [going, all] = [counted.filter(isGoing).length, counted.length]
  if (all < FEWEST_THAT_NEED_A_WORD || going * 2 <= all) return decisions
  const words = `not erased: this would remove ${going} of ${all}; ${hint`confirm with ${run('expire', { yes: true })}`}`
  return decisions.map(made => {
    if (!isGoing(made) || uncounted.has(made)) return made
    const reasonWithWord = `${made.reason}; this removes ${going} of ${all}, as confirmed`
    return { ...guarded(made.backup, 'held', `${made.reason}; ${words}`), needsWord: true, reasonWithWord }
  })
}

/** It was made under the rules that now remove it, and newer backups decide, not the clock. */
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
