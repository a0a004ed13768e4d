import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  claimNotice,
  closeNotice,
  type Database,
  getAlert,
  listAlerts,
  listAudit,
  muteAlert,
  noteConditions,
  openAlerts,
  pruneEndedAlerts,
} from '#index.ts'

/** Alerts after their end, and mutes. */
export function describeAlerts(open: () => Promise<Database>): void {
  describe('alerts', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
    })
    afterEach(() => database.close())

    const find = (keys: string[], newest?: Date) =>
      noteConditions(database, {
        found: keys.map(key => ({
          key,
          kind: 'overdue',
          details: { project: key },
          notice: { text: `bad ${key}` },
          newest: newest && { at: newest, notice: { text: `worse ${key}` } },
        })),
        kinds: ['overdue'],
        quietForMs: 60_000,
        channels: ['chat'],
        newsEveryMs: 0,
        recovery: ({ key }) => ({ text: `good ${key}` }),
      })

    async function told(): Promise<unknown[]> {
      const texts: unknown[] = []
      for (;;) {
        const notice = await claimNotice(database, { channels: ['chat'], claimForMs: 60_000 })
        if (notice === null) return texts
        texts.push(notice.notice['text'])
        await closeNotice(database, { ...notice, wasTold: true })
      }
    }

    /** All open alerts are found wrong no longer. */
    async function end(): Promise<void> {
      await sql`update control_plane.alerts set seen_at = seen_at - interval '1 hour'`.execute(
        database.kysely,
      )
      await find([])
    }
    const idOf = async (key: string): Promise<string> =>
      (await openAlerts(database)).find(alert => alert.key === key)?.id ?? ''
    const unmute = () =>
      sql`update control_plane.alerts set muted_until = clock_timestamp() - interval '1 second'`.execute(
        database.kysely,
      )

    test('an alert that has ended stays in the list for 400 days, with the same id', async () => {
      await find(['a'])
      const id = await idOf('a')
      await end()
      await find(['b'])
      const keys = async (state: 'open' | 'ended' | 'all', more = {}) =>
        (await listAlerts(database, { state, limit: 9, ...more })).map(({ key }) => key)
      expect(await keys('open')).toEqual(['b'])
      expect(await keys('ended')).toEqual(['a'])
      expect(await keys('all')).toEqual(['b', 'a'])
      expect(await keys('all', { projectId: 'a' })).toEqual(['a'])
      const [newest] = await listAlerts(database, { state: 'all', limit: 1 })
      const after = { createdAt: newest?.since as Date, id: newest?.id as string }
      expect(await keys('all', { after })).toEqual(['a'])
      expect(await getAlert(database, id)).toMatchObject({ key: 'a', ended_at: expect.any(Date) })
      expect(await getAlert(database, await idOf('b'))).toMatchObject({ key: 'b', ended_at: null })
      for (const none of [randomUUID(), 'x']) expect(await getAlert(database, none)).toBeNull()

      expect(await pruneEndedAlerts(database, { limit: 9 })).toBe(0)
      await sql`update control_plane.ended_alerts set ended_at = ended_at - interval '401 days'`.execute(
        database.kysely,
      )
      expect(await pruneEndedAlerts(database, { limit: 9 })).toBe(1)
      expect(await keys('ended')).toEqual([])
    })

    test('a muted alert that grows is silent until the end of the mute; its end is announced', async () => {
      const first = new Date('2026-11-25T10:00:00Z')
      const second = new Date('2026-11-25T11:00:00Z')
      await find(['a'], first)
      expect(await told()).toEqual(['bad a'])
      const muted = await muteAlert({ ...database, actor: 'ann' }, { id: await idOf('a'), minutes: 5 })
      expect(muted).toMatchObject({ muted_by: 'ann', ended_at: null })
      expect((muted?.muted_until?.getTime() ?? 0) - Date.now()).toBeGreaterThan(4 * 60_000)
      await find(['a'], second)
      expect(await told()).toEqual([])
      await unmute()
      await find(['a'], second)
      await find(['a'], second)
      expect(await told()).toEqual(['worse a'])
      await muteAlert(database, { id: await idOf('a'), minutes: 5 })
      await end()
      expect(await told()).toEqual(['good a'])
    })

    test('a mute outlasts its alert: one that comes back is announced after it, and never if it has ended by then', async () => {
      await find(['a'])
      await told()
      await muteAlert(database, { id: await idOf('a'), minutes: 5 })
      await end()
      expect(await told()).toEqual(['good a'])
      await find(['a', 'b'])
      expect(await told()).toEqual(['bad b'])
      await end()
      expect(await told()).toEqual(['good b'])
      await find(['a'])
      expect(await told()).toEqual([])
      await unmute()
      const raised = (await Promise.all([1, 2, 3].map(() => find(['a'])))).flatMap(one => one.raised)
      expect(raised).toHaveLength(1)
      expect(await told()).toEqual(['bad a'])
    })

    test('a mute is in the audit; 0 minutes end it; what has ended or is unknown cannot be muted', async () => {
      await find(['shop'])
      const id = await idOf('shop')
      await muteAlert({ ...database, actor: 'ann' }, { id, minutes: 60 })
      expect(await muteAlert({ ...database, actor: 'bob' }, { id, minutes: 0 })).toMatchObject({
        muted_until: null,
        muted_by: null,
      })
      expect(await listAudit(database, { object: id, limit: 9 })).toMatchObject([
        { act: 'alert.unmute', actor: 'bob', project_id: 'shop' },
        { act: 'alert.mute', actor: 'ann', project_id: 'shop', details: { minutes: 60, alert: 'shop' } },
      ])
      await end()
      for (const none of [id, randomUUID(), 'x']) {
        expect(await muteAlert(database, { id: none, minutes: 1 })).toBeNull()
      }
      await expect(muteAlert(database, { id, minutes: -1 })).rejects.toMatchObject({ code: 'INVALID' })
      expect(await listAudit(database, { object: id, limit: 9 })).toHaveLength(2)
    })
  })
}
