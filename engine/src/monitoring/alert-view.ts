import type { RecordedAlert } from '@telegram-backup/database'
import { CONDITION_KINDS } from '#config/condition-kinds.ts'
import { problemText } from '#monitoring/condition-texts.ts'
import type { Condition } from '#monitoring/conditions.ts'
import { conditionOfAlert } from '#monitoring/watch-facts.ts'

/** An alert as the command line and the HTTP API show it. */
export interface AlertView {
  id: string
  /** One of `CONDITION_KINDS`; a later version may know more. */
  kind: string
  state: 'open' | 'ended'
  project_id: string | null
  /** Of the backups. */
  type: string | null
  source: string | null
  /** One or two sentences. */
  text: string
  details: Condition['details']
  since: Date
  ended_at: Date | null
  /** When a notice was first sent. */
  told_at: Date | null
  /** Null if it is not muted now. */
  muted_until: Date | null
  /** Only where places are shown: it names a user and a machine. */
  muted_by?: string | null
}

const KINDS: ReadonlySet<string> = new Set(CONDITION_KINDS)

/** Their details name machines, paths and addresses. */
const KINDS_WITH_PLACES: ReadonlySet<string> = new Set([
  'chat_unreachable',
  'chat_not_ours',
  'config_unusable',
  'certificate_unusable',
])
const HIDDEN: Condition['details'] = {
  host: 'one machine',
  message: 'a key with the scope admin sees the reason',
}

/**
 * @param options.showPlaces whether to show names of machines and users, paths and addresses
 * @param options.now the time for `muted_until`
 */
export function alertView(
  alert: RecordedAlert,
  { showPlaces, now = new Date() }: { showPlaces: boolean; now?: Date },
): AlertView {
  const { id, kind, since, ended_at, told_at, muted_by } = alert
  const { project, type, source, details } = conditionOfAlert(kind, alert.details)
  const shown = showPlaces || !KINDS_WITH_PLACES.has(kind) ? details : withoutPlaces(details)
  const condition = { kind: kind as Condition['kind'], project, type, source, details: shown }
  const isMuted = alert.muted_until !== null && alert.muted_until > now
  return {
    id,
    kind,
    state: ended_at === null ? 'open' : 'ended',
    project_id: project,
    type,
    source,
    text: KINDS.has(kind) ? problemText(condition) : kind,
    details: shown,
    since,
    ended_at,
    told_at,
    muted_until: isMuted ? alert.muted_until : null,
    ...(showPlaces && { muted_by: isMuted ? muted_by : null }),
  }
}

function withoutPlaces({ hint: _, ...details }: Condition['details']): Condition['details'] {
  return Object.fromEntries(Object.entries(details).map(([name, value]) => [name, HIDDEN[name] ?? value]))
}
