import type { BackupType, Database } from '@telegram-backup/database'
import { type JobView, jobView } from '#jobs/job-view.ts'
import { type AlertView, alertView } from '#monitoring/alert-view.ts'
import type { BucketState } from '#monitoring/bucket-states.ts'
import { type OverviewFacts, type OwnMachine, readOverviewFacts } from '#monitoring/overview-facts.ts'
import { overviewSentence } from '#monitoring/overview-words.ts'
import type { Proof } from '#monitoring/source-proof.ts'
import type { SourceState } from '#monitoring/source-states.ts'
import { type Finding, type OverviewState, type StateReason, worstOf } from '#monitoring/state-findings.ts'

export { PROOF_DEPTHS } from '#monitoring/source-proof.ts'
export { OVERVIEW_STATES, type OverviewState, type StateReason } from '#monitoring/state-findings.ts'

/** Whether everything can be restored, as of now. `status --json` and `GET /overview` show exactly this. */
export type Overview = {
  /** The worst of all sources, buckets and reasons. */
  state: OverviewState
  /** For people: what to know first. */
  sentence: string
  as_of: Date
  /** What concerns no single source, such as a chat that cannot be reached. */
  reasons: StateReason[]
  sources: SourceOverview[]
  buckets: BucketState[]
  /** The open ones. */
  alerts: AlertView[]
  /** The jobs that a process works on. */
  running: JobView[]
}

export type SourceOverview = {
  /** Null for backups of a project and type that were sent without the name of a source. */
  source: string | null
  /** Null while the file that names the source cannot be read. */
  project_id: string | null
  type: BackupType | null
  state: OverviewState
  reasons: StateReason[]
  /** The newest complete backup that is not known to be damaged. */
  last_good: { id: string; created_at: Date } | null
  /** Without a good backup for so long, the source is broken. Null: never. */
  limit_hours: number | null
  next_run_at: Date | null
  proof: Proof
  /** Null without a drill to measure. */
  restore_estimate_seconds: number | null
  /** Plain bytes of the newest backups, oldest first; 30 at most. */
  sizes: { at: Date; size: number }[]
}

/** Who asks. */
export interface OverviewViewer {
  /** Only this project; undefined for all. */
  projectId?: string | undefined
  /** May learn the names of machines and servers. */
  isAdmin: boolean
}

/** Throws what the catalog throws. */
export async function overview(
  database: Database,
  viewer: OverviewViewer,
  own: OwnMachine,
): Promise<Overview> {
  return overviewFor(await readOverviewFacts(database, own), viewer)
}

/** Nobody sees an older overview, however many ask. */
const OLDEST_MS = 1_000

/** The overview as a viewer may see it; a second old at most. */
export type Overviews = (viewer: OverviewViewer) => Promise<Overview>

/** The overview for many viewers, who share one reading of the catalog a second. */
export function openOverviews(database: Database, own: () => OwnMachine): Overviews {
  let last: { facts: Promise<OverviewFacts>; begunAt: number; isRead: boolean } | undefined
  const read = (): NonNullable<typeof last> => {
    const reading = { facts: readOverviewFacts(database, own()), begunAt: performance.now(), isRead: false }
    reading.facts.then(
      () => {
        reading.isRead = true
      },
      () => {
        if (last === reading) last = undefined
      },
    )
    return reading
  }
  return async viewer => {
    if (last === undefined || (last.isRead && performance.now() - last.begunAt > OLDEST_MS)) last = read()
    return overviewFor(await last.facts, viewer)
  }
}

/** The part of it that this viewer may see; its state and its sentence are of that part. */
export function overviewFor(facts: OverviewFacts, viewer: OverviewViewer): Overview {
  const { projectId, isAdmin } = viewer
  const isSeen = (project: string | null): boolean => projectId === undefined || project === projectId
  const sources = facts.sources.filter(({ project_id }) => isSeen(project_id))
  const buckets = facts.buckets.filter(({ project_id }) => isSeen(project_id))
  const general = facts.general.filter(
    ({ reason }) => projectId === undefined || CONCERNS_ALL.has(reason.code),
  )
  const reasons = general.map(finding => reasonFor(finding, isAdmin))
  return {
    state:
      sources.length + buckets.length === 0
        ? 'broken'
        : worstOf([...sources, ...buckets, ...general].map(({ state }) => state)),
    sentence: overviewSentence({ sources, buckets, general }, facts.at),
    as_of: facts.at,
    reasons,
    sources: sources.map(source => sourceOverview(source, isAdmin)),
    buckets,
    alerts: facts.watched.alerts
      .map(alert => alertView({ ...alert, ended_at: null }, { showPlaces: isAdmin, now: facts.at }))
      .filter(({ project_id }) => isSeen(project_id)),
    running: facts.running.filter(({ project_id }) => isSeen(project_id)).map(jobView),
  }
}

/** What stops the backups of every project. */
const CONCERNS_ALL: ReadonlySet<string> = new Set(['chat_unreachable', 'chat_not_ours'])

function reasonFor({ reason, publicText }: Finding, isAdmin: boolean): StateReason {
  return isAdmin || publicText === undefined ? reason : { ...reason, text: publicText }
}

function sourceOverview(of: SourceState, isAdmin: boolean): SourceOverview {
  const { findings, limit_ms, ...source } = of
  return {
    source: source.source,
    project_id: source.project_id,
    type: source.type,
    state: source.state,
    reasons: findings.map(finding => reasonFor(finding, isAdmin)),
    last_good: source.last_good,
    limit_hours: limit_ms === null ? null : Math.round(limit_ms / 3.6) / 1_000_000,
    next_run_at: source.next_run_at,
    proof: source.proof,
    restore_estimate_seconds: source.restore_seconds,
    sizes: source.sizes,
  }
}
