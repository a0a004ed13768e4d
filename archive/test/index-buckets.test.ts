import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type IndexedBucket, indexContent, openIndex, sealIndex, type VaultIndex } from '#index.ts'
import { SIGNING_KEY, TIME } from '#test/packs/sample-packs.ts'

const hex64 = fc.stringMatching(/^[0-9a-f]{64}$/)
const message = {
  messageId: fc.integer({ min: 1 }),
  fileId: fc.stringMatching(/^[A-Za-z0-9_-]{1,80}$/),
  botId: fc.constant('123456'),
  size: fc.integer({ min: 1 }),
  sha256: hex64,
}
const part = fc.record(
  { pack: fc.uuid(), ...message },
  { requiredKeys: ['pack', 'messageId', 'fileId', 'size', 'sha256'] },
)
const pack = fc.record(
  { pack: fc.uuid(), sequence: fc.integer({ min: 1 }), ...message },
  { requiredKeys: ['pack', 'sequence', 'messageId', 'fileId', 'size', 'sha256'] },
)

const bucket = fc.record(
  {
    id: fc.uuid(),
    name: fc.stringMatching(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
    kind: fc.constantFrom('restic', 's3'),
    project: fc.stringMatching(/^[a-z]{1,64}$/),
    createdAt: fc.constant(TIME),
    undeleteMs: fc.nat(),
    replica: fc.constantFrom('wait', 'later'),
    maxBytes: fc.integer({ min: 1 }),
    snapshotLimitHours: fc.integer({ min: 1 }),
    lastSnapshotAt: fc.constant(TIME),
    checkpoint: fc.record({ id: fc.uuid(), parts: fc.array(part, { minLength: 1, maxLength: 3 }) }),
    packs: fc.array(pack, { minLength: 1, maxLength: 5 }),
  },
  { requiredKeys: ['id', 'name', 'kind', 'project', 'createdAt', 'undeleteMs', 'replica'] },
) as fc.Arbitrary<IndexedBucket>

const EMPTY: VaultIndex = {
  format: 1,
  edition: '1-00000000',
  drawnAt: TIME,
  catalogId: '0f8fad5b-d9cb-469f-a165-70867728950e',
  generation: 1,
  chatId: '-1002000000001',
  signers: [],
  hasPlans: true,
  backups: [],
}
const SEALING = { encryption: 'off', signingKey: SIGNING_KEY } as const
const CLEAR = { encrypted: false, identities: [] }

describe('the buckets of an index', () => {
  test('come back as they were sealed, and what a later version adds to them is passed over', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(bucket, { minLength: 1, maxLength: 4 }), async buckets => {
        const drawn = { ...EMPTY, buckets }
        expect((await openIndex(await sealIndex(drawn, SEALING), CLEAR)).index).toEqual(drawn)
        const later = { ...drawn, buckets: buckets.map(one => ({ ...one, region: 'eu' })) }
        expect((await openIndex(await sealIndex(later, SEALING), CLEAR)).index).toEqual(drawn)
        expect(indexContent(drawn)).not.toBe(indexContent(EMPTY))
      }),
      { numRuns: roundsOf(25) },
    )
  })

  test('leave no trace where there are none', () => {
    // The bytes of a drawing from before there were buckets.
    expect(indexContent(EMPTY)).toBe(
      '{"backups":[],"catalogId":"0f8fad5b-d9cb-469f-a165-70867728950e","chatId":"-1002000000001","generation":1,"hasPlans":true,"signers":[]}',
    )
  })

  const [sample] = fc.sample(bucket, { numRuns: 1, seed: 1 }) as [IndexedBucket]
  const place = { pack: sample.id, messageId: 1, fileId: 'BQAC', size: 1, sha256: '0'.repeat(64) }
  test.each([
    ['a name with capital letters', { name: 'Laptops' }],
    ['a name that is a path', { name: '../laptops' }],
    ['an unknown kind', { kind: 'tape' }],
    ['a project with a zero character', { project: 'a\0' }],
    ['a day that never was', { createdAt: '2026-02-31T00:00:00Z' }],
    ['less than no time to undelete', { undeleteMs: -1 }],
    ['no bytes at all', { maxBytes: 0 }],
    ['a limit that no catalog keeps', { snapshotLimitHours: 2 ** 31 }],
    ['an unknown way to wait', { replica: 'never' }],
    ['a checkpoint without parts', { checkpoint: { id: sample.id, parts: [] } }],
    ['a part that is in no message', { checkpoint: { id: sample.id, parts: [{ ...place, messageId: 0 }] } }],
    ['a list without packs', { packs: [] }],
    ['a pack without its sequence', { packs: [place] }],
    ['a pack that is no UUID', { packs: [{ ...place, sequence: 1, pack: 'x' }] }],
    ['more packs than there may be', { packs: Array(10_001).fill({ ...place, sequence: 1 }) }],
  ])('are refused with %s', async (_what, fields) => {
    const drawn = { ...EMPTY, buckets: [{ ...sample, ...fields } as IndexedBucket] }
    await expect(sealIndex(drawn, SEALING)).rejects.toMatchObject({ code: 'CONFIGURATION' })
  })
})
