import type { BucketHealth } from '@telegram-backup/database'
import { describe, expect, test } from 'vitest'
import { bucketConditions } from '#monitoring/bucket-conditions.ts'
import { problemText, recoveryText } from '#monitoring/condition-texts.ts'

const NOW = Date.UTC(2026, 11, 2, 12)
const HOUR = 3_600_000
const ago = (ms: number): Date => new Date(NOW - ms)
const bucket = (of: Partial<BucketHealth>): BucketHealth => ({
  id: '4b3c0e0a-8a53-4a2f-9a55-1f3d7e0c9a11',
  name: 'laptops',
  project_id: 'shop',
  snapshot_limit_hours: 26,
  created_at: ago(100 * HOUR),
  last_snapshot_at: ago(HOUR),
  damaged_packs: 0,
  last_damaged_at: null,
  ...of,
})
const kinds = (of: Partial<BucketHealth>): string[] =>
  bucketConditions([bucket(of)], NOW).map(({ kind }) => kind)

describe('a bucket', () => {
  test.each([
    ['with a new snapshot', {}, []],
    ['with one as old as the limit', { last_snapshot_at: ago(26 * HOUR) }, []],
    ['with an older one', { last_snapshot_at: ago(26 * HOUR + 1) }, ['snapshot_overdue']],
    ['without one, and new', { last_snapshot_at: null, created_at: ago(HOUR) }, []],
    ['without one for longer than the limit', { last_snapshot_at: null }, ['snapshot_overdue']],
    ['without a limit', { last_snapshot_at: null, snapshot_limit_hours: null }, []],
    ['with damaged packs', { damaged_packs: 2 }, ['bucket_damaged']],
    ['with both', { damaged_packs: 2, last_snapshot_at: null }, ['snapshot_overdue', 'bucket_damaged']],
  ] as const)('%s', (_, of, expected) => {
    expect(kinds(of)).toEqual(expected)
  })

  test('is named in a notice of its problem, and of the end of it', () => {
    const found = bucketConditions([bucket({ damaged_packs: 2, last_snapshot_at: ago(50 * HOUR) })], NOW)
    expect(found.map(problemText)).toEqual([
      'No new snapshot in bucket "laptops" (project shop) for too long. The last one: 2026-11-30T10:00:00.000Z; there should be one every 26 h at least. Look at the program that backs up to it.',
      'Objects in bucket "laptops" (project shop) are damaged: 2 packs cannot be read from a chat. "telegram-backup verify --bucket laptops --read-data" says which objects are lost, and repairs packs from a second chat.',
    ])
    expect(found.map(recoveryText)).toEqual([
      'Snapshots come to bucket "laptops" (project shop) again',
      'Nothing in bucket "laptops" (project shop) is known to be damaged any more',
    ])
  })
})
