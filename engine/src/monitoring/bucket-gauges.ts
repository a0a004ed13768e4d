import { Gauge, type Registry } from 'prom-client'
import type { BucketState } from '#monitoring/bucket-states.ts'
import { OVERVIEW_STATES } from '#monitoring/state-findings.ts'

const LABELS = ['project', 'bucket'] as const

/** Null: no time series. */
type Reading = [name: string, help: string, read: (bucket: BucketState) => number | null]

const READINGS: readonly Reading[] = [
  [
    'state',
    'Whether something is wrong with the bucket, as in the overview: 0 ok, 1 attention',
    ({ state }) => OVERVIEW_STATES.indexOf(state),
  ],
  ['objects', 'Live objects', ({ objects }) => objects],
  ['bytes', 'Bytes of live objects', ({ bytes }) => bytes],
  ['max_bytes', 'The most bytes of live objects that the bucket may hold', ({ max_bytes: bytes }) => bytes],
  [
    'damaged',
    'Whether packs are known to be missing or damaged: 1 if so, 0 if not',
    ({ reasons }) => Number(reasons.some(({ code }) => code === 'bucket_damaged')),
  ],
  ['dead_bytes', 'Bytes in messages that belong to no object any more', ({ dead_bytes: bytes }) => bytes],
  ['messages', 'Messages of the bucket, in all chats', ({ messages }) => messages],
  [
    'last_snapshot_timestamp_seconds',
    'When the newest snapshot was stored',
    ({ last_snapshot_at: at }) => (at === null ? null : at.getTime() / 1000),
  ],
  [
    'snapshot_limit_seconds',
    'The age of the newest snapshot at which people are told',
    ({ snapshot_limit_hours: hours }) => (hours === null ? null : hours * 3_600),
  ],
]

/** Gauges of the first `most` buckets. */
export function bucketGauges(
  registry: Registry,
  most: number,
): { show(buckets: readonly BucketState[]): void } {
  const gauges = READINGS.map(([name, help, read]) => ({
    gauge: new Gauge({
      name: `telegram_backup_bucket_${name}`,
      help,
      labelNames: LABELS,
      registers: [registry],
    }),
    read,
  }))
  return {
    show: buckets => {
      for (const { gauge, read } of gauges) {
        // Removes buckets that are gone.
        gauge.reset()
        for (const bucket of buckets.slice(0, most)) {
          const value = read(bucket)
          if (value !== null) gauge.set({ project: bucket.project_id, bucket: bucket.name }, value)
        }
      }
    },
  }
}
