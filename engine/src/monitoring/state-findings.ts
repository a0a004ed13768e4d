import type { Alert } from '@telegram-backup/database'
import { problemText } from '#monitoring/condition-texts.ts'
import type { Condition } from '#monitoring/conditions.ts'

/** From best to worst. */
export const OVERVIEW_STATES = ['ok', 'attention', 'broken'] as const
export type OverviewState = (typeof OVERVIEW_STATES)[number]

/** Something to know about a source or about the whole. */
export type StateReason = {
  /** Stable: the kind of an alert, or a word that docs/status.md lists. */
  code: string
  /** For people. */
  text: string
  /** Null where nothing says it. */
  since: Date | null
}

/** A reason with the state that it means. */
export interface Finding {
  reason: StateReason
  state: OverviewState
  /** Instead of its text, for a key without the scope `admin`, which must not learn names of machines. */
  publicText?: string
}

export function worstOf(states: readonly OverviewState[]): OverviewState {
  return OVERVIEW_STATES[Math.max(0, ...states.map(state => OVERVIEW_STATES.indexOf(state)))] ?? 'ok'
}

/** By the key of each open alert, since when it is open. */
export type AlertTimes = ReadonlyMap<string, Date>

export function alertTimes(alerts: readonly Alert[]): AlertTimes {
  return new Map(alerts.map(({ key, since }) => [key, since]))
}

/** A condition as a reason. Only a source without a backup for too long is broken by it. */
export function findingOf(condition: Condition, alerts: AlertTimes): Finding {
  const { key, kind, details, newestAt } = condition
  const known = details['failed_at'] ?? details['switched_off_at'] ?? details['since'] ?? null
  return {
    state: kind === 'backup_overdue' ? 'broken' : 'attention',
    reason: {
      code: kind,
      text: problemText(condition),
      since: alerts.get(key) ?? newestAt ?? (known === null ? null : new Date(known)),
    },
  }
}
