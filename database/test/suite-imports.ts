import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  chatRecord,
  type Database,
  getBackupDetails,
  type ImportedBackup,
  type ImportedMessage,
  importBackup,
  indexRows,
  learnFileId,
  listMessages,
} from '#index.ts'
import { CHAT, hash, TestSend } from '#test/test-send.ts'

const DAY = new Date('2026-01-02T03:04:05.678Z')

function message(partNumber: number, more: Partial<ImportedMessage> = {}): ImportedMessage {
  return {
    chatId: CHAT,
    kind: partNumber === 0 ? 'manifest' : 'part',
    partNumber,
    state: 'sent',
    messageId: 500 + partNumber,
    fileId: `id${partNumber}`,
    fileName: `f${partNumber}`,
    size: 10,
    sha256: hash('c'),
    ...more,
  }
}

function found(more: Partial<ImportedBackup> = {}): ImportedBackup {
  return {
    id: randomUUID(),
    projectId: 'shop',
    type: 'database',
    state: 'complete',
    filename: 'shop.sql',
    chatId: CHAT,
    encrypted: true,
    createdAt: DAY,
    size: 300,
    archiveSize: 20,
    plainSha256: hash('a'),
    archiveSha256: hash('b'),
    partCount: 2,
    trust: 1,
    messages: [message(1), message(2), message(0)],
    ...more,
  }
}

/** What comes back from a chat. */
export function describeImports(open: () => Promise<Database>): void {
  describe('imports', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
    })
    afterEach(() => database.close())

    test('a whole backup comes back with its times, counts, history and messages', async () => {
      const history = [{ event: 'restored', at: DAY.toISOString(), count: 2 }]
      const backup = found({
        completedAt: new Date('2026-01-02T04:00:00Z'),
        expiresAt: new Date('2027-01-01T00:00:00Z'),
        restoreCount: 2,
        signer: 'ed25519:abc',
        source: { server: '16.1' },
        history,
      })
      expect(await importBackup(database, backup)).toBe('added')
      expect(await getBackupDetails(database, backup.id)).toMatchObject({
        state: 'complete',
        file_id: 'id1',
        created_at: DAY,
        completed_at: backup.completedAt,
        expires_at: backup.expiresAt,
        restore_count: 2,
        signer: 'ed25519:abc',
        manifest: { message_id: 500 },
        parts: [{ message_id: 501 }, { message_id: 502 }],
        history: [{ event: 'recovered', details: { messages: 3, history } }],
      })
      expect((await chatRecord(database, CHAT))?.newestMessageId).toBe(502)
      expect((await indexRows(database, CHAT)).backups).toMatchObject([{ part_messages: [501, 502] }])
      expect(await importBackup(database, backup)).toBe('known')
      expect((await getBackupDetails(database, backup.id))?.history).toHaveLength(1)
    })

    test.each<[string, Partial<ImportedBackup>, object]>([
      [
        'with a part that is gone',
        { damagedAt: DAY, messages: [message(1, { state: 'missing' }), message(2), message(0)] },
        { state: 'complete', file_id: 'id1', damaged_at: DAY },
      ],
      [
        'with a first part of which nobody knows the file',
        {
          damagedAt: DAY,
          messages: [message(1, { state: 'missing', fileId: undefined }), message(2), message(0)],
        },
        { file_id: 'id2' },
      ],
      [
        'without a manifest',
        { damagedAt: DAY, messages: [message(1), message(2)] },
        { manifest: null, file_id: 'id1' },
      ],
      [
        'with nothing but its manifest',
        { damagedAt: DAY, messages: [message(0)] },
        { file_id: 'id0', parts: [] },
      ],
      [
        'of which only some parts were found',
        { state: 'failed', error: 'no manifest', messages: [message(2)], partCount: undefined },
        { state: 'failed', file_id: null, error: 'no manifest', completed_at: null },
      ],
      ['that was being erased', { state: 'erasing' }, { state: 'erasing', file_id: 'id1' }],
      [
        'that was being erased and has nothing left',
        { state: 'erasing', messages: [] },
        { state: 'erasing', file_id: null },
      ],
    ])('a backup %s comes back as it is', async (_, more, expected) => {
      const backup = found(more)
      expect(await importBackup(database, backup)).toBe('added')
      expect(await getBackupDetails(database, backup.id)).toMatchObject(expected)
    })

    test('what the catalog has is never changed; it only gets what it lacks', async () => {
      const send = new TestSend(database)
      await send.begin()
      await send.send(1, 2, 3, 0)
      await send.complete()
      const before = await getBackupDetails(database, send.backupId)
      const other = { id: send.backupId, projectId: 'blog', size: 1, state: 'failed' } as const
      const messages = [1, 2, 3, 0].map(partNumber => message(partNumber, { messageId: 9, size: 99 }))
      expect(await importBackup(database, found({ ...other, messages }))).toBe('known')
      expect(await getBackupDetails(database, send.backupId)).toEqual(before)
      const copies = [message(1, { chatId: '-200', messageId: 7 })]
      // Of a failed one only captions tell, and anybody can write those; and four parts are not to become
      // more.
      expect(await importBackup(database, found({ ...other, messages: copies }))).toBe('known')
      const surplus = [message(4, { chatId: '-200', messageId: 8 })]
      const signed = { ...other, state: 'complete' } as const
      expect(await importBackup(database, found({ ...signed, messages: surplus }))).toBe('known')
      expect(await getBackupDetails(database, send.backupId)).toEqual(before)
      expect(await importBackup(database, found({ ...signed, messages: copies }))).toBe('merged')
      expect(await listMessages(database, send.backupId)).toHaveLength(5)
    })

    test('what is known from a chat only, and less surely, gives way to what is surer, and never the other way', async () => {
      const id = randomUUID()
      const forged = [message(1, { messageId: 7 }), message(2), message(0)]
      const told = { id, trust: 1, state: 'erasing', expiresAt: DAY, messages: forged } as const
      expect(await importBackup(database, found(told))).toBe('added')
      expect(await importBackup(database, found({ id, trust: 1 }))).toBe('known')
      expect(await getBackupDetails(database, id)).toMatchObject({ state: 'erasing', recovered_trust: 1 })
      const expiresAt = new Date(DAY.getTime() + 86_400_000)
      expect(await importBackup(database, found({ id, trust: 2, expiresAt }))).toBe('bettered')
      const bettered = await getBackupDetails(database, id)
      expect(bettered).toMatchObject({ state: 'complete', expires_at: expiresAt, recovered_trust: 2 })
      expect(bettered?.parts.map(part => part.message_id)).toEqual([
        message(1).messageId,
        message(2).messageId,
      ])
      expect(await importBackup(database, found(told))).toBe('known')
      expect(await getBackupDetails(database, id)).toEqual(bettered)
    })

    test('a file id that is lacking is learned, for the same message only', async () => {
      const unread = message(2, { state: 'missing', fileId: undefined })
      const backup = found({ messages: [message(1), unread, message(0)] })
      await importBackup(database, backup)
      const elsewhere = message(2, { messageId: 777 })
      expect(await importBackup(database, { ...backup, messages: [elsewhere] })).toBe('known')
      expect(await importBackup(database, { ...backup, messages: [message(2, { botId: '7' })] })).toBe(
        'merged',
      )
      expect((await listMessages(database, backup.id))[2]).toMatchObject({ file_id: 'id2', bot_id: '7' })
    })

    test('another bot’s file ids are learned message by message', async () => {
      const backup = found({ botId: '1' })
      await importBackup(database, backup)
      for (const partNumber of [1, 2]) {
        const partKey = { backupId: backup.id, chatId: CHAT, kind: 'part' as const, partNumber }
        await learnFileId(database, { partKey, botId: '2', fileId: `new${partNumber}`, fileUniqueId: 'u' })
      }
      expect(await getBackupDetails(database, backup.id)).toMatchObject({
        file_id: 'new1',
        bot_id: '2',
        parts: [
          { file_id: 'new1', bot_id: '2', message_id: 501 },
          { file_id: 'new2', bot_id: '2', message_id: 502 },
        ],
      })
      const partKey = { backupId: backup.id, chatId: CHAT, kind: 'part' as const, partNumber: 9 }
      await expect(learnFileId(database, { partKey, botId: '2', fileId: 'x' })).rejects.toMatchObject({
        code: 'NOT_FOUND',
      })
    })

    test('what cannot be is refused whole', async () => {
      for (const broken of [
        { id: 'x' },
        { projectId: '../x' },
        { messages: [] },
        { messages: [message(1, { fileId: undefined }), message(0)] },
        { messages: [message(1), message(2, { messageId: 0 })] },
        { messages: [message(1), message(2, { sha256: 'x' })] },
        { messages: [message(1), message(1)] },
      ]) {
        const backup = found(broken)
        await expect(importBackup(database, backup)).rejects.toMatchObject({ code: 'INVALID' })
        expect(await getBackupDetails(database, backup.id)).toBeNull()
      }
    })
  })
}
