import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type Database,
  getBackupById,
  type ImportedBackup,
  importBackup,
  indexRows,
  pinBackup,
} from '#index.ts'
import { CHAT, hash } from '#test/test-send.ts'

const SCHEDULE_ID = '7c9e6679-7425-40de-944b-e07fc1f90ae7'
const MOMENT = '2026-01-02T03:04:05.678Z'

/** What the rows for the index say of a backup besides where its messages are: pin and origin. */
export function describeIndexOrigins(open: () => Promise<Database>): void {
  describe('origins in the index', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
    })
    afterEach(() => database.close())

    const drawn = async () => (await indexRows(database, CHAT)).backups

    function whole(more: Partial<ImportedBackup> = {}): ImportedBackup {
      const messages = [1, 0].map(partNumber => ({
        ...{ chatId: CHAT, kind: partNumber === 0 ? ('manifest' as const) : ('part' as const), partNumber },
        ...{ state: 'sent' as const, messageId: 500 + partNumber, fileId: 'id', fileName: 'f', size: 10 },
        sha256: hash('c'),
      }))
      return {
        ...{ id: randomUUID(), projectId: 'shop', type: 'database', state: 'complete', filename: 'shop.sql' },
        ...{ chatId: CHAT, encrypted: true, createdAt: new Date(MOMENT), size: 300, archiveSize: 20 },
        ...{ plainSha256: hash('a'), partCount: 1, messages, trust: 1 },
        ...more,
      }
    }

    test('what each backup was made for comes back from an import as it was drawn', async () => {
      const time = new Date(MOMENT)
      const scheduleId = SCHEDULE_ID
      const times = { scheduledFor: time, pinnedAt: time, verifiedAt: time }
      await importBackup(database, whole({ sourceName: 'shop-db', scheduleId, expiryGiven: true, ...times }))
      expect(await drawn()).toMatchObject([
        {
          ...{ source_name: 'shop-db', schedule_id: scheduleId, expiry_given: true },
          ...{ scheduled_for: time, pinned_at: time, verified_at: time },
        },
      ])
    })

    test('better facts from a chat do not take away a pin that was set here', async () => {
      const backup = whole()
      await importBackup(database, backup)
      await pinBackup(database, backup.id, true)
      expect(await importBackup(database, { ...backup, trust: 2, sourceName: 'shop-db' })).toBe('bettered')
      expect(await drawn()).toMatchObject([{ pinned_at: expect.any(Date), source_name: 'shop-db' }])
    })

    test('what an index told stays when a manifest alone betters it; a better index has its way', async () => {
      const [time, later] = [new Date(MOMENT), new Date(Date.parse(MOMENT) + 86_400_000)]
      const scheduleId = SCHEDULE_ID
      const times = { scheduledFor: time, verifiedAt: time }
      const told = { sourceName: 'shop-db', scheduleId, ...times, expiryGiven: true, expiresAt: later }
      const first = { ...whole(told), trust: 0 as const }
      await importBackup(database, first)
      const byManifest = { ...whole({ id: first.id, expiresAt: time, isUnindexed: true }), trust: 1 as const }
      expect(await importBackup(database, byManifest)).toBe('bettered')
      expect(await getBackupById(database, first.id)).toMatchObject({
        ...{ source_name: 'shop-db', schedule_id: scheduleId, scheduled_for: time, verified_at: time },
        ...{ expiry_given: true, expires_at: later, recovered_trust: 1 },
      })
      const byIndex = { ...whole({ id: first.id, expiresAt: time }), trust: 2 as const }
      expect(await importBackup(database, byIndex)).toBe('bettered')
      expect(await getBackupById(database, first.id)).toMatchObject({
        ...{ source_name: null, schedule_id: null, scheduled_for: null, verified_at: null },
        ...{ expiry_given: false, expires_at: time },
      })
    })

    test.each([
      ['a source with a zero character', { sourceName: 'a\0' }],
      ['a schedule that is no UUID', { scheduleId: 'x' }],
      ['a time that is none', { pinnedAt: new Date(Number.NaN) }],
    ])('%s is refused', async (_what, bad) => {
      await expect(importBackup(database, whole(bad))).rejects.toMatchObject({ code: 'INVALID' })
    })
  })
}
