import type { SampledBucket } from '@telegram-backup/database'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { planBucketSampling } from '#verification/plan-bucket-sampling.ts'
import { HOUR_MS } from '#verification/plan-sampling.ts'

const WITHIN_MS = 48 * HOUR_MS
const TICK_MS = HOUR_MS / 6

interface Read {
  at: number
  bucket: number
  packs: number
  messages: number
}

/** Packs of buckets, by the hour in which each was sent; what is picked is read a tick later. */
function simulate(hours: readonly (readonly number[])[], messagesPerHour: number) {
  const unreadSince = hours.map(bucket => bucket.map(hour => hour * HOUR_MS))
  const reads: Read[] = []
  const readAt = new Map<string, number[]>()
  let longestUnreadMs = 0
  let mostMessages = 0
  for (let now = 0; now < 150 * HOUR_MS; now += TICK_MS) {
    const lately = reads.filter(({ at }) => at > now - HOUR_MS)
    const buckets = unreadSince.map((packs, index): SampledBucket => {
      const unread = packs.filter(since => since <= now).map(since => now - since)
      for (const ms of unread) longestUnreadMs = Math.max(longestUnreadMs, ms)
      return {
        ...{
          id: String(index),
          name: `bucket-${index}`,
          project_id: 'shop',
          packs: unread.length,
          messages: 2 * unread.length,
        },
        due: unread.filter(ms => ms >= WITHIN_MS / 2).length,
        late: unread.filter(ms => ms > 0.75 * WITHIN_MS + HOUR_MS).length,
        packs_lately: lately
          .filter(({ bucket }) => bucket === index)
          .reduce((sum, { packs }) => sum + packs, 0),
        is_busy: false,
      }
    })
    const messages = lately.reduce((sum, read) => sum + read.messages, 0)
    mostMessages = Math.max(mostMessages, messages)
    const plan = planBucketSampling(
      { buckets, lately: { bytes: 0, messages } },
      { readAllWithinMs: WITHIN_MS, messagesPerHour },
    )
    for (const { bucket, packs, messages } of plan.picks) {
      const index = Number(bucket.id)
      reads.push({ at: now, bucket: index, packs, messages })
      const sent = (unreadSince[index] ?? []).map((since, pack) => ({ since, pack }))
      const oldest = sent.filter(({ since }) => since <= now).toSorted((a, b) => a.since - b.since)
      for (const { pack } of oldest.slice(0, packs)) {
        const id = `${index}/${pack}`
        readAt.set(id, [...(readAt.get(id) ?? []), now])
        unreadSince[index]?.splice(pack, 1, now)
      }
    }
  }
  return { longestUnreadMs, mostMessages, readAt: [...readAt.values()] }
}

const arrivals = fc.array(
  fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 60, size: 'max' }),
  {
    minLength: 1,
    maxLength: 3,
  },
)

it('every pack is read within its time, and none more often than it must', () => {
  fc.assert(
    fc.property(arrivals, hours => {
      const { longestUnreadMs, readAt } = simulate(hours, 1_000_000)
      expect(longestUnreadMs).toBeLessThanOrEqual(WITHIN_MS)
      for (const times of readAt)
        for (const [index, time] of times.slice(1).entries())
          expect(time - (times[index] ?? 0)).toBeGreaterThanOrEqual(WITHIN_MS / 2)
    }),
    { numRuns: 40 },
  )
})

it('no hour has more messages than the limit, which backups use first; a small one still reads a pack', () => {
  fc.assert(
    fc.property(arrivals, fc.integer({ min: 1, max: 20 }), (hours, limit) => {
      const { mostMessages, readAt } = simulate(hours, limit)
      expect(mostMessages).toBeLessThanOrEqual(Math.max(limit, 2))
      expect(readAt.length).toBeGreaterThan(0)
    }),
    { numRuns: 40 },
  )
  const bucket: SampledBucket = {
    ...{ id: 'a', name: 'laptops', project_id: 'shop', packs: 100, messages: 100, due: 100, late: 7 },
    ...{ packs_lately: 0, is_busy: false },
  }
  const rules = { readAllWithinMs: WITHIN_MS, messagesPerHour: 5 }
  const picksOf = (buckets: SampledBucket[], messages: number) =>
    planBucketSampling({ buckets, lately: { bytes: 0, messages } }, rules).picks.map(({ packs }) => packs)
  expect(picksOf([bucket], 2)).toEqual([3])
  expect(picksOf([bucket], 5)).toEqual([])
  expect(picksOf([{ ...bucket, is_busy: true }], 0)).toEqual([])
  expect(planBucketSampling({ buckets: [bucket], lately: { bytes: 0, messages: 5 } }, rules).late).toBe(7)
})
