import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  acquireLease,
  addSourcePolicy,
  beginRecovery,
  beginRestore,
  beginVerification,
  cancelJob,
  changeTags,
  createApiKey,
  createBackup,
  createJob,
  createSchedule,
  type Database,
  deleteBackup,
  listAudit,
  markErasing,
  markExpired,
  openBackup,
  pinBackup,
  removeSchedule,
  removeSourcePolicies,
  revokeApiKey,
  setRetentionPolicy,
  updateBackup,
  updateSchedule,
} from '#index.ts'

const ACTOR = 'key ci (0b0f7a52)'
const OF = { project_id: 'p', type: 'logs' as const }

/** Each act that somebody may have to answer for leaves one row, with the actor and what it concerns. */
export function describeAuditedActs(open: () => Promise<Database>): void {
  describe('acts in the audit', () => {
    let database: Database
    let id: string
    beforeEach(async () => {
      database = { ...(await open()), actor: ACTOR }
      id = await make()
      await make()
    })
    afterEach(() => database.close())

    const make = async () => (await createBackup(database, { ...OF, file_id: 'f', size: 1 })).id
    const acts = async () =>
      (await listAudit(database, { limit: 99 }))
        .reverse()
        .map(({ act, object, project_id, actor }) => [act, object, project_id, actor])

    test('each act on a backup', async () => {
      const works: [string, (id: string) => Promise<unknown>][] = [
        ['backup.pin', id => pinBackup(database, id, true)],
        ['backup.unpin', id => pinBackup(database, id, false)],
        ['backup.tag', id => changeTags(database, id, { add: ['t'], remove: [] })],
        ['backup.erase', id => deleteBackup(database, id)],
        ['backup.erase', id => updateBackup(database, id, { state: 'erasing' })],
        ['backup.erase', id => markExpired(database, [id])],
        [
          'backup.erase',
          async id => await (await markErasing(database, { backupId: id, evenTheLast: false })).release(),
        ],
        ['backup.restore', id => beginRestore(database, { backupId: id, target: 'staging' })],
        [
          'backup.verify',
          async id => {
            const lease = await acquireLease(database, { subject: id, purpose: 'verify' })
            await beginVerification(database, { backupId: id, kind: 'data', leaseToken: lease?.token ?? '' })
            await lease?.release()
          },
        ],
      ]
      for (const [act, work] of works) {
        const of = await make()
        // The newest one is never expired.
        await make()
        await work(of)
        expect((await acts()).at(-1)).toEqual([act, of, 'p', ACTOR])
      }
      expect(await acts()).toHaveLength(works.length)
    })

    test('an act that is refused or changes nothing leaves no row', async () => {
      await pinBackup(database, randomUUID(), true)
      await changeTags(database, id, { add: [], remove: ['x'] })
      await pinBackup(database, id, true)
      await expect(deleteBackup(database, id)).rejects.toMatchObject({ code: 'CONFLICT' })
      await revokeApiKey(database, randomUUID())
      await removeSchedule(database, randomUUID())
      await removeSourcePolicies(database, { ...OF, source: 'none' })
      expect(await acts()).toEqual([['backup.pin', id, 'p', ACTOR]])
    })

    test('sends, keys, schedules, policies, jobs and recoveries', async () => {
      const backupId = randomUUID()
      const { lease } = await openBackup(database, {
        ...{ backupId, projectId: 'p', type: 'logs', filename: 'f', chatId: '-1', encrypted: true },
        botId: '1',
      })
      await lease.release()
      const { apiKey, key } = await createApiKey(database, { name: 'k', scopes: ['read'], projectId: 'p' })
      await revokeApiKey(database, apiKey.id)
      await revokeApiKey(database, apiKey.id)
      const terms = { source: 's', projectId: 'p', type: 'logs' as const, cron: '@daily', timezone: 'UTC' }
      const schedule = await createSchedule(database, { ...terms, nextRunAt: null })
      await updateSchedule(database, schedule.id, { enabled: false })
      await removeSchedule(database, schedule.id)
      await setRetentionPolicy(database, { ...OF, keep: { last: 3 } })
      await addSourcePolicy(database, { ...OF, source: 's', keep: { last: 3 } })
      await addSourcePolicy(database, { ...OF, source: 's', keep: { last: 3 } })
      await removeSourcePolicies(database, { ...OF, source: 's' })
      const deliver = async () => {}
      const request = { kind: 'backup' as const, projectId: 'p', source: 's' }
      const { job } = await createJob(database, request, deliver)
      await cancelJob({ ...database, actor: 'ann@desk' }, job.id, deliver)
      // Once for each backup that is found.
      await beginRecovery(database)
      await beginRecovery(database)
      expect(await acts()).toEqual([
        ['backup.send', backupId, 'p', ACTOR],
        ['key.create', apiKey.id, 'p', ACTOR],
        ['key.revoke', apiKey.id, 'p', ACTOR],
        ['schedule.create', schedule.id, 'p', ACTOR],
        ['schedule.change', schedule.id, 'p', ACTOR],
        ['schedule.remove', schedule.id, 'p', ACTOR],
        ['retention.change', 'p/logs', 'p', ACTOR],
        ['retention.change', 'p/logs/s', 'p', ACTOR],
        ['retention.change', 'p/logs/s', 'p', ACTOR],
        ['job.request', job.id, 'p', ACTOR],
        ['job.cancel', job.id, 'p', 'ann@desk'],
        ['catalog.recover', expect.any(String), null, ACTOR],
      ])
      const written = JSON.stringify(await listAudit(database, { limit: 99 }))
      expect(written).not.toContain(key)
      expect(written).not.toContain(key.slice(4, 20))
    })
  })
}
