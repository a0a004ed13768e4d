import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openIndex, readIdentityFile } from '#index.ts'

const golden = join(import.meta.dirname, 'golden')
const SIGNER = 'SHA256:7xOHp9E+/egHLzv5egzXniwmlQYdK7eESwyQz8iXvio='
const identities = await readIdentityFile(join(golden, 'identity-for-tests-only.txt'))
const SCHEDULE_ID = '7c9e6679-7425-40de-944b-e07fc1f90ae7'

const FIRST = {
  format: 1,
  edition: '7-0a1b2c3d',
  drawnAt: '2026-11-24T05:40:00.000Z',
  catalogId: '0f8fad5b-d9cb-469f-a165-70867728950e',
  generation: 2,
  chatId: '-1002000000001',
  movedFrom: ['-4100200300'],
  signers: [SIGNER],
  backups: [
    {
      id: '1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed',
      project: 'shop',
      type: 'database',
      filename: 'shop_database_20261124T053300Z_1b9d6bcd.sql',
      state: 'complete',
      createdAt: '2026-11-24T05:33:00.000Z',
      completedAt: '2026-11-24T05:33:09.000Z',
      expiresAt: '2026-12-24T05:33:00.000Z',
      plainSize: 348_894,
      plainSha256: '67235281ebbe500c400cb9fd79407125d547975f9fffe671917e0a8000df7dd3',
      archiveSize: 40_000,
      partCount: 3,
      encrypted: true,
      restoreCount: 1,
      damagedAt: '2026-11-24T06:00:00.000Z',
      signer: SIGNER,
      manifest: {
        messageId: 8,
        fileId: 'BQAC-manifest',
        botId: '123456',
        size: 900,
        sha256: 'ab'.repeat(32),
      },
      partMessages: [5, 6, 7],
      history: [
        { event: 'complete', at: '2026-11-24T05:33:09.000Z', count: 1 },
        { event: 'restored', at: '2026-11-24T05:39:00.000Z', count: 1 },
      ],
    },
  ],
}

describe('the golden indexes of format 1', () => {
  const opened = (name: string) =>
    openIndex(readFileSync(join(golden, 'index', `${name}.zst.age`)), { identities, encrypted: true })

  test('one without schedules can be read', async () => {
    expect(await opened('first')).toEqual({ signer: SIGNER, before: [], index: FIRST })
  })

  test('one with schedules, policies and pins can be read', async () => {
    const [backup] = FIRST.backups
    expect(await opened('with-schedules')).toEqual({
      signer: SIGNER,
      before: [],
      index: {
        ...FIRST,
        edition: '8-4d5e6f70',
        schedules: [
          {
            id: SCHEDULE_ID,
            source: 'shop-db',
            project: 'shop',
            type: 'database',
            cron: '33 5 * * *',
            timezone: 'Europe/Berlin',
            enabled: true,
            keep: { daily: 7, weekly: 4, withinMs: 2_592_000_000, minimum: 2 },
            jitterSeconds: 60,
            catchUp: 'once',
          },
        ],
        retention: [{ project: 'shop', type: 'database', keep: { last: 3, yearly: 1 } }],
        backups: [
          {
            ...backup,
            sourceName: 'shop-db',
            scheduleId: SCHEDULE_ID,
            scheduledFor: '2026-11-24T05:33:00.000Z',
            expiryGiven: true,
            pinnedAt: '2026-11-24T05:35:00.000Z',
            verifiedAt: '2026-11-24T05:36:00.000Z',
          },
        ],
      },
    })
  })

  test('one with buckets can be read', async () => {
    const message = (messageId: number, name: string) => ({
      ...{
        messageId,
        fileId: `BQAC-${name}`,
        botId: '123456',
        size: 900 + messageId,
        sha256: 'cd'.repeat(32),
      },
    })
    const photos = {
      id: '5c1d2e3f-8d1b-4c39-9a56-4f3b2d1c0e9f',
      name: 'photos.example',
      kind: 's3',
      project: 'office',
    }
    expect(await opened('with-buckets')).toEqual({
      signer: 'SHA256:BLwZBiM3soJN9UCvwMhXFr5jXHKI6PSDB/237x53SdY=',
      before: [],
      index: {
        ...FIRST,
        edition: '9-8a9b0c1d',
        buckets: [
          {
            id: '3fa3cd5e-8d1b-4c39-9a56-4f3b2d1c0e9f',
            name: 'laptops',
            kind: 'restic',
            project: 'office',
            createdAt: '2026-11-30T08:00:00.000Z',
            undeleteMs: 604_800_000,
            replica: 'wait',
            maxBytes: 1_000_000_000_000,
            snapshotLimitHours: 26,
            lastSnapshotAt: '2026-12-01T05:33:03.000Z',
            checkpoint: {
              id: '9b2f6f0e-0a53-4ac4-8f2e-6a7c1d5e3b20',
              parts: [{ pack: '4bc07c44-0000-4000-8000-000000000001', ...message(21, 'checkpoint') }],
            },
            packs: [{ pack: 'e6141358-0000-4000-8000-000000000002', sequence: 7, ...message(22, 'pack') }],
          },
          { ...photos, createdAt: '2026-12-01T05:00:00.000Z', undeleteMs: 0, replica: 'later' },
        ],
      },
    })
  })
})
