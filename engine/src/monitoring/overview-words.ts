import type { BucketState } from '#monitoring/bucket-states.ts'
import type { SourceState } from '#monitoring/source-states.ts'
import type { Finding } from '#monitoring/state-findings.ts'
import { count, formatAge } from '#units/human-units.ts'

/** A sentence names so many sources at most. */
const NAMED = 3

/** All there is to say first, in one or a few sentences, for example as the head of a page. */
export function overviewSentence(
  {
    sources,
    buckets,
    general,
  }: { sources: readonly SourceState[]; buckets: readonly BucketState[]; general: readonly Finding[] },
  now: Date,
): string {
  const reasons = general
    .map(({ reason, publicText }) => publicText ?? reason.text)
    .map(text => (text.endsWith('.') ? text : `${text}.`))
  const ofBuckets = bucketWords(buckets, sources.length === 0)
  if (sources.length === 0) {
    const first = ofBuckets === '' ? 'Nothing is protected: there is no source and no backup.' : ofBuckets
    return [first, ...reasons].join(' ')
  }
  const lost = sources.filter(isLost)
  const late = sources.filter(source => source.state === 'broken' && !isLost(source))
  const uneasy = sources.filter(({ state }) => state === 'attention')
  const parts = [
    ...(lost.length === 0 ? [] : [`${ofAll(lost, sources)} cannot be restored: ${listed(lost)}.`]),
    ...(late.length === 0
      ? []
      : [
          `${ofAll(late, sources)} ${late.length === 1 ? 'has' : 'have'} no good backup within the limit: ${listed(late)}.`,
        ]),
    ...(lost.length + late.length === 0 ? [`${wholeOf(sources)} ${wellWords(sources, general)}.`] : []),
    ...(uneasy.length === 0
      ? []
      : [`${uneasy.length === 1 ? '1 needs' : `${uneasy.length} need`} a look: ${listed(uneasy)}.`]),
    ofBuckets,
    ...reasons,
    proofWords(
      sources.filter(source => !isLost(source)),
      now,
    ),
  ]
  return parts.filter(part => part !== '').join(' ')
}

/** `shop`, or `shop/database (by hand)` for backups without a source. */
export function nameOf({
  source,
  project_id,
  type,
}: Pick<SourceState, 'source' | 'project_id' | 'type'>): string {
  return source ?? `${project_id}/${type} (by hand)`
}

/** Nothing good is there, or the only proof says otherwise. */
function isLost({ findings }: SourceState): boolean {
  return findings.some(({ state, reason }) => state === 'broken' && reason.code !== 'backup_overdue')
}

/** What can be restored from a bucket, the program that fills it knows alone. */
function bucketWords(buckets: readonly BucketState[], isAll: boolean): string {
  const uneasy = buckets.filter(({ state }) => state !== 'ok')
  if (uneasy.length === 0) {
    if (!isAll || buckets.length === 0) return ''
    return buckets.length === 1
      ? 'The only bucket is in order.'
      : `All ${buckets.length} buckets are in order.`
  }
  const names = uneasy.slice(0, NAMED).map(({ name, reasons: [first] }) => {
    const words = first && SHORT_WORDS[first.code]
    return words === undefined ? name : `${name} (${words})`
  })
  const more = uneasy.length - names.length
  const which = `${names.join(', ')}${more === 0 ? '' : ` and ${more} more`}`
  return `${count(uneasy.length, 'bucket')} ${uneasy.length === 1 ? 'needs' : 'need'} a look: ${which}.`
}

function ofAll(some: readonly SourceState[], all: readonly SourceState[]): string {
  return all.length === 1 ? 'The only source' : `${some.length} of ${count(all.length, 'source')}`
}

/** While the chat is away nothing can be restored, however good the backups are. */
function wellWords(sources: readonly SourceState[], general: readonly Finding[]): string {
  const isAway = general.some(({ reason }) => reason.code === 'chat_unreachable')
  if (!isAway) return 'can be restored'
  return sources.length === 1 ? 'has a good backup' : 'have a good backup'
}

function wholeOf(sources: readonly SourceState[]): string {
  return sources.length === 1 ? 'The only source' : `All ${sources.length} sources`
}

function listed(sources: readonly SourceState[]): string {
  const names = sources.slice(0, NAMED).map(source => `${nameOf(source)}${whyOf(source)}`)
  const more = sources.length - names.length
  return `${names.join(', ')}${more === 0 ? '' : ` and ${more} more`}`
}

function whyOf({ state, findings }: SourceState): string {
  const worst = findings.find(finding => finding.state === state)
  const words = worst && SHORT_WORDS[worst.reason.code]
  return words === undefined ? '' : ` (${words})`
}

const SHORT_WORDS: Readonly<Record<string, string>> = {
  no_backup: 'no good backup',
  backup_overdue: 'the newest is too old',
  drill_differs: 'a restored copy differs from the source',
  drill_failed: 'the last drill failed',
  drill_overdue: 'not drilled in time',
  backup_failed: 'the last backup failed',
  backup_small: 'the newest backup is small',
  backup_damaged: 'damaged backups',
  backup_held_up: 'the backup does not succeed',
  schedule_off: 'its schedule is off',
  jobs_waiting: 'a job waits',
  source_unusable: 'its settings cannot be used',
  snapshot_overdue: 'no new snapshot',
  bucket_damaged: 'damaged objects',
  bucket_undeleting: 'being taken back to a moment',
}

function proofWords(sources: readonly SourceState[], now: Date): string {
  const proven = sources.flatMap(source =>
    source.proof.at !== null && source.proof.ok === true ? [{ source, at: source.proof.at }] : [],
  )
  const unproven = sources.filter(({ proof }) => proof.at === null)
  if (unproven.length > 0) return `No proof yet: ${namesOf(unproven)}.`
  const [oldest] = proven.sort((a, b) => a.at.getTime() - b.at.getTime())
  if (oldest === undefined) return ''
  return `Oldest proof: ${nameOf(oldest.source)}, ${agoWords(now.getTime() - oldest.at.getTime())}.`
}

/** Not counted below an hour: each change of the sentence is an event to all who follow the overview. */
function agoWords(ms: number): string {
  if (ms < JUST_NOW_MS) return 'just now'
  return ms < HOUR_MS ? 'minutes ago' : `${formatAge(ms)} ago`
}

const JUST_NOW_MS = 120_000
const HOUR_MS = 3_600_000

function namesOf(sources: readonly SourceState[]): string {
  const names = sources.slice(0, NAMED).map(nameOf)
  const more = sources.length - names.length
  return `${names.join(', ')}${more === 0 ? '' : ` and ${more} more`}`
}
