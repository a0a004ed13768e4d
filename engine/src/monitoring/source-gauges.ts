import type { Schedule, SourceFacts } from '@telegram-backup/database'
import { Gauge, type Registry } from 'prom-client'
import type { IntervalOf } from '#monitoring/watch-facts.ts'

/** Of more sources, only the first ones are shown: each has a dozen time series. */
export const MOST_SOURCES = 1000

interface SourceRow {
  facts: SourceFacts
  disabledCount: number
  nextRunAt: Date | null
  /** Milliseconds; null without an enabled schedule. */
  intervalMs: number | null
}

/** Null: no time series. Times are seconds since 1970. */
type Reading = [name: string, help: string, read: (row: SourceRow) => number | null]

const READINGS: readonly Reading[] = [
  [
    'last_complete_timestamp_seconds',
    'When the newest complete backup was made',
    ({ facts }) => secondsOf(facts.last_complete?.created_at),
  ],
  [
    'last_verified_timestamp_seconds',
    'When a sound backup was last read to its last byte',
    ({ facts }) => secondsOf(facts.last_verified_at),
  ],
  [
    'last_drill_timestamp_seconds',
    'When a backup was last restored by a drill, and nothing differed',
    ({ facts }) => secondsOf(facts.last_drilled_at),
  ],
  [
    'last_failed_timestamp_seconds',
    'When a backup last failed',
    ({ facts }) => secondsOf(facts.last_failed_at),
  ],
  [
    'last_complete_size_bytes',
    'Plain bytes of the newest complete backup',
    ({ facts }) => facts.last_complete?.size ?? null,
  ],
  [
    'last_complete_archive_size_bytes',
    'Bytes as sent of the newest complete backup',
    ({ facts }) => facts.last_complete?.archive_size ?? null,
  ],
  [
    'last_complete_duration_seconds',
    'How long the newest complete backup took',
    ({ facts }) => (facts.last_complete === null ? null : facts.last_complete.duration_ms / 1000),
  ],
  [
    'last_complete_parts',
    'Parts of the newest complete backup',
    ({ facts }) => facts.last_complete?.part_count ?? null,
  ],
  [
    'last_complete_missing_files',
    'Files that are missing or torn in the newest complete backup, as its send allowed',
    ({ facts }) => facts.last_complete?.missing_files ?? null,
  ],
  ['complete_backups', 'Complete backups, damaged ones too', ({ facts }) => facts.complete_count],
  [
    'complete_archive_size_bytes',
    'Bytes as sent of all complete backups',
    ({ facts }) => facts.complete_archive_size,
  ],
  ['damaged_backups', 'Complete backups that were found damaged', ({ facts }) => facts.damaged_count],
  [
    'scheduled_since_timestamp_seconds',
    'Since when an enabled schedule makes backups',
    ({ facts }) => secondsOf(facts.scheduled_since),
  ],
  [
    'schedules_disabled',
    'Schedules that are switched off',
    ({ disabledCount }) => (disabledCount === 0 ? null : disabledCount),
  ],
  [
    'schedule_interval_seconds',
    'The longest time between two runs of the most frequent enabled schedule',
    ({ intervalMs }) => (intervalMs === null ? null : intervalMs / 1000),
  ],
  [
    'schedule_next_run_timestamp_seconds',
    'The next time of an enabled schedule',
    ({ nextRunAt }) => secondsOf(nextRunAt),
  ],
]

const LABELS = ['project', 'type', 'source'] as const

/** Gauges of every source; `source` is empty for what was sent by hand. */
export function sourceGauges(
  registry: Registry,
  intervalOf: IntervalOf,
): { show(sources: readonly SourceFacts[], schedules: readonly Schedule[]): void } {
  const registers = [registry]
  const gauges = READINGS.map(([name, help, read]) => ({
    gauge: new Gauge({ name: `telegram_backup_${name}`, help, labelNames: LABELS, registers }),
    read,
  }))
  const leftOut = new Gauge({
    name: 'telegram_backup_sources_left_out',
    help: `Sources that are not shown, because there are more than ${MOST_SOURCES}`,
    registers,
  })
  return {
    show: (sources, schedules) => {
      const rows = sources.slice(0, MOST_SOURCES).map(facts => rowOf(facts, schedules, intervalOf))
      for (const { gauge, read } of gauges) {
        // Removes sources that are gone.
        gauge.reset()
        for (const row of rows) {
          const value = read(row)
          if (value !== null) gauge.set(labelsOf(row.facts), value)
        }
      }
      leftOut.set(Math.max(0, sources.length - MOST_SOURCES))
    },
  }
}

function labelsOf({ project_id, type, source_name }: SourceFacts): Record<(typeof LABELS)[number], string> {
  return { project: project_id, type, source: source_name ?? '' }
}

function rowOf(facts: SourceFacts, schedules: readonly Schedule[], intervalOf: IntervalOf): SourceRow {
  const all = schedules.filter(
    one => one.source === facts.source_name && one.project_id === facts.project_id && one.type === facts.type,
  )
  const own = all.filter(({ enabled }) => enabled)
  const next = own.flatMap(({ next_run_at }) => (next_run_at === null ? [] : [next_run_at.getTime()]))
  return {
    facts,
    disabledCount: all.length - own.length,
    nextRunAt: next.length === 0 ? null : new Date(Math.min(...next)),
    intervalMs: own.length === 0 ? null : Math.min(...own.map(intervalOf)),
  }
}

function secondsOf(time: Date | null | undefined): number | null {
  return time == null ? null : time.getTime() / 1000
}
