import type { Bucket, BucketSettings, Database } from '@telegram-backup/database'
import { parseSize, parseSpanMs } from '@telegram-backup/engine/units/quantities.ts'
import { BackupError } from '@telegram-backup/errors'
import { usageError } from '#commands/command.ts'

/** The options that say how a bucket is kept. */
export interface BucketTermOptions {
  undelete?: string
  replica?: string
  maxSize?: string
  snapshotLimit?: string
}

export const BUCKET_TERM_HELP: Readonly<Record<string, string>> = {
  '--undelete <time>':
    'how long a deleted object can be brought back with "bucket undelete": 24h, 7d, or 0 for not at all (default: 7d)',
  '--replica <when>':
    'when a client gets its answer: later (its bytes are in the first chat; default) or wait (in both chats)',
  '--max-size <bytes>': 'refuse new objects beyond this size: 500M, 100G, 2T, or none (default: none)',
  '--snapshot-limit <time>':
    'tell people when the newest snapshot is older, in whole hours: 26h, 7d, or off (default: off)',
}

const HOUR_MS = 3_600_000

/** Throws `USAGE`. */
export function bucketTermsOf({
  undelete,
  replica,
  maxSize,
  snapshotLimit,
}: BucketTermOptions): BucketSettings {
  return {
    ...(undelete !== undefined && { undeleteMs: parseSpanMs(undelete) }),
    ...(replica !== undefined && { replica: replicaOf(replica) }),
    ...(maxSize !== undefined && { maxBytes: maxSize === 'none' ? null : parseSize(maxSize) }),
    ...(snapshotLimit !== undefined && { snapshotLimitHours: hoursOf(snapshotLimit) }),
  }
}

function replicaOf(text: string): Bucket['replica'] {
  if (text === 'wait' || text === 'later') return text
  throw usageError(`--replica ${JSON.stringify(text.slice(0, 40))} is unknown`, 'Write wait or later.')
}

function hoursOf(text: string): number | null {
  if (text === 'off') return null
  const ms = parseSpanMs(text)
  if (ms >= HOUR_MS && ms % HOUR_MS === 0) return ms / HOUR_MS
  throw usageError(
    `--snapshot-limit ${JSON.stringify(text.slice(0, 40))} is not a number of whole hours`,
    'Write 26h, 7d, or off.',
  )
}

export const WHICH_BUCKET: readonly [string, string] = [
  '<id>',
  'the name of the bucket, its id from "telegram-backup bucket list", or the first eight characters of that',
]

/** By its name, its id or the beginning of that. Throws `NOT_FOUND`, and `USAGE` if several match. */
export async function bucketMeant(database: Database, which: string): Promise<Bucket> {
  const { listBuckets } = await import('@telegram-backup/database')
  const buckets = await listBuckets(database)
  // A name comes first: one may look like the beginning of an id.
  const named = buckets.find(({ name }) => name === which)
  if (named !== undefined) return named
  const start = /^[0-9a-f]{8}[0-9a-f-]{0,28}$/i.test(which) ? which.toLowerCase() : undefined
  const [bucket, ...others] = buckets.filter(({ id }) => start !== undefined && id.startsWith(start))
  const words = JSON.stringify(which.slice(0, 80))
  if (bucket === undefined) {
    throw new BackupError(`No bucket has the name or the id ${words}`, {
      code: 'NOT_FOUND',
      hint: 'telegram-backup bucket list shows them.',
    })
  }
  if (others.length === 0) return bucket
  throw usageError(`Several buckets have ids that begin with ${words}`, 'Give the name of one.')
}
