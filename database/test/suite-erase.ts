import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  beginErasing,
  chatMoved,
  createBackup,
  type Database,
  deleteBackup,
  failBackup,
  finishErase,
  getBackupById,
  hasBegunErasing,
  type Lease,
  learnFileId,
  listHistory,
  listMessages,
  markDamaged,
  markErasing,
  markPart,
  mayErase,
  notePart,
} from '#index.ts'
import { CHAT, TestSend } from '#test/test-send.ts'

/** What goes, what may not go, and in which order. */
export function describeErase(open: () => Promise<Database>): void {
  describe('erase', () => {
    let database: Database
    const leases: Lease[] = []
    beforeEach(async () => {
      database = await open()
    })
    afterEach(async () => {
      for (const lease of leases.splice(0)) await lease.release()
      await database.close()
    })

    async function complete(): Promise<string> {
      const send = new TestSend(database)
      await send.begin()
      await send.send(1, 2, 3, 0)
      await send.complete()
      return send.backupId
    }

    async function mark(backupId: string, evenTheLast = false): Promise<Lease> {
      const lease = await markErasing(database, { backupId, evenTheLast })
      leases.push(lease)
      return lease
    }

    test('who writes about a message waits for who has its backup without standing in their way', async () => {
      const backupId = await complete()
      const partKey = { backupId, chatId: CHAT, kind: 'part', partNumber: 1 } as const
      const writes: Promise<void>[] = []
      await database.kysely.transaction().execute(async trx => {
        await trx.selectFrom('backups').select('id').where('id', '=', backupId).forUpdate().execute()
        writes.push(learnFileId(database, { partKey, botId: '43', fileId: 'theirs' }))
        writes.push(markPart(database, { ...partKey, partNumber: 2, state: 'missing' }))
        await delay(200)
        const parts = trx.selectFrom('backup_parts').select('part_no').where('backup_id', '=', backupId)
        expect(await parts.forUpdate().noWait().execute()).toHaveLength(4)
      })
      await Promise.all(writes)
      expect((await listMessages(database, backupId)).map(({ state }) => state)).toContain('missing')
    })

    test('what stays in a group that has become a supergroup keeps no backup from being erased', async () => {
      await complete()
      const backupId = await complete()
      const { token: leaseToken } = await mark(backupId)
      await expect(finishErase(database, { backupId, leaseToken })).rejects.toMatchObject({
        code: 'CONFLICT',
      })
      await chatMoved(database, { from: CHAT, to: '-100124' })
      await finishErase(database, { backupId, leaseToken })
      expect((await getBackupById(database, backupId))?.state).toBe('erased')
    })

    test('a backup is marked, its messages go one by one, and then it is gone', async () => {
      await complete()
      const backupId = await complete()
      const { token: leaseToken } = await mark(backupId)
      expect((await getBackupById(database, backupId))?.state).toBe('erasing')
      const messages = await listMessages(database, backupId)
      expect(messages.map(({ kind, part_no }) => [kind, part_no])).toEqual([
        ['manifest', 0],
        ['part', 1],
        ['part', 2],
        ['part', 3],
      ])
      const [kept, ...others] = messages.map(({ kind, part_no: partNumber, chat_id: chatId }) => ({
        ...{ backupId, kind, partNumber, chatId, leaseToken },
      }))
      for (const key of others) await markPart(database, { ...key, state: 'erased' })
      const key = kept ?? expect.fail('no manifest')
      await notePart(database, { ...key, error: 'not enough rights' })
      expect((await listMessages(database, backupId))[0]).toMatchObject({
        state: 'sent',
        error: 'not enough rights',
      })
      await expect(finishErase(database, { backupId, leaseToken })).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining('1 messages'),
      })
      await markPart(database, { ...key, state: 'tombstone' })
      await finishErase(database, { backupId, leaseToken })
      expect((await getBackupById(database, backupId))?.state).toBe('erased')
      expect((await listHistory(database, backupId)).map(({ event }) => event)).toEqual([
        'sending',
        'complete',
        'erasing',
        'erased',
      ])
      await expect(mark(backupId)).rejects.toMatchObject({ code: 'CONFLICT' })
      await expect(finishErase(database, { backupId })).rejects.toMatchObject({ code: 'CONFLICT' })
    })

    test('the last good backup of its project and type stays, unless it is said by name', async () => {
      const last = await complete()
      await createBackup(database, { project_id: 'shop', type: 'logs', file_id: 'f', size: 1 })
      await createBackup(database, { project_id: 'blog', type: 'database', file_id: 'f', size: 1 })
      await expect(mark(last)).rejects.toMatchObject({
        code: 'LAST_BACKUP',
        hint: expect.stringContaining('--even-the-last'),
      })
      expect((await getBackupById(database, last))?.state).toBe('complete')
      const damaged = await complete()
      await markDamaged(database, { backupId: damaged, error: 'x' })
      await expect(mark(last)).rejects.toMatchObject({ code: 'LAST_BACKUP' })
      await mark(damaged)
      await mark(last, true)
      expect((await listHistory(database, last)).at(-1)).toMatchObject({
        event: 'erasing',
        details: { even_the_last: true },
      })
      expect(await mayErase(database, last)).toBe(true)
    })

    test('of two who want to erase the last two backups at once, one is refused', async () => {
      const both = [await complete(), await complete()]
      const outcomes = await Promise.allSettled(both.map(id => mark(id)))
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    })

    test('an erase that has begun is remembered once, and only by whoever holds the lease', async () => {
      await complete()
      const backupId = await complete()
      const lease = await mark(backupId)
      expect(await hasBegunErasing(database, backupId)).toBe(false)
      await expect(beginErasing(database, { backupId, leaseToken: randomUUID() })).rejects.toMatchObject({
        code: 'LEASE_LOST',
      })
      for (const _ of [1, 2]) await beginErasing(database, { backupId, leaseToken: lease.token })
      expect(await hasBegunErasing(database, backupId)).toBe(true)
      const events = (await listHistory(database, backupId)).filter(({ event }) => event === 'erasing_begun')
      expect(events).toHaveLength(1)
      await lease.release()
    })

    test('a marked backup may go when it is not the last good one, was approved, or is partly gone', async () => {
      const first = await complete()
      const second = await complete()
      expect(await mayErase(database, first)).toBe(false)
      await deleteBackup(database, first)
      expect(await mayErase(database, first)).toBe(true)
      await deleteBackup(database, second)
      expect(await mayErase(database, first)).toBe(false)
      expect(await mayErase(database, second)).toBe(false)
      await markPart(database, {
        backupId: first,
        chatId: CHAT,
        kind: 'part',
        partNumber: 2,
        state: 'tombstone',
      })
      expect(await mayErase(database, first)).toBe(true)
      await (await mark(second)).release()
      expect(await mayErase(database, second)).toBe(false)
      await (await mark(second, true)).release()
      expect(await mayErase(database, second)).toBe(true)
      expect(await mayErase(database, randomUUID())).toBe(false)
    })

    test('a failed backup may always go, one that is being sent never, and one at a time works on it', async () => {
      const send = new TestSend(database)
      await send.begin()
      await send.lease.release()
      const { backupId } = send
      await expect(mark(backupId)).rejects.toMatchObject({
        code: 'CONFLICT',
        hint: expect.stringContaining('reconcile'),
      })
      await failBackup(database, { backupId, error: 'x' })
      await mark(backupId)
      expect(await mayErase(database, backupId)).toBe(true)
      await expect(mark(backupId)).rejects.toMatchObject({ code: 'BUSY' })
      await expect(mark(randomUUID())).rejects.toMatchObject({ code: 'NOT_FOUND' })
    })
  })
}
