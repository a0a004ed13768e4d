import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  generateIdentity,
  type IndexEntry,
  type IndexedKeep,
  type IndexedRetention,
  type IndexedSchedule,
  indexContent,
  loadOrCreateSigningKey,
  openIndex,
  openManifest,
  type SigningKey,
  sealIndex,
  signerFingerprint,
  type VaultIndex,
} from '#index.ts'

let signingKey: SigningKey
let identity: string
let recipient: string

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vault-index-'))
  signingKey = await loadOrCreateSigningKey(join(folder, 'key.pem'))
  await rm(folder, { recursive: true })
  ;({ identity, recipient } = await generateIdentity())
})

const hex64 = fc.stringMatching(/^[0-9a-f]{64}$/)
const time = fc
  .date({ min: new Date('2000-01-01'), max: new Date('2099-01-01'), noInvalidDate: true })
  .map(date => date.toISOString())

const storable = (maxLength: number): fc.Arbitrary<string> =>
  fc
    .string({ minLength: 1, maxLength, unit: 'grapheme' })
    .filter(text => !text.includes('\0') && text.length <= maxLength)

const eventName = fc.string({ maxLength: 20 }).filter(text => !text.includes('\0'))

type Optional =
  | 'sourceName'
  | 'scheduleId'
  | 'scheduledFor'
  | 'expiryGiven'
  | 'pinnedAt'
  | 'verifiedAt'
  | 'damagedAt'
  | 'signer'

const REQUIRED: Array<Exclude<keyof IndexEntry, Optional>> = [
  'id',
  'project',
  'type',
  'filename',
  'state',
  'createdAt',
  'completedAt',
  'expiresAt',
  'plainSize',
  'plainSha256',
  'archiveSize',
  'partCount',
  'encrypted',
  'restoreCount',
  'manifest',
  'partMessages',
  'history',
]

const tags = fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9._:-]{1,64}$/), { maxLength: 16 })

const entry: fc.Arbitrary<IndexEntry> = fc.record(
  {
    id: fc.uuid(),
    project: fc.string({ maxLength: 64 }),
    type: fc.constantFrom('database', 'storage', 'logs'),
    filename: fc.string({ maxLength: 100 }),
    state: fc.constantFrom('complete', 'erasing'),
    createdAt: time,
    completedAt: time,
    expiresAt: time,
    plainSize: fc.nat(),
    plainSha256: hex64,
    archiveSize: fc.integer({ min: 1 }),
    partCount: fc.integer({ min: 1 }),
    encrypted: fc.boolean(),
    restoreCount: fc.nat(),
    sourceName: storable(256),
    tags,
    scheduleId: fc.uuid(),
    scheduledFor: time,
    expiryGiven: fc.constant(true as const),
    pinnedAt: time,
    verifiedAt: time,
    damagedAt: time,
    signer: fc.string({ minLength: 1, maxLength: 60 }),
    manifest: fc.record(
      {
        messageId: fc.integer({ min: 1 }),
        fileId: fc.string({ minLength: 1, maxLength: 100 }),
        botId: fc.stringMatching(/^\d{1,20}$/),
        size: fc.integer({ min: 1 }),
        sha256: hex64,
      },
      { requiredKeys: ['messageId', 'fileId', 'size', 'sha256'] },
    ),
    partMessages: fc.array(fc.integer({ min: 1 }), { minLength: 1, maxLength: 5 }),
    history: fc.array(
      fc.record({ event: eventName, at: time, count: fc.integer({ min: 1, max: 1_000_000 }) }),
      {
        maxLength: 3,
      },
    ),
  },
  { noNullPrototype: true, requiredKeys: REQUIRED },
)

const keep: fc.Arbitrary<IndexedKeep> = fc.record(
  {
    last: fc.nat(),
    hourly: fc.nat(),
    daily: fc.nat(),
    weekly: fc.nat(),
    monthly: fc.nat(),
    yearly: fc.nat(),
    withinMs: fc.maxSafeNat(),
    minimum: fc.nat(),
    tags,
  },
  { noNullPrototype: true, requiredKeys: [] },
)

const schedule: fc.Arbitrary<IndexedSchedule> = fc.record(
  {
    id: fc.uuid(),
    source: storable(64),
    project: storable(64),
    type: fc.constantFrom('database', 'storage', 'logs'),
    cron: storable(100),
    timezone: storable(64),
    enabled: fc.boolean(),
    keep,
    jitterSeconds: fc.integer({ min: 0, max: 86_400 }),
    catchUp: fc.constantFrom('once' as const, 'skip' as const),
  },
  {
    noNullPrototype: true,
    requiredKeys: [
      'id',
      'source',
      'project',
      'type',
      'cron',
      'timezone',
      'enabled',
      'jitterSeconds',
      'catchUp',
    ],
  },
)

const retention: fc.Arbitrary<IndexedRetention> = fc.record(
  {
    project: storable(64),
    type: fc.constantFrom('database', 'storage', 'logs'),
    source: storable(256),
    keep,
  },
  { noNullPrototype: true, requiredKeys: ['project', 'type', 'keep'] },
)

const index: fc.Arbitrary<VaultIndex> = fc.record(
  {
    format: fc.constant(1 as const),
    edition: fc.string({ minLength: 1, maxLength: 64 }),
    drawnAt: time,
    catalogId: fc.uuid(),
    generation: fc.integer({ min: 1 }),
    ...{ chatId: fc.constantFrom('-1001234567890', '42'), hasPlans: fc.constant(true as const) },
    movedFrom: fc.array(fc.stringMatching(/^-\d{1,12}$/), { minLength: 1, maxLength: 3 }),
    signers: fc.array(fc.string({ minLength: 1, maxLength: 60 }), { maxLength: 3 }),
    schedules: fc.array(schedule, { minLength: 1, maxLength: 3 }),
    retention: fc.array(retention, { minLength: 1, maxLength: 3 }),
    backups: fc.array(entry, { maxLength: 4 }),
  },
  {
    noNullPrototype: true,
    requiredKeys: ['format', 'edition', 'drawnAt', 'catalogId', 'generation', 'chatId', 'signers', 'backups'],
  },
)

function openedBy(bytes: Uint8Array): Promise<{ index: VaultIndex; signer: string }> {
  return openIndex(bytes, { encrypted: true, identities: [identity] })
}

describe('an index', () => {
  test('comes back as it was sealed, with the signer', async () => {
    await fc.assert(
      fc.asyncProperty(index, async drawn => {
        const signer = signerFingerprint(signingKey)
        const bytes = await sealIndex(drawn, { encryption: { recipients: [recipient] }, signingKey })
        expect(await openedBy(bytes)).toEqual({ index: drawn, before: [], signer })
      }),
      { numRuns: 25 },
    )
  })

  test('compares by what it says, not by when and under which name it was drawn', () => {
    fc.assert(
      fc.property(index, index, (one, other) => {
        const sameContent = { ...one, edition: other.edition, drawnAt: other.drawnAt }
        expect(indexContent(sameContent)).toBe(indexContent(one))
        const otherGeneration = { ...one, generation: one.generation + 1 }
        expect(indexContent(otherGeneration)).not.toBe(indexContent(one))
      }),
    )
  })

  test('with what a later version adds is read as far as it is known, and keeps all where a rule is unknown', async () => {
    const [drawn] = fc.sample(index, { numRuns: 1, seed: 3 }) as [VaultIndex]
    const [made] = fc.sample(schedule, { numRuns: 1, seed: 5 }) as [IndexedSchedule]
    const [backup] = fc.sample(entry, { numRuns: 1, seed: 3 }) as [IndexEntry]
    const known = { ...drawn, schedules: [{ ...made, keep: { last: 3 } }], backups: [backup] }
    const later = {
      ...known,
      quotas: [1],
      schedules: [{ ...made, weight: 2, keep: { last: 3, quarterly: 4 } }],
      backups: [{ ...backup, colour: 'red', manifest: { ...backup.manifest, thread: 7 } }],
    }
    const bytes = await sealIndex(later, { encryption: 'off', signingKey })
    const opened = await openIndex(bytes, { encrypted: false, identities: [] })
    expect(opened.index).toEqual({ ...known, schedules: [{ ...made, keep: {} }] })
  })

  test('does not pass for a manifest, and damage anywhere is refused', async () => {
    const [drawn] = fc.sample(index, { numRuns: 1, seed: 7 })
    const bytes = await sealIndex(drawn as VaultIndex, { encryption: 'off', signingKey })
    const clear = { encrypted: false, identities: [] }
    await expect(openManifest(bytes, clear)).rejects.toMatchObject({ code: 'INTEGRITY' })
    for (let at = 0; at < bytes.length; at += 7) {
      const damaged = Buffer.from(bytes)
      damaged[at] = (damaged[at] ?? 0) ^ 1
      const outcome = await openIndex(damaged, clear).catch((error: { code?: string }) => error.code)
      // zstd is not canonical: a few bits change nothing that is said.
      if (typeof outcome === 'object') expect(outcome.index).toEqual(drawn)
      else expect(outcome).toBe('INTEGRITY')
    }
  })

  test.each([
    ['a message id of 0', (drawn: VaultIndex) => withEntry(drawn, { partMessages: [0] })],
    ['an unknown state', (drawn: VaultIndex) => withEntry(drawn, { state: 'sold' })],
    ['a tag of two words', (drawn: VaultIndex) => withEntry(drawn, { tags: ['a b'] })],
    ['too many tags', (drawn: VaultIndex) => withEntry(drawn, { tags: Array(17).fill('a') })],
    ['an event on no day', withEvent({ at: '2026-02-31T00:00:00Z' })],
    ['an event that came too often', withEvent({ count: 1_000_001 })],
    ['an event with a zero character', withEvent({ event: 'a\0' })],
    ['a pin on no day', (drawn: VaultIndex) => withEntry(drawn, { pinnedAt: '2026-02-31T00:00:00Z' })],
    ['a source with a zero character', (drawn: VaultIndex) => withEntry(drawn, { sourceName: 'a\0' })],
    ['a source without a name', (drawn: VaultIndex) => withEntry(drawn, { sourceName: '' })],
    ['an unknown schedule of a backup', (drawn: VaultIndex) => withEntry(drawn, { scheduleId: 'x' })],
    ['a jitter of more than a day', withSchedule({ jitterSeconds: 86_401 })],
    ['an unknown way to catch up', withSchedule({ catchUp: 'twice' })],
    ['a cron expression without an end', withSchedule({ cron: '*'.repeat(257) })],
    ['half of a pair of surrogates', withSchedule({ source: '\ud800' })],
    ['a negative rule', withSchedule({ keep: { daily: -1 } })],
    ['a list without schedules', (drawn: VaultIndex) => ({ ...drawn, schedules: [] })],
    ['a catalog that is no UUID', (drawn: VaultIndex) => ({ ...drawn, catalogId: 'x' })],
  ])('with %s is not sealed', async (_what, spoil) => {
    const [drawn] = fc.sample(index, { numRuns: 1, seed: 3 })
    const [backup] = fc.sample(entry, { numRuns: 1, seed: 3 })
    const whole = { ...(drawn as VaultIndex), backups: [backup as IndexEntry] }
    const spoilt = spoil(whole) as VaultIndex
    await expect(sealIndex(spoilt, { encryption: 'off', signingKey })).rejects.toMatchObject({
      code: 'CONFIGURATION',
    })
  })
})

function withEvent(bad: object): (drawn: VaultIndex) => object {
  const event = { event: 'restored', at: '2026-02-28T00:00:00Z', count: 1, ...bad }
  return drawn => ({ ...drawn, backups: [{ ...first(drawn), history: [event] }] })
}

function withEntry(drawn: VaultIndex, fields: object): object {
  return { ...drawn, backups: [{ ...first(drawn), ...fields }] }
}

function withSchedule(bad: object): (drawn: VaultIndex) => object {
  const [made] = fc.sample(schedule, { numRuns: 1, seed: 5 })
  return drawn => ({ ...drawn, schedules: [{ ...made, ...bad }] })
}

const first = (drawn: VaultIndex): IndexEntry => drawn.backups[0] as IndexEntry
