import type {
  Alert,
  BackupType,
  DeclaredSource,
  DrillUnit,
  ProofFacts,
  Schedule,
  SourceFacts,
} from '@telegram-backup/database'
import {
  type Condition,
  isSentByHand,
  overdueAfterMs,
  type WatchFacts,
  type WatchRules,
} from '#monitoring/conditions.ts'
import { drillFindings, type Proof, proofOf } from '#monitoring/source-proof.ts'
import {
  type AlertTimes,
  alertTimes,
  type Finding,
  findingOf,
  OVERVIEW_STATES,
  type OverviewState,
  worstOf,
} from '#monitoring/state-findings.ts'
import { restoreSecondsOf } from '#proof/restore-time.ts'
import { formatSpan } from '#units/human-units.ts'

/** One source now, or all backups of a project and type that belong to no source. */
export interface SourceState {
  /** Null for backups that were sent by hand. */
  source: string | null
  /** Null while its file cannot be read. */
  project_id: string | null
  type: BackupType | null
  state: OverviewState
  findings: Finding[]
  last_good: { id: string; created_at: Date } | null
  /** After how many milliseconds without a good backup it is broken; null: never. */
  limit_ms: number | null
  next_run_at: Date | null
  proof: Proof
  /** From the last good drills; null without any that was measured. */
  restore_seconds: number | null
  sizes: { at: Date; size: number }[]
}

/** What the states are derived from, all of one moment. */
export interface StateFacts extends WatchFacts {
  proofs: readonly ProofFacts[]
  schedules: readonly Schedule[]
  /** The open alerts, which know since when a problem exists. */
  alerts: readonly Alert[]
  /** What the configuration files name. */
  declared: readonly DeclaredSource[]
}

type Place = Pick<SourceState, 'source' | 'project_id' | 'type'>

interface Own {
  place: Place
  source: SourceFacts | undefined
  proof: ProofFacts | undefined
  drills: readonly DrillUnit[]
  schedules: readonly Schedule[]
  conditions: readonly Condition[]
  declared: readonly DeclaredSource[]
}

/**
 * The state of each source that a file, a schedule or a complete backup names, from what exists now. The
 * worst come first.
 * @param conditions as `findConditions` finds them
 */
export function sourceStates(
  facts: StateFacts,
  rules: WatchRules,
  conditions: readonly Condition[],
): SourceState[] {
  const sources = new Map(facts.sources.map(source => [keyOf(placeOf(source)), source]))
  const proofs = new Map(facts.proofs.map(proof => [keyOf(placeOf(proof)), proof]))
  const drills = Map.groupBy(facts.drills, unit => keyOf(placeOf(unit)))
  const schedules = Map.groupBy(facts.schedules, keyOf)
  const alerts = alertTimes(facts.alerts)
  const found = Map.groupBy(conditions, ({ source, project, type }) =>
    JSON.stringify([source, project, type]),
  )
  const declared = Map.groupBy(facts.declared, ({ name }) => name)
  const states = placesOf(facts).flatMap(place => {
    const key = keyOf(place)
    const own: Own = {
      place,
      source: sources.get(key),
      proof: proofs.get(key),
      drills: drills.get(key) ?? [],
      schedules: schedules.get(key) ?? [],
      conditions: [...(found.get(key) ?? []), ...ofTheName(found, place)],
      declared: (declared.get(place.source ?? '') ?? []).filter(one => mayBeAt(one, place)),
    }
    const isGone =
      own.declared.length === 0 && own.schedules.length === 0 && (own.source?.complete_count ?? 0) === 0
    return isGone ? [] : [stateOf(own, { facts, rules, alerts })]
  })
  return states.sort((a, b) => OVERVIEW_STATES.indexOf(b.state) - OVERVIEW_STATES.indexOf(a.state))
}

function placesOf({ sources, declared }: StateFacts): Place[] {
  const places = new Map(sources.map(source => [keyOf(placeOf(source)), placeOf(source)]))
  const names = new Set(sources.map(({ source_name }) => source_name))
  for (const { name, project_id, type } of declared) {
    const isPlaceKnown = project_id !== null && type !== null
    const place = { source: name, project_id, type }
    if (isPlaceKnown ? !places.has(keyOf(place)) : !names.has(name)) places.set(keyOf(place), place)
  }
  return [...places.values()]
}

function placeOf(of: Pick<SourceFacts, 'source_name' | 'project_id' | 'type'>): Place {
  return { source: of.source_name, project_id: of.project_id, type: of.type }
}

function keyOf({ source, project_id, type }: Place): string {
  return JSON.stringify([source, project_id, type])
}

/** Conditions that name a source without its project. */
function ofTheName(found: ReadonlyMap<string, Condition[]>, { source, project_id }: Place): Condition[] {
  if (source === null || project_id === null) return []
  return found.get(keyOf({ source, project_id: null, type: null })) ?? []
}

function mayBeAt({ project_id, type }: DeclaredSource, place: Place): boolean {
  return project_id === null || type === null || (project_id === place.project_id && type === place.type)
}

function stateOf(
  own: Own,
  { facts, rules, alerts }: { facts: StateFacts; rules: WatchRules; alerts: AlertTimes },
): SourceState {
  const { place, proof, schedules } = own
  const limit_ms = limitOf(own, facts, rules)
  const last_good = proof?.last_good ?? null
  const findings = [
    ...lackOf(own, { limit_ms, now: facts.now }),
    ...own.conditions.map(condition => findingOf(condition, alerts)),
    ...drillFindings(proof),
    ...configurationOf(own),
  ]
  const next = schedules.flatMap(({ enabled, next_run_at: at }) =>
    enabled && at !== null ? [at.getTime()] : [],
  )
  return {
    ...place,
    state: worstOf(findings.map(({ state }) => state)),
    findings: findings.filter(isFirstOfItsCode),
    last_good,
    limit_ms,
    next_run_at: next.length === 0 ? null : new Date(Math.min(...next)),
    proof: proofOf(proof),
    restore_seconds: restoreSecondsOf(own.drills),
    sizes: proof?.sizes ?? [],
  }
}

function isFirstOfItsCode({ reason }: Finding, index: number, all: readonly Finding[]): boolean {
  return all.findIndex(other => other.reason.code === reason.code) === index
}

function limitOf({ place, source }: Own, facts: StateFacts, rules: WatchRules): number | null {
  const { source: name, project_id, type } = place
  if (name === null) return null
  if (project_id !== null && type !== null) {
    if (isSentByHand({ source_name: name, project_id, type }, facts, rules)) return null
  }
  return overdueAfterMs(name, source?.is_scheduled ?? false, facts, rules)
}

/** Nothing good to restore, or nothing new enough. */
function lackOf(
  { source, proof }: Own,
  { limit_ms, now }: { limit_ms: number | null; now: number },
): Finding[] {
  const good = proof?.last_good ?? null
  if (good === null) {
    return [{ state: 'broken', reason: { code: 'no_backup', text: noBackupText(source), since: null } }]
  }
  const ageMs = now - good.created_at.getTime()
  if (limit_ms === null || ageMs <= limit_ms) return []
  const text = `The newest good backup is ${formatSpan(Math.round(ageMs / 1000))} old; the limit is ${formatSpan(limit_ms / 1000)}`
  const since = new Date(good.created_at.getTime() + limit_ms)
  return [{ state: 'broken', reason: { code: 'backup_overdue', text, since } }]
}

function noBackupText(source: SourceFacts | undefined): string {
  if (source === undefined || source.complete_count === 0) return 'There is no complete backup'
  if (source.damaged_count === 0) return 'There is no complete run with a backup of each member'
  return source.complete_count === 1
    ? 'Its only backup is damaged'
    : 'There is no complete backup without damage'
}

/** A source that nobody names any more is no problem: somebody removed it, and its backups stay. */
function configurationOf({ place, declared, schedules }: Own): Finding[] {
  if (place.source === null) return []
  if (declared.length === 0 && schedules.length === 0) {
    const text = 'No configuration file and no schedule names it any more; its backups stay'
    return [{ state: 'ok', reason: { code: 'not_configured', text, since: null } }]
  }
  if (declared.length === 0 || declared.some(({ is_usable }) => is_usable)) return []
  const text = 'Its settings in telegram-backup.yaml cannot be used, so no backup can be made'
  return [{ state: 'attention', reason: { code: 'source_unusable', text, since: null } }]
}
