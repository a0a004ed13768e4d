import type { Bucket, DoorKey } from '@telegram-backup/database'
import type { BucketState } from '@telegram-backup/engine/operations/buckets.ts'
import {
  count,
  formatAge,
  formatBytes,
  formatSpan,
  formatTime,
  NONE,
} from '@telegram-backup/engine/units/human-units.ts'
import { type Facts, factTable } from '#commands/fact-table.ts'
import { keyState } from '#commands/key-options.ts'
import type { Output } from '#commands/output.ts'
import { shownState } from '#commands/shown-state.ts'
import type { Cell, Column } from '#commands/terminal-table.ts'
import { linesOf, type Text } from '#commands/terminal-text.ts'

const STYLES = { ok: 'green', attention: 'yellow', broken: 'red' } as const

export const BUCKET_COLUMNS: readonly Column[] = [
  { heading: 'STATE' },
  { heading: 'BUCKET', least: 8 },
  { heading: 'KIND', leavesAs: 1 },
  { heading: 'PROJECT', least: 7, leavesAs: 5 },
  { heading: 'NEWEST SNAPSHOT' },
  { heading: 'LIMIT', leavesAs: 2 },
  { heading: 'OBJECTS', leavesAs: 6 },
  { heading: 'SIZE' },
  { heading: 'DEAD', leavesAs: 4 },
  { heading: 'MESSAGES', leavesAs: 3 },
]

export function bucketRow(bucket: BucketState, now: Date): Cell[] {
  const { state, name, kind, project_id, last_snapshot_at: at, snapshot_limit_hours: limit } = bucket
  return [
    { text: state, style: STYLES[state] },
    ...[name, kind, project_id],
    at === null ? { text: 'none', style: 'dim' } : `${formatAge(now.getTime() - at.getTime())} ago`,
    limit === null ? NONE : formatSpan(limit * 3_600),
    String(bucket.objects),
    formatBytes(bucket.bytes),
    formatBytes(bucket.dead_bytes),
    String(bucket.messages),
  ]
}

export function describeBuckets(
  buckets: readonly BucketState[],
  { now, output }: { now: Date; output: Output },
): Text {
  if (buckets.length === 0) {
    return 'No buckets yet. To make one: telegram-backup bucket create NAME --kind restic'
  }
  const table = output.table(
    BUCKET_COLUMNS,
    buckets.map(bucket => bucketRow(bucket, now)),
  )
  return linesOf([table, count(buckets.length, 'bucket')])
}

/** Facts, what is wrong, and the keys of its door. */
export function describeBucket(
  bucket: BucketState,
  keys: readonly DoorKey[],
  { now, output }: { now: Date; output: Output },
): Text {
  const { max_bytes: most, snapshot_limit_hours: limit, last_snapshot_at: newest } = bucket
  const { undeleting_to: back } = bucket
  const facts: Facts = [
    ['bucket', `${bucket.name} (${bucket.kind})`],
    ['id', bucket.id],
    ['project', bucket.project_id],
    ['made', formatTime(bucket.created_at)],
    ['objects', `${bucket.objects}, ${formatBytes(bucket.bytes)}`],
    ['deleted', `${formatBytes(bucket.undeletable_bytes)} can be brought back`],
    ['dead bytes', `${formatBytes(bucket.dead_bytes)}, which are erased by and by`],
    ['messages', String(bucket.messages)],
    ['newest snapshot', newest === null ? 'none' : formatTime(newest)],
    ['snapshot limit', limit === null ? 'none' : formatSpan(limit * 3_600)],
    [
      'being taken back',
      back === null ? null : `to ${formatTime(back)}; the door is closed until that has ended`,
    ],
    ['undelete', bucket.undelete_seconds === 0 ? 'off' : formatSpan(bucket.undelete_seconds)],
    ['second chat', bucket.replica === 'wait' ? 'an answer waits for it' : 'later'],
    ['size limit', most === null ? 'none' : formatBytes(most)],
  ]
  return linesOf([
    factTable(facts),
    ...bucket.reasons.map(({ text }) => [{ text, style: STYLES[bucket.state] }]),
    '',
    describeDoorKeys(keys, { now, output }),
  ])
}

const KEY_COLUMNS: readonly Column[] = [
  { heading: 'ID', isId: true },
  { heading: 'NAME', least: 8 },
  { heading: 'USER', leavesAs: 2 },
  { heading: 'SCOPE' },
  { heading: 'STATE' },
  { heading: 'LAST USED', leavesAs: 1 },
]

export function describeDoorKeys(
  keys: readonly DoorKey[],
  { now, output }: { now: Date; output: Output },
): Text {
  if (keys.length === 0) {
    return 'No door keys yet. To make one: telegram-backup doorkey create --bucket B --scope full'
  }
  const rows = keys.map(key => [
    ...[key.id, key.name, key.user_name, key.scope],
    shownState(keyState(key, now)),
    key.last_used_at === null ? 'never' : formatTime(key.last_used_at),
  ])
  return linesOf([output.table(KEY_COLUMNS, rows), count(keys.length, 'key')])
}

/** After a bucket was made: what comes next. */
export function describeNewBucket({ id, name, kind, project_id }: Bucket): string {
  return [
    `Bucket ${name} (${kind}) of project ${project_id} is made: ${id}`,
    `Next, a key for its door: telegram-backup doorkey create --bucket ${name} --scope full`,
  ].join('\n')
}
