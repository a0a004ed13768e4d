import type { Overview, SourceOverview, StateReason } from '@telegram-backup/engine/operations/overview.ts'
import {
  formatAge,
  formatBytes,
  formatSeconds,
  formatSpan,
  NONE,
} from '@telegram-backup/engine/units/human-units.ts'
import { BUCKET_COLUMNS, bucketRow } from '#commands/bucket-report.ts'
import type { Output } from '#commands/output.ts'
import type { Cell, Column } from '#commands/terminal-table.ts'
import { linesOf, type Text } from '#commands/terminal-text.ts'

const COLUMNS: readonly Column[] = [
  { heading: 'STATE' },
  { heading: 'SOURCE', least: 8 },
  { heading: 'PROJECT', least: 7, leavesAs: 2 },
  { heading: 'NEWEST GOOD' },
  { heading: 'LIMIT', leavesAs: 5 },
  { heading: 'NEXT RUN', leavesAs: 4 },
  { heading: 'PROOF' },
  { heading: 'RESTORE', leavesAs: 3 },
  { heading: 'SIZE', leavesAs: 1 },
]

const STYLES = { ok: 'green', attention: 'yellow', broken: 'red' } as const

/** The sentence, a line for each source and each bucket, the reasons, then other alerts and running jobs. */
export function describeStatus(status: Overview, output: Output): Text {
  const { sources, buckets, sentence, state, as_of: now } = status
  const blocks: Text[] = [[{ text: sentence, style: STYLES[state] }]]
  if (sources.length + buckets.length === 0)
    blocks.push('To make a first backup: telegram-backup init, or see telegram-backup send --help.')
  if (sources.length > 0) {
    const rows = sources.map(source => rowOf(source, now))
    blocks.push(output.table(COLUMNS, rows))
  }
  if (buckets.length > 0) {
    const rows = buckets.map(bucket => bucketRow(bucket, now))
    blocks.push(output.table(BUCKET_COLUMNS, rows))
  }
  blocks.push(
    ...[reasonLines(status), alertLines(status), runningLines(status)]
      .filter(({ length }) => length > 0)
      .map(linesOf),
  )
  return blocks.flatMap((block, index) => [...(index === 0 ? [] : ['\n\n']), block].flat())
}

function rowOf(source: SourceOverview, now: Date): Cell[] {
  const { state, project_id, type, last_good, limit_hours, next_run_at, restore_estimate_seconds } = source
  return [
    { text: state, style: STYLES[state] },
    source.source ?? '(by hand)',
    `${project_id ?? NONE}${source.source === null ? `/${type}` : ''}`,
    last_good === null ? { text: 'none', style: 'red' } : ageOf(last_good.created_at, now),
    limit_hours === null ? NONE : formatSpan(limit_hours * 3600),
    next_run_at === null ? NONE : comingWords(next_run_at, now),
    proofCell(source.proof, now),
    restore_estimate_seconds === null ? NONE : formatSeconds(restore_estimate_seconds),
    sizeWords(source.sizes),
  ]
}

/** `3 h ago`. */
function ageOf(time: Date, now: Date): string {
  return `${formatAge(now.getTime() - time.getTime())} ago`
}

function comingWords(time: Date, now: Date): string {
  const ms = time.getTime() - now.getTime()
  return ms < 0 ? `due ${formatAge(-ms)} ago` : `in ${formatAge(ms)}`
}

function proofCell({ depth, at, ok }: SourceOverview['proof'], now: Date): Cell {
  if (at === null) return { text: 'none', style: 'dim' }
  if (ok === true) return `${depth}, ${ageOf(at, now)}`
  return { text: `FAILED, ${ageOf(at, now)}`, style: 'red' }
}

const BARS = '▁▂▃▄▅▆▇█'
const BARS_SHOWN = 12

/** `1.2 MiB ▁▂▅█`: the newest size, and how the last ones grew. */
function sizeWords(sizes: SourceOverview['sizes']): string {
  const shown = sizes.slice(-BARS_SHOWN).map(({ size }) => size)
  const newest = shown.at(-1)
  if (newest === undefined) return NONE
  const highest = Math.max(...shown, 1)
  const bars = shown.map(size => BARS[Math.ceil((size / highest) * BARS.length) - 1] ?? BARS[0])
  return `${formatBytes(newest)}${bars.length > 1 ? ` ${bars.join('')}` : ''}`
}

function reasonLines({ reasons, sources, buckets, as_of: now }: Overview): Text[] {
  const line = ({ text, since }: StateReason): string =>
    `${text}${since === null ? '' : ` (for ${formatAge(now.getTime() - since.getTime())})`}`
  const withRemedy = (reason: StateReason, subject = ''): string[] => {
    const remedy = REMEDIES[reason.code]
    return [`${subject}${line(reason)}`, ...(remedy === undefined ? [] : [`  → ${remedy}`])]
  }
  return [
    ...reasons.flatMap(reason => withRemedy(reason)),
    ...sources.flatMap(({ source, project_id, type, reasons: own }) =>
      own.flatMap(reason => withRemedy(reason, `${source ?? `${project_id}/${type} (by hand)`}: `)),
    ),
    ...buckets.flatMap(({ reasons: own }) => own.flatMap(reason => withRemedy(reason))),
  ]
}

const BACKUP_NOW = 'Make one now: telegram-backup send --source NAME'

/**
 * What to do about a reason whose text does not say it. No name is in a command to copy: the chat may have
 * chosen it.
 */
const REMEDIES: Readonly<Record<string, string>> = {
  no_service: 'Start it: telegram-backup serve',
  recovery_key_not_confirmed: 'Copy the key to another machine, then confirm it: telegram-backup init',
  no_backup: BACKUP_NOW,
  backup_overdue: BACKUP_NOW,
  source_unusable: 'See what is wrong: telegram-backup config check',
}

/** Alerts of a kind that no reason has: of a problem that ended a moment ago. */
function alertLines({ alerts, reasons, sources, buckets, as_of: now }: Overview): Text[] {
  const ofThings = [...sources, ...buckets].flatMap(thing => thing.reasons)
  const told = new Set([...reasons, ...ofThings].map(({ code }) => code))
  const further = alerts.filter(({ kind }) => !told.has(kind))
  if (further.length === 0) return []
  return ['Open alerts:', ...further.map(({ text, since }) => `  ${text} (${ageOf(since, now)})`)]
}

function runningLines({ running, as_of: now }: Overview): Text[] {
  if (running.length === 0) return []
  const lines = running.map(job => {
    const { bytes_done: done, bytes_total: total } = job.progress
    const far = total === null ? formatBytes(done) : `${formatBytes(done)} of ${formatBytes(total)}`
    const subject = job.source ?? job.backup_id?.slice(0, 8) ?? job.bucket ?? ''
    return `  ${job.kind} ${subject}: ${far}, begun ${ageOf(job.started_at ?? job.created_at, now)}`
  })
  return ['Running now:', ...lines]
}
