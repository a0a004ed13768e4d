import type { SampledBucket, SampledLately, SampledPacks } from '@telegram-backup/database'
import { HOUR_MS, type SamplingRules } from '#verification/plan-sampling.ts'

export interface BucketSamplingPlan {
  picks: SampledPacks[]
  /** How many packs are unread for more than three quarters of their time: they should have been read. */
  late: number
}

/**
 * Chooses how many packs of each bucket to read now, by the rule for backups: a pack is due after half of its
 * time, and an hour's share is what it takes to read all packs within a quarter of it. What backups leave of
 * the limit of messages is for buckets; the one with the most packs due comes first.
 */
export function planBucketSampling(
  { buckets, lately }: { buckets: readonly SampledBucket[]; lately: SampledLately },
  { readAllWithinMs, messagesPerHour }: SamplingRules,
): BucketSamplingPlan {
  let room = messagesPerHour - lately.messages
  // A pack with more copies than the limit must be read at some time, too.
  let isUntouched = lately.messages === 0
  const picks: SampledPacks[] = []
  for (const bucket of buckets.toSorted((one, other) => other.due - one.due)) {
    if (bucket.is_busy) continue
    const share = Math.ceil(bucket.packs / Math.max(1, readAllWithinMs / 4 / HOUR_MS))
    const copies = Math.max(1, bucket.messages / Math.max(1, bucket.packs))
    const most = Math.max(isUntouched ? 1 : 0, Math.floor(room / copies))
    const packs = Math.min(bucket.due, share - bucket.packs_lately, most)
    if (packs < 1) continue
    isUntouched = false
    const messages = Math.ceil(packs * copies)
    room -= messages
    picks.push({ bucket, packs, messages })
  }
  return { picks, late: buckets.reduce((sum, { late }) => sum + late, 0) }
}
