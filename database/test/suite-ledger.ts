import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  closeSend,
  confirmPart,
  type Database,
  deleteBackup,
  failBackup,
  getBackupById,
  getBackupDetails,
  looked,
  manifestBelow,
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
      for (const partNumber of [1, 2, 3]) {
        await send.intend(partNumber, { plainOffset: (partNumber - 1) * 100, plainSize: 100 })
        expect((await getBackupDetails(database, send.backupId))?.parts.at(-1)).toMatchObject({
          part_no: partNumber,
          state: 'intended',
          message_id: null,
          sent_at: null,
        })
        await send.confirm(partNumber)
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

    test('a backup that begins is told the catalog', async () => {
      const { recentMessages: _, ...catalog } = await new TestSend(database).begin()
      expect(catalog).toEqual({ catalogId: expect.stringMatching(/^[0-9a-f-]{36}$/), generation: 1 })
    })

    describe('the manifest before a message', () => {
      const below = (messageId: number, chatId: string = CHAT): Promise<number | null> =>
        manifestBelow(database, { chatId, messageId })

      test('is the newest below it in its chat, also while its backup is not complete, and none of one that goes', async () => {
        await send.send(1, 2, 3)
        expect(await below(900)).toBeNull()
        await send.send(0)
        expect(await below(501)).toBe(500)
        await send.complete()
        const second = new TestSend(database)
        await second.begin()
        for (const partNumber of [1, 2, 3, 0]) {
          await second.intend(partNumber)
          await second.confirm(partNumber, 600 + partNumber)
        }
        await second.complete()
        expect(await Promise.all([900, 601, 600, 500].map(id => below(id)))).toEqual([600, 600, 500, null])
        expect(await below(900, '-100999')).toBeNull()
        await markPart(database, { ...second.key(0), state: 'damaged' })
        expect(await below(900)).toBe(600)
        await markPart(database, { ...second.key(0), state: 'missing' })
        expect(await below(900)).toBe(500)
        await deleteBackup(database, send.backupId)
        expect(await below(900)).toBeNull()
      })

      test('is none while a call may have made one below that nobody knows of', async () => {
        await send.send(1, 2, 3, 0)
        await send.complete()
        const second = new TestSend(database)
        await second.begin()
        await second.send(1)
        const { sendId, afterMessageId } = await second.intend(0)
        // What it makes is above every message that was known when it began.
        expect(await Promise.all([afterMessageId + 1, afterMessageId + 2].map(id => below(id)))).toEqual([
          500,
          null,
        ])
        await looked(database, sendId, { upTo: 700 })
        expect(await below(701)).toBe(500)
        expect(await below(702)).toBeNull()
        await closeSend(database, sendId)
        expect(await below(702)).toBe(500)
      })
    })

    test('the next backup is told how long ago the messages of the last minute were sent to its chat', async () => {
      const sentAgo = (seconds: number): Date => new Date(Date.now() - seconds * 1000)
      const proof = (partNumber: number) => ({ messageId: 500 + partNumber, fileId: 'f', fileUniqueId: 'u' })
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
      const { recentMessages } = await new TestSend(database).begin()
      const run = send.backupId
      expect(recentMessages.sort((a, b) => a.key.localeCompare(b.key))).toEqual([
        { run, key: `${run}/part/1`, ageMs: expect.any(Number) },
        { run, key: `${run}/part/2`, ageMs: 0 },
        { run, key: `${run}/part/3`, ageMs: expect.any(Number) },
      ])
      const ages = recentMessages.map(({ ageMs }) => ageMs)
      expect(Math.max(...ages)).toBeGreaterThan(27_000)
      expect(Math.min(...ages)).toBeGreaterThanOrEqual(0)
      expect((await new TestSend(database).begin('-100999')).recentMessages).toEqual([])
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
        async () => [
          await send.send(1, 2, 0),
          await send.intend(3, { sizeBytes: 11 }),
          await send.confirm(3),
        ],
      ],
      [
        'plain bytes that do not join',
        async () => {
          for (const partNumber of [1, 2, 3]) {
            await send.intend(partNumber, { plainOffset: partNumber * 100, plainSize: 100 })
            await send.confirm(partNumber)
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
      for (const partNumber of [1, 2, 3]) {
        await send.intend(partNumber, { plainOffset: (partNumber - 1) * 100, plainSize: 100 })
        await send.confirm(partNumber)
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
