import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  createBackup,
  type Database,
  failBackup,
  getBackupById,
  getBackupDetails,
  intendPart,
  markPart,
} from '#index.ts'
import { CHAT, hash, TestSend } from '#test/test-send.ts'

/** What is known about single messages. */
export function describeParts(open: () => Promise<Database>): void {
  describe('parts', () => {
    let database: Database
    let send: TestSend
    beforeEach(async () => {
      database = await open()
      send = new TestSend(database)
      await send.begin()
    })
    afterEach(() => database.close())

    test('a message may be intended again until it is proven, and confirmed again as the same message only', async () => {
      await send.intend(1)
      await send.intend(1, { sizeBytes: 12 })
      await send.confirm(1)
      await send.confirm(1)
      expect((await getBackupDetails(database, send.backupId))?.parts).toMatchObject([
        { size: 12, message_id: 501 },
      ])
      await expect(send.intend(1)).rejects.toMatchObject({ code: 'CONFLICT' })
      await expect(send.confirm(1, 777)).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining('501'),
      })
      await expect(send.confirm(2)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    })

    test('a complete backup may get a copy in another chat, which does not count as its own part', async () => {
      await send.send(1, 2, 3, 0)
      await send.complete()
      await send.intend(1, { chatId: '-200' })
      await send.confirm(1, 9001, '-200')
      const parts = (await getBackupDetails(database, send.backupId))?.parts.map(part => [
        part.chat_id,
        part.part_no,
      ])
      expect(parts).toEqual([
        [CHAT, 1],
        [CHAT, 2],
        [CHAT, 3],
        ['-200', 1],
      ])
      expect((await getBackupById(database, send.backupId))?.file_id).toBe('id1')
    })

    test('a complete backup may have a part repaired, and the history keeps the message that was given up', async () => {
      await send.send(1, 2, 3, 0)
      await send.complete()
      await expect(send.intend(4)).rejects.toMatchObject({ code: 'CONFLICT' })
      await expect(send.intend(2)).rejects.toMatchObject({ code: 'CONFLICT' })
      await markPart(database, {
        ...send.key(2),
        leaseToken: send.token,
        state: 'damaged',
        error: 'wrong\0 hash \ud800',
      })
      await send.intend(2)
      await send.confirm(2, 777)
      const details = await getBackupDetails(database, send.backupId)
      expect(details?.parts[1]).toMatchObject({ state: 'sent', message_id: 777, error: null })
      expect(details?.history.slice(-2)).toMatchObject([
        { event: 'part_damaged', details: { part_no: 2, message_id: 502, error: 'wrong hash \ufffd' } },
        { event: 'part_replaced', details: { part_no: 2, message_id: 502, state: 'damaged', chat_id: CHAT } },
      ])
    })

    test('marks say what became of a message; damage goes into the history, and erased is the end', async () => {
      await send.send(1, 2)
      await markPart(database, {
        ...send.key(1),
        leaseToken: send.token,
        state: 'missing',
        error: 'message not found',
      })
      await send.confirm(1, 900)
      await markPart(database, {
        ...send.key(1),
        leaseToken: send.token,
        state: 'tombstone',
        error: 'older than 48 hours',
      })
      await markPart(database, { ...send.key(2), leaseToken: send.token, state: 'erased' })
      const details = await getBackupDetails(database, send.backupId)
      expect(details?.parts).toMatchObject([
        { state: 'tombstone', message_id: 900, error: 'older than 48 hours', erased_at: expect.any(Date) },
        { state: 'erased', erased_at: expect.any(Date) },
      ])
      expect(details?.history.at(-1)).toMatchObject({
        event: 'part_missing',
        details: { part_no: 1, message_id: 501 },
      })
      await expect(
        markPart(database, { ...send.key(2), leaseToken: send.token, state: 'damaged' }),
      ).rejects.toMatchObject({
        code: 'CONFLICT',
      })
      await expect(send.confirm(2)).rejects.toMatchObject({ code: 'CONFLICT' })
      await expect(
        markPart(database, { ...send.key(9), leaseToken: send.token, state: 'missing' }),
      ).rejects.toMatchObject({
        code: 'NOT_FOUND',
      })
    })

    test('what cannot be is refused', async () => {
      const manifest = {
        ...send.key(0),
        leaseToken: send.token,
        fileName: 'm',
        sizeBytes: 1,
        sha256: hash('c'),
      }
      for (const broken of [
        { partNumber: 1 },
        { kind: 'part' },
        { sizeBytes: -1 },
        { sha256: 'x' },
        { backupId: 'x' },
        { chatId: '' },
      ]) {
        await expect(intendPart(database, { ...manifest, ...(broken as object) })).rejects.toMatchObject({
          code: 'INVALID',
        })
      }
      await expect(send.confirm(0, 0)).rejects.toMatchObject({ code: 'INVALID' })
      const unknown = { backupId: randomUUID(), leaseToken: undefined }
      await expect(intendPart(database, { ...manifest, ...unknown })).rejects.toMatchObject({
        code: 'NOT_FOUND',
      })
      await expect(send.complete(unknown)).rejects.toMatchObject({ code: 'NOT_FOUND' })
      await expect(failBackup(database, { ...unknown, error: 'x' })).rejects.toMatchObject({
        code: 'NOT_FOUND',
      })
      await expect(send.begin()).rejects.toMatchObject({ code: 'CONFLICT' })
      expect(
        await createBackup(database, { project_id: 'shop', type: 'logs', file_id: 'f', size: 0 }),
      ).toMatchObject({ chat_id: null })
    })
  })
}
