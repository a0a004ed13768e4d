import type { PackAges } from '@telegram-backup/database'
import { Gauge, type Registry } from 'prom-client'
import type { BucketState } from '#monitoring/bucket-states.ts'
import { OVERVIEW_STATES } from '#monitoring/state-findings.ts'

const LABELS = ['project', 'bucket'] as const

/** Null: no time series. */
type Reading = [name: string, help: string, read: (bucket: BucketState, ages: PackAges) => number | null]

const secondsOf = (at: Date | null): number | null => (at === null ? null : at.getTime() / 1000)

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
    ({ last_snapshot_at: at }) => secondsOf(at),
  ],
  [
    'snapshot_limit_seconds',
    'The age of the newest snapshot at which people are told',
    ({ snapshot_limit_hours: hours }) => (hours === null ? null : hours * 3_600),
  ],
  ['created_timestamp_seconds', 'When the bucket was made', ({ created_at: at }) => secondsOf(at)],
  [
    'unread_since_timestamp_seconds',
    'When the pack was read, or sent, that was not read for the longest time',
    (_, { unread_since: at }) => secondsOf(at),
  ],
  [
    'uncopied_since_timestamp_seconds',
    'When the oldest pack was sent that the second chat lacks',
    (_, { uncopied_since: at }) => secondsOf(at),
  ],
]

/** Gauges of the first `most` buckets. */
export function bucketGauges(
  registry: Registry,
  most: number,
): { show(buckets: readonly BucketState[], ages: readonly PackAges[]): void } {
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
    show: (buckets, ages) => {
      const byId = new Map(ages.map(one => [one.bucket_id, one]))
      for (const { gauge, read } of gauges) {
        // Removes buckets that are gone.
        gauge.reset()
        for (const bucket of buckets.slice(0, most)) {
          const value = read(bucket, byId.get(bucket.id) ?? withoutPacks(bucket.id))
          if (value !== null) gauge.set({ project: bucket.project_id, bucket: bucket.name }, value)
        }
      }
    },
  }
}

/** Of a bucket that was made a moment ago. */
function withoutPacks(bucketId: string): PackAges {
  return { bucket_id: bucketId, unread_since: null, uncopied_since: null }
}
