import {
  type Alert,
  catalogClock,
  type Database,
  inSnapshot,
  type Job,
  jobsAtWork,
  proofFacts,
} from '@telegram-backup/database'
import type { DescribedError } from '@telegram-backup/errors'
import type { ConfigFile } from '#config/config-file.ts'
import { readNotificationSettings } from '#config/notification-settings.ts'
import type { Config } from '#environment.ts'
import { type BucketState, readBucketStates } from '#monitoring/bucket-states.ts'
import { type Condition, type FileFault, findConditions, type WatchFacts } from '#monitoring/conditions.ts'
import { allDeclared, declaredRules, declaredSources } from '#monitoring/declared-places.ts'
import { type SourceState, sourceStates } from '#monitoring/source-states.ts'
import { alertTimes, type Finding, findingOf } from '#monitoring/state-findings.ts'
import {
  conditionOfAlert,
  explained,
  type GatheredFacts,
  gatherFacts,
  scheduleInterval,
} from '#monitoring/watch-facts.ts'
import { recoveryKeyInUse } from '#recovery-key.ts'

/** What this machine knows besides the catalog. */
export interface OwnMachine {
  config: Config
  /** Its telegram-backup.yaml; undefined while that cannot be used. */
  configFile:
    | Pick<ConfigFile, 'sourceNames' | 'source' | 'projectOf' | 'notifications' | 'verification'>
    | undefined
  /** Why the present file cannot be used. */
  fault?: DescribedError | undefined
  /** Default: the clock of the catalog. */
  clock?: (() => Date) | undefined
}

/** Everything of one moment. */
export interface OverviewFacts {
  at: Date
  sources: SourceState[]
  buckets: BucketState[]
  /** What concerns no single source. */
  general: Finding[]
  /** Jobs that a process works on; not those of one that is gone. */
  running: readonly Job[]
  /** What all of it was derived from. */
  watched: GatheredFacts
}

/** More jobs do not run at the same time in one installation. */
const MOST_RUNNING = 500
/** What the processes look at themselves, such as the chat, is known for so long after they last saw it. */
const FRESH_MS = 2 * 60_000

/** Reads the catalog in one snapshot. Throws what the catalog throws. */
export async function readOverviewFacts(database: Database, own: OwnMachine): Promise<OverviewFacts> {
  const settings = notificationsOf(own)
  const key = await recoveryKeyFinding(own)
  return await inSnapshot(database, async snapshot => {
    const at = own.clock?.() ?? (await catalogClock(snapshot))
    const watched = await gatherFacts(snapshot, scheduleInterval)
    const proofs = await proofFacts(snapshot)
    const running = await jobsAtWork(snapshot, { limit: MOST_RUNNING })
    const ownSources = own.configFile === undefined ? [] : declaredSources(own.configFile, own.config)
    const declared = allDeclared(watched.services, ownSources)
    const facts = {
      ...watched,
      ...seenByServices(watched.alerts, at),
      notices: watched.notices.filter(({ channel }) =>
        watched.alerts.some(alert => alert.key === `notices_waiting:${channel}` && isFresh(alert, at)),
      ),
      now: at.getTime(),
      watchedSince: at.getTime(),
      proofs,
      declared,
    }
    const rules = { ...settings, ...declaredRules(declared), patienceMs: 0 }
    const conditions = await explained(snapshot, findConditions(facts, rules))
    const alerts = alertTimes(watched.alerts)
    const buckets = await readBucketStates(snapshot, { now: at.getTime(), alerts })
    const general = conditions
      .filter(isGeneral)
      .map(condition => withoutPlaces(condition, findingOf(condition, alerts)))
    return {
      at,
      sources: sourceStates(facts, rules, conditions),
      buckets,
      general: [...general, ...ownFault(own, general), ...withoutService(watched), ...key],
      running,
      watched,
    }
  })
}

function isGeneral({ project, source }: Condition): boolean {
  return project === null && source === null
}

function notificationsOf({ configFile }: OwnMachine) {
  try {
    if (configFile !== undefined) return configFile.notifications()
  } catch {
    // The check of the file reports it.
  }
  return readNotificationSettings({})
}

function isFresh({ seen_at }: Alert, at: Date): boolean {
  return at.getTime() - seen_at.getTime() < FRESH_MS
}

/** What only a service can see, as the alerts that it holds open say. */
function seenByServices(alerts: readonly Alert[], at: Date): Pick<WatchFacts, 'chatTrouble' | 'fileFaults'> {
  const fresh = alerts.filter(alert => isFresh(alert, at))
  const chat = fresh.find(({ kind }) => kind === 'chat_unreachable' || kind === 'chat_not_ours')
  return {
    chatTrouble: chat === undefined ? null : chatTroubleOf(chat),
    fileFaults: fresh.flatMap(({ kind, details }) =>
      kind === 'config_unusable' || kind === 'certificate_unusable' ? [fileFaultOf(kind, details)] : [],
    ),
  }
}

function chatTroubleOf({ kind, details, since }: Alert): NonNullable<WatchFacts['chatTrouble']> {
  const { code, message, hint } = conditionOfAlert(kind, details).details
  return {
    since: since.getTime(),
    forMs: Number.POSITIVE_INFINITY,
    isNotOurs: kind === 'chat_not_ours',
    code: String(code),
    message: String(message),
    hint: hint == null ? undefined : String(hint),
  }
}

function fileFaultOf(kind: FileFault['kind'], of: Alert['details']): FileFault {
  const { host, code, message } = conditionOfAlert(kind, of).details
  return { kind, host: String(host), code: String(code), message: String(message) }
}

/** Names of machines, and messages that may hold paths, are for administrators. */
function withoutPlaces(condition: Condition, finding: Finding): Finding {
  const publicText = PUBLIC_TEXTS[condition.kind]
  return publicText === undefined ? finding : { ...finding, publicText }
}

const PUBLIC_TEXTS: Partial<Record<Condition['kind'], string>> = {
  chat_unreachable: 'The chat cannot be reached. Nothing can be backed up or restored meanwhile.',
  chat_not_ours: 'The chat does not belong to this catalog. Nothing is backed up any more.',
  config_unusable: 'The configuration file of a machine cannot be used',
  certificate_unusable: 'The new certificate of a machine cannot be used',
}

/** The file of this machine, unless a service here has reported it. */
function ownFault({ fault }: OwnMachine, known: readonly Finding[]): Finding[] {
  const code = 'config_unusable'
  if (fault === undefined || known.some(({ reason }) => reason.code === code)) return []
  const text = `The configuration file of this machine cannot be used: ${fault.message}`
  const publicText = PUBLIC_TEXTS.config_unusable
  return [{ state: 'attention', reason: { code, text, since: null }, ...(publicText && { publicText }) }]
}

/** Schedules are there, and no process that runs them. */
function withoutService({ schedules, services }: GatheredFacts): Finding[] {
  if (!schedules.some(({ enabled }) => enabled) || services.some(({ is_alive }) => is_alive)) return []
  const text = 'No serve runs, so the schedules make no backups'
  return [{ state: 'attention', reason: { code: 'no_service', text, since: null } }]
}

async function recoveryKeyFinding({ config }: OwnMachine): Promise<Finding[]> {
  const key = await recoveryKeyInUse(config).catch(() => undefined)
  if (key?.confirmed_at !== null) return []
  const text = 'Nobody has confirmed that the recovery key is stored outside of this machine'
  return [{ state: 'attention', reason: { code: 'recovery_key_not_confirmed', text, since: null } }]
}
