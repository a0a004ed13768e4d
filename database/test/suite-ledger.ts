import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  confirmPart,
  type Database,
  deleteBackup,
  failBackup,
  getBackupById,
  getBackupDetails,
  markPart,
  updateBackup,
} from '#index.ts'
import { CHAT, hash, TestSend } from '#test/test-send.ts'

/** A send from its beginning to its end, good or bad. */
export function describeLedger(open: () => Promise<Database>): void {
  describe('ledger', () => {
    let database: Database
    let send: TestSend
    beforeEach(async () => {
      database = await open()
      send = new TestSend(database)
      await send.begin()
    })
    afterEach(() => database.close())

    test('a send from the first intent to the commit mark', async () => {
      expect(await getBackupById(database, send.backupId)).toMatchObject({
        state: 'sending',
        file_id: null,
        size: 0,
        chat_id: CHAT,
      })
      for (const partNo of [1, 2, 3]) {
        await send.intend(partNo, { plainOffset: (partNo - 1) * 100, plainSize: 100 })
        expect((await getBackupDetails(database, send.backupId))?.parts.at(-1)).toMatchObject({
          part_no: partNo,
          state: 'intended',
          message_id: null,
          sent_at: null,
        })
        await send.confirm(partNo)
      }
      expect((await getBackupDetails(database, send.backupId))?.manifest).toBeNull()
      await send.send(0)
      expect(await send.complete()).toMatchObject({
        state: 'complete',
        file_id: 'id1',
        size: 300,
        archive_size: 30,
        part_count: 3,
        source: { server: '15.2' },
      })
      const details = await getBackupDetails(database, send.backupId)
      expect(
        details?.parts.map(({ part_no, message_id, state, size }) => [part_no, message_id, state, size]),
      ).toEqual([
        [1, 501, 'sent', 10],
        [2, 502, 'sent', 10],
        [3, 503, 'sent', 10],
      ])
      expect(details?.parts[0]).toMatchObject({
        file_id: 'id1',
        file_unique_id: 'u1',
        sha256: hash('c'),
        plain_offset: 0,
        plain_size: 100,
      })
      expect(details?.manifest).toEqual({
        message_id: 500,
        bot_id: null,
        file_id: 'id0',
        chat_id: CHAT,
        state: 'sent',
        size: 10,
        sha256: hash('c'),
      })
      expect(details?.history.map(({ event }) => event)).toEqual(['sending', 'complete'])
    })

    test('the next backup is told the catalog and the newest complete manifest of its chat', async () => {
      const first = await new TestSend(database).begin()
      const { recentAgesMs: _, ...catalog } = first
      expect(catalog).toEqual({ catalogId: expect.stringMatching(/^[0-9a-f-]{36}$/), generation: 1 })
      const previous = async (chatId?: string): Promise<number | undefined> => {
        const { previousManifestMessageId, ...rest } = await new TestSend(database).begin(chatId)
        expect(rest).toMatchObject(catalog)
        return previousManifestMessageId
      }
      await send.send(1, 2, 3, 0)
      expect(await previous()).toBeUndefined()
      await send.complete()
      expect(await previous()).toBe(500)
      expect(await previous('-100999')).toBeUndefined()
      await deleteBackup(database, send.backupId)
      expect(await previous()).toBeUndefined()
    })

    test('the next backup is told how long ago the messages of the last minute were sent to its chat', async () => {
      const sentAgo = (seconds: number): Date => new Date(Date.now() - seconds * 1000)
      const proof = (partNo: number) => ({ messageId: 500 + partNo, fileId: 'f', fileUniqueId: 'u' })
      await send.send(1)
      await send.intend(2)
      await send.intend(3)
      await confirmPart(database, {
        ...send.key(3),
        leaseToken: send.token,
        ...proof(3),
        sentAt: sentAgo(30),
      })
      await send.intend(0)
      await confirmPart(database, {
        ...send.key(0),
        leaseToken: send.token,
        ...proof(0),
        sentAt: sentAgo(300),
      })
      const { recentAgesMs } = await new TestSend(database).begin()
      expect(recentAgesMs).toHaveLength(3)
      expect(Math.max(...recentAgesMs)).toBeGreaterThanOrEqual(28_000)
      expect(Math.min(...recentAgesMs)).toBeGreaterThanOrEqual(0)
      expect((await new TestSend(database).begin('-100999')).recentAgesMs).toEqual([])
    })

    test.each([
      ['a part that was only intended', async () => [await send.send(1, 2, 0), await send.intend(3)]],
      ['a missing part', async () => await send.send(1, 3, 0)],
      ['a surplus part', async () => await send.send(1, 2, 3, 4, 0)],
      ['no manifest', async () => await send.send(1, 2, 3)],
      [
        'a part that was found damaged',
        async () => [
          await send.send(1, 2, 3, 0),
          await markPart(database, { ...send.key(2), leaseToken: send.token, state: 'damaged' }),
        ],
      ],
      [
        'sizes that do not add up',
        async () => [await send.send(1, 2, 0), await send.intend(3, { size: 11 }), await send.confirm(3)],
      ],
      [
        'plain bytes that do not join',
        async () => {
          for (const partNo of [1, 2, 3]) {
            await send.intend(partNo, { plainOffset: partNo * 100, plainSize: 100 })
            await send.confirm(partNo)
          }
          await send.send(0)
        },
      ],
    ])('a backup with %s cannot be completed, and nothing changes', async (_, prepare) => {
      await prepare()
      const before = await getBackupDetails(database, send.backupId)
      await expect(send.complete()).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining('not complete'),
      })
      expect(await getBackupDetails(database, send.backupId)).toEqual(before)
    })

    test('plain sizes that are not the backup’s size are refused', async () => {
      for (const partNo of [1, 2, 3]) {
        await send.intend(partNo, { plainOffset: (partNo - 1) * 100, plainSize: 100 })
        await send.confirm(partNo)
      }
      await send.send(0)
      await expect(send.complete({ size: 301 })).rejects.toMatchObject({ code: 'CONFLICT' })
      expect((await send.complete()).state).toBe('complete')
    })

    test('a failed send keeps its parts and its reason, takes no more intents, and can be resumed', async () => {
      await send.send(1)
      await send.intend(2)
      await failBackup(database, {
        backupId: send.backupId,
        leaseToken: send.token,
        error: 'the network\0 went away',
      })
      const failed = await getBackupDetails(database, send.backupId)
      expect(failed).toMatchObject({
        state: 'failed',
        error: 'the network went away',
        parts: [{ state: 'sent' }, { state: 'intended' }],
      })
      expect(failed?.history.at(-1)).toMatchObject({
        event: 'failed',
        details: { error: 'the network went away' },
      })
      await expect(send.intend(3)).rejects.toMatchObject({ code: 'CONFLICT' })
      await expect(send.complete()).rejects.toMatchObject({ code: 'CONFLICT' })
      await expect(
        failBackup(database, { backupId: send.backupId, leaseToken: send.token, error: 'again' }),
      ).rejects.toMatchObject({
        code: 'CONFLICT',
      })

      // The answer was lost, but the message was found in the chat.
      await send.confirm(2)
      expect(await updateBackup(database, send.backupId, { state: 'sending' })).toMatchObject({
        state: 'sending',
        error: null,
      })
      await send.send(3, 0)
      expect((await send.complete()).state).toBe('complete')
    })

    test('a backup that is being sent cannot be deleted under its sender', async () => {
      await expect(deleteBackup(database, send.backupId)).rejects.toMatchObject({
        code: 'CONFLICT',
        hint: expect.stringContaining('reconcile'),
      })
      expect((await getBackupById(database, send.backupId))?.state).toBe('sending')
    })
  })
}
