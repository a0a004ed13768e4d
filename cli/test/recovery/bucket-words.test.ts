import type { RecoveryReport } from '@telegram-backup/engine/operations/recover.ts'
import type { BucketOutcome, BucketVerification } from '@telegram-backup/engine/operations/verify-buckets.ts'
import { writeCard } from '@telegram-backup/engine/recovery-card/card.ts'
import { ExitCode } from '@telegram-backup/errors'
import { expect, test } from 'vitest'
import { bucketLines } from '#commands/recovered-buckets.ts'
import { bucketsExitCode, describeBuckets, verifiedBucket } from '#commands/verified-buckets.ts'

const laptop = {
  id: '3f0c2c1e-0000-4000-8000-000000000000',
  name: 'laptop',
  kind: 'restic',
  project: 'shop',
} as const
const recovered: RecoveryReport['buckets'][number] = {
  ...{ ...laptop, outcome: 'added', objects: 3, bytes: 2048, hasCheckpoint: true, packs: 2 },
  ...{ lost: 0, lostKeys: [], findings: [] },
}
const owner = { catalogId: laptop.id, generation: 2 }

type Report = Parameters<typeof bucketLines>[0]
const linesOf = (of: Partial<Report>): string[] =>
  bucketLines({ buckets: [], refusedPacks: [], owner, withoutKey: false, ...of } as Report)

test('a recovery without buckets says nothing of them', () => {
  expect(linesOf({})).toEqual([])
})

test('a recovery names buckets, what they lack, and what does not come back', () => {
  const text = linesOf({ buckets: [recovered] }).join('\n')
  expect(text).toMatch(/laptop +restic +shop +3 +2\.0 KiB +checkpoint, 2 packs +new/)
  expect(text).toMatch(/Door keys are not stored in the chat.*password of a restic repository/)
  const lost = { ...recovered, lost: 30, lostKeys: ['data/a', 'data/b'], findings: ['Pack 7 is gone.'] }
  expect(linesOf({ buckets: [lost] }).join('\n')).toMatch(
    /bucket laptop: Pack 7 is gone\.\nbucket laptop: the bytes of 30 objects .*\n {2}data\/a\n {2}data\/b\n {2}and 28 more/,
  )
})

test('packs that were refused are named; without a key it says that nothing was recovered', () => {
  const refused = Array.from({ length: 25 }, (_, at) => ({
    ...{ packId: laptop.id, bucketId: laptop.id, chatId: '-1001', messageId: at + 1 },
    reason: 'has another number',
  }))
  const lines = linesOf({ refusedPacks: refused })
  expect(lines).toHaveLength(21)
  expect(lines[0]).toBe(`refused: pack ${laptop.id} (message 1 of chat -1001) has another number`)
  expect(lines.at(-1)).toBe('refused: 5 more packs')
  expect(linesOf({ refusedPacks: refused, withoutKey: true, owner: null })).toEqual([
    '25 packs of buckets cannot be opened without the key: nothing of them was recovered',
  ])
})

test('a verification says how far it went, and its exit code what it found', () => {
  const bucket = { ...laptop, project_id: 'shop' } as unknown as BucketOutcome['bucket']
  const report: BucketVerification = {
    ...{
      bucket_id: laptop.id,
      bucket: 'laptop',
      state: 'sound',
      depth: 'plain bytes',
      packs: 2,
      messages: 4,
    },
    ...{ bytes: 4096, objects: 7, findings: [], unproven: [], lost: 0, lost_keys: [] },
  }
  const sound = { bucket, report }
  expect(describeBuckets([sound])).toBe(
    'Bucket laptop is sound: 2 packs, 4 messages, 4.0 KiB read, 7 objects compared.',
  )
  expect([bucketsExitCode([sound]), verifiedBucket(sound)['success']]).toEqual([ExitCode.DONE, true])
  const unread = {
    bucket,
    report: { ...sound.report, unproven: [{ chat_id: '-1', code: 'UNREACHABLE', reason: 'x' }] },
  }
  expect(bucketsExitCode([unread])).toBe(ExitCode.PARTIAL)
  const damaged = {
    bucket,
    report: { ...sound.report, state: 'damaged' as const, lost: 1, lost_keys: ['data/a'] },
  }
  expect(bucketsExitCode([damaged])).toBe(ExitCode.INTEGRITY)
  expect(describeBuckets([damaged])).toMatch(/is DAMAGED:(.|\n)*restic repair index(.|\n)*data\/a/)
  expect(bucketsExitCode([{ bucket, error: new Error('x') }])).toBe(ExitCode.PARTIAL)
})

test('the recovery card names buckets and their second secret, on its two pages', () => {
  const card = writeCard({
    ...{
      chatId: '-1001',
      chatTitle: 'Vault',
      botUsername: 'b_bot',
      recipients: ['age1x'],
      signers: ['SHA256:x'],
    },
    ...{ indexMessageId: 7, catalogId: laptop.id, generation: 1, apiRoot: 'https://api.telegram.org' },
    buckets: Array.from({ length: 10 }, () => laptop),
    writtenAt: new Date(0),
  })
  expect(card).toMatch(/^buckets {6}laptop \(restic\), .*, 2 more$/m)
  expect(card).toContain('password of its own')
  expect(card).toContain('telegram-backup doorkey create --bucket laptop --scope full')
  expect(card.split('\n').length).toBeLessThanOrEqual(132)
})
