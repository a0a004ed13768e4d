import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  createSchedule,
  type Database,
  drawIndex,
  getBackupById,
  type ImportedBackup,
  importBackup,
  type NewSchedule,
  pinBackup,
  removeSchedule,
  setRetentionPolicy,
  updateSchedule,
} from '#index.ts'
import { CHAT, hash } from '#test/test-send.ts'

const NIGHTLY: NewSchedule = {
  id: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
  source: 'shop-db',
  projectId: 'shop',
  type: 'database',
  cron: '33 5 * * *',
  timezone: 'Europe/Berlin',
  keep: { daily: 7, within_ms: 86_400_000 },
  jitterSeconds: 60,
  catchUp: 'skip',
  nextRunAt: new Date('2026-01-01'),
}
const MOMENT = '2026-01-02T03:04:05.678Z'

/** What the index of a chat says besides where the messages are: schedules, policies, pins, origins. */
export function describeIndexPlans(open: () => Promise<Database>): void {
  describe('plans in the index', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
    })
    afterEach(() => database.close())

    const draw = () => drawIndex(database, CHAT)

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

    test('schedules and policies are in the index of every chat, sorted, without what changes when one fires', async () => {
      expect(await draw()).not.toHaveProperty('schedules')
      expect(await draw()).not.toHaveProperty('retention')
      await createSchedule(database, NIGHTLY)
      await createSchedule(database, {
        ...NIGHTLY,
        id: '11111111-7425-40de-944b-e07fc1f90ae7',
        enabled: false,
        keep: null,
        jitterSeconds: 0,
        catchUp: 'once',
        nextRunAt: null,
      })
      await setRetentionPolicy(database, { project_id: 'shop', type: 'logs', keep: { last: 3 } })
      await setRetentionPolicy(database, { project_id: 'Shop', type: 'storage', keep: {} })
      const shared = { source: 'shop-db', project: 'shop', type: 'database', cron: '33 5 * * *' }
      const drawing = await draw()
      expect(drawing).toMatchObject({
        schedules: [
          {
            ...{ ...shared, id: '11111111-7425-40de-944b-e07fc1f90ae7', timezone: 'Europe/Berlin' },
            ...{ enabled: false, jitterSeconds: 0, catchUp: 'once' },
          },
          {
            ...{ ...shared, id: NIGHTLY.id, timezone: 'Europe/Berlin', enabled: true, jitterSeconds: 60 },
            ...{ catchUp: 'skip', keep: { daily: 7, withinMs: 86_400_000 } },
          },
        ],
        retention: [
          { project: 'Shop', type: 'storage', keep: {} },
          { project: 'shop', type: 'logs', keep: { last: 3 } },
        ],
      })
      expect(drawing.schedules?.[0]).not.toHaveProperty('keep')
      await sql`update control_plane.schedules set next_run_at = now(), last_fired_for = now(), updated_at = now()`.execute(
        database.kysely,
      )
      expect(await draw()).toEqual(drawing)
      expect((await drawIndex(database, '-200')).schedules).toEqual(drawing.schedules)
    })

    test('what a person changes changes the drawing', async () => {
      await createSchedule(database, NIGHTLY)
      const id = NIGHTLY.id as string
      const backup = whole()
      await importBackup(database, backup)
      const changes = [
        () => updateSchedule(database, id, { cron: '1 1 * * *' }),
        () => updateSchedule(database, id, { enabled: false }),
        () => updateSchedule(database, id, { keep: null }),
        () => setRetentionPolicy(database, { project_id: 'shop', type: 'logs', keep: { last: 3 } }),
        () => setRetentionPolicy(database, { project_id: 'shop', type: 'logs', keep: { last: 4 } }),
        () => setRetentionPolicy(database, { project_id: 'shop', type: 'logs', keep: null }),
        () => pinBackup(database, backup.id, true),
        () => pinBackup(database, backup.id, false),
        () => removeSchedule(database, id),
      ]
      let before = JSON.stringify(await draw())
      for (const change of changes) {
        await change()
        const after = JSON.stringify(await draw())
        expect(after).not.toBe(before)
        before = after
      }
    })

    test('a policy that is none of our making is drawn as one that keeps all, and what no index can hold is left out', async () => {
      await createSchedule(database, NIGHTLY)
      await createSchedule(database, { ...NIGHTLY, id: randomUUID(), source: 'x'.repeat(257) })
      await sql`update control_plane.schedules set keep = '{"last": 3, "quarterly": 1}'`.execute(
        database.kysely,
      )
      expect((await draw()).schedules).toMatchObject([{ id: NIGHTLY.id, keep: {} }])
      await sql`update control_plane.schedules set keep = '{"last": "3"}'`.execute(database.kysely)
      expect((await draw()).schedules).toMatchObject([{ id: NIGHTLY.id, keep: {} }])
      await importBackup(database, whole({ sourceName: 'x'.repeat(257) }))
      expect((await draw()).backups[0]).not.toHaveProperty('sourceName')
    })

    test('what each backup was made for comes back from an import as it was drawn', async () => {
      const time = new Date(MOMENT)
      const scheduleId = NIGHTLY.id as string
      const times = { scheduledFor: time, pinnedAt: time, verifiedAt: time }
      await importBackup(database, whole({ sourceName: 'shop-db', scheduleId, expiryGiven: true, ...times }))
      expect((await draw()).backups).toMatchObject([
        {
          ...{ sourceName: 'shop-db', scheduleId, expiryGiven: true },
          ...{ scheduledFor: MOMENT, pinnedAt: MOMENT, verifiedAt: MOMENT },
        },
      ])
    })

    test('better facts from a chat do not take away a pin that was set here', async () => {
      const backup = whole()
      await importBackup(database, backup)
      await pinBackup(database, backup.id, true)
      expect(await importBackup(database, { ...backup, trust: 2, sourceName: 'shop-db' })).toBe('bettered')
      const [drawn] = (await draw()).backups
      expect(drawn).toMatchObject({ pinnedAt: expect.any(String), sourceName: 'shop-db' })
    })

    test('what an index told stays when a manifest alone betters it; a better index has its way', async () => {
      const [time, later] = [new Date(MOMENT), new Date(Date.parse(MOMENT) + 86_400_000)]
      const scheduleId = NIGHTLY.id as string
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
