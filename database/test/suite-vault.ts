import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  beginCopy,
  beginIndex,
  catalogIdentity,
  chatMoved,
  chatRecord,
  closeSend,
  confirmIndex,
  currentChat,
  type Database,
  dueLeftovers,
  forgetIndex,
  forgetLeftover,
  hasUnfinishedWork,
  intendIndexEdition,
  keepLeftover,
  keepUnsure,
  knownMessageIds,
  looked,
  openSends,
  putOffLeftover,
  takeOver,
  withIndexLock,
} from '#index.ts'
import { CHAT, hash, TestSend } from '#test/test-send.ts'

const BOT = '42'
const index = {
  chatId: CHAT,
  messageId: 700,
  fileId: 'f',
  botId: BOT,
  sha256: hash('a'),
  edition: 'one',
  contentSha256: hash('b'),
}

/** What is known of a chat besides its backups. */
export function describeVault(open: () => Promise<Database>): void {
  describe('vault', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
    })
    afterEach(() => database.close())

    async function age(sendId: string, minutes: number): Promise<void> {
      await sql`update control_plane.open_sends set begun_at = begun_at - ${minutes} * interval '1 minute'
        where id = ${sendId}`.execute(database.kysely)
    }

    test('a call is open until its message is proven, and knows which messages are older', async () => {
      const send = new TestSend(database)
      await send.begin()
      expect((await send.intend(1)).afterMessageId).toBe(0)
      await send.confirm(1)
      const { sendId, afterMessageId } = await send.intend(2, { plainOffset: 100, plainSize: 50 })
      expect(afterMessageId).toBe(501)
      expect(await openSends(database)).toEqual([
        {
          id: sendId,
          chatId: CHAT,
          botId: null,
          purpose: 'part',
          backupId: send.backupId,
          evidenceId: null,
          packId: null,
          partNumber: 2,
          sourceMessageId: null,
          sha256: hash('c'),
          sizeBytes: 10,
          fileName: 'f2',
          plainOffset: 100,
          plainSize: 50,
          afterMessageId: 501,
          begunAt: expect.any(Date),
          lookedForUntil: expect.any(Date),
        },
      ])
      await send.intend(0)
      await send.confirm(2)
      expect(await openSends(database, { backupId: send.backupId })).toMatchObject([{ purpose: 'manifest' }])
      expect(await openSends(database, { backupId: null })).toEqual([])
      expect(await openSends(database, { chatId: '-1' })).toEqual([])
    })

    test('a message that is sent again keeps the call before open, whichever of them is proven', async () => {
      const send = new TestSend(database)
      await send.begin()
      const first = await send.intend(1)
      const second = await send.intend(1)
      expect(await openSends(database)).toHaveLength(2)
      await send.confirm(1, 501, CHAT, first.sendId)
      expect(await openSends(database)).toMatchObject([{ id: second.sendId }])
      await closeSend(database, second.sendId)
      await closeSend(database, second.sendId)
      expect(await openSends(database)).toEqual([])
    })

    test('a call that was looked for is looked for further up, and after 15 minutes no more', async () => {
      const copy = await beginCopy(database, { chatId: CHAT, botId: BOT, sourceMessageId: 5 })
      await looked(database, copy.sendId, { upTo: 30 })
      await looked(database, copy.sendId, { upTo: 20 })
      expect(await openSends(database, { backupId: null })).toMatchObject([
        { purpose: 'copy', botId: BOT, sourceMessageId: 5, afterMessageId: 30 },
      ])
      expect((await beginIndex(database, { chatId: CHAT, botId: BOT })).afterMessageId).toBe(30)
      await age(copy.sendId, 14)
      await looked(database, copy.sendId, { upTo: 31 })
      expect(await openSends(database)).toHaveLength(2)
      await age(copy.sendId, 2)
      await looked(database, copy.sendId, { upTo: 31, hasMore: true })
      expect(await openSends(database)).toHaveLength(2)
      await looked(database, copy.sendId, { upTo: 32 })
      expect(await openSends(database)).toMatchObject([{ purpose: 'index' }])
      expect((await chatRecord(database, CHAT))?.newestMessageId).toBe(32)
      await looked(database, copy.sendId, { upTo: 33 })
    })

    test('known are the messages of backups in any state, and the index', async () => {
      const send = new TestSend(database)
      await send.begin()
      await send.send(1, 2, 3)
      await confirmIndex(database, index)
      const known = (after: number, upTo: number) => knownMessageIds(database, CHAT, { after, upTo })
      expect(await known(0, 1000)).toEqual(new Set([501, 502, 503, 700]))
      expect(await known(501, 503)).toEqual(new Set([502, 503]))
      expect(await known(503, 699)).toEqual(new Set())
      expect(await knownMessageIds(database, '-1', { after: 0, upTo: 1000 })).toEqual(new Set())
    })

    test('the message of an index that another one replaces stays known until it is gone', async () => {
      await confirmIndex(database, index)
      await intendIndexEdition(database, CHAT, 'two')
      await confirmIndex(database, { ...index, edition: 'two' })
      expect(await dueLeftovers(database, CHAT)).toEqual([])
      await confirmIndex(database, { ...index, messageId: 800 })
      await keepLeftover(database, { chatId: CHAT, messageId: 750, isTombstone: true })
      expect(await dueLeftovers(database, CHAT)).toEqual([700])
      const known = () => knownMessageIds(database, CHAT, { after: 0, upTo: 1000 })
      expect(await known()).toEqual(new Set([700, 750, 800]))
      await forgetLeftover(database, { chatId: CHAT, messageId: 700 })
      await forgetLeftover(database, { chatId: CHAT, messageId: 700 })
      expect(await dueLeftovers(database, CHAT)).toEqual([])
      expect(await known()).toEqual(new Set([750, 800]))
    })

    test('what cannot be removed is tried again, less and less often; what may be a person’s never', async () => {
      const leftover = { chatId: CHAT, messageId: 5 }
      await keepLeftover(database, leftover)
      await keepUnsure(database, { chatId: CHAT, messageId: 6 })
      await keepUnsure(database, leftover)
      expect(await dueLeftovers(database, CHAT)).toEqual([5])
      expect(await dueLeftovers(database, '-1')).toEqual([])
      const pauses: number[] = []
      for (let tries = 0; tries < 12; tries++) {
        await putOffLeftover(database, leftover)
        expect(await dueLeftovers(database, CHAT)).toEqual([])
        const { rows } = await sql<{ hours: number }>`
          select extract(epoch from next_try_at - clock_timestamp())::float8 / 3600 as hours
            from control_plane.remnants where message_id = 5`.execute(database.kysely)
        pauses.push(Math.round(rows[0]?.hours ?? 0))
      }
      expect(pauses.slice(0, 4)).toEqual([1, 2, 4, 8])
      expect(pauses.at(-1)).toBe(7 * 24)
      await sql`update control_plane.remnants set next_try_at = now()`.execute(database.kysely)
      expect(await dueLeftovers(database, CHAT)).toEqual([5])
      const known = await knownMessageIds(database, CHAT, { after: 0, upTo: 10 })
      expect(known).toEqual(new Set([5, 6]))
    })

    test('one query tells whether there is unfinished work', async () => {
      expect(await hasUnfinishedWork(database)).toBe(false)
      await beginCopy(database, { chatId: CHAT, botId: BOT, sourceMessageId: 5 })
      expect(await hasUnfinishedWork(database)).toBe(false)
      await new TestSend(database).begin()
      expect(await hasUnfinishedWork(database)).toBe(true)
    })

    test('the index is announced, proven, announced in its next edition, and forgotten', async () => {
      expect(await chatRecord(database, CHAT)).toBeNull()
      const { sendId } = await beginIndex(database, { chatId: CHAT, botId: BOT })
      expect(await openSends(database)).toMatchObject([{ purpose: 'index', botId: BOT }])
      await confirmIndex(database, { ...index, sendId })
      expect(await openSends(database)).toEqual([])
      const { chatId, ...proven } = index
      expect(await chatRecord(database, CHAT)).toEqual({
        chatId,
        newestMessageId: 700,
        movedTo: null,
        index: { ...proven, nextEdition: null },
      })
      await intendIndexEdition(database, CHAT, 'two')
      expect((await chatRecord(database, CHAT))?.index).toEqual({ ...proven, nextEdition: 'two' })
      await confirmIndex(database, { ...index, edition: 'two' })
      expect((await chatRecord(database, CHAT))?.index).toEqual({
        ...proven,
        edition: 'two',
        nextEdition: null,
      })
      const opened = await new TestSend(database).begin()
      expect(opened.indexMessageId).toBe(700)
      await forgetIndex(database, CHAT)
      expect(await chatRecord(database, CHAT)).toMatchObject({ index: null, newestMessageId: 700 })
    })

    test('an index that another process has written since is not written over', async () => {
      const edition = async () => (await chatRecord(database, CHAT))?.index
      await confirmIndex(database, { ...index, edition: '1-a' })
      await intendIndexEdition(database, CHAT, '2-a')
      await intendIndexEdition(database, CHAT, '3-b')
      const late = { ...index, edition: '2-a' }
      await expect(confirmIndex(database, late)).rejects.toMatchObject({ code: 'CONFLICT' })
      await confirmIndex(database, { ...index, edition: '3-b' })
      await confirmIndex(database, { ...index, edition: '3-b' })
      await expect(confirmIndex(database, late)).rejects.toMatchObject({ code: 'CONFLICT' })
      expect(await edition()).toMatchObject({ messageId: 700, edition: '3-b', nextEdition: null })
      const { sendId } = await beginIndex(database, { chatId: CHAT, botId: BOT })
      await confirmIndex(database, { ...index, messageId: 800, edition: '2-c', sendId })
      expect(await edition()).toMatchObject({ messageId: 800, edition: '3-b' })
      await expect(confirmIndex(database, { ...index, edition: '4-d' })).rejects.toMatchObject({
        code: 'CONFLICT',
      })
      await confirmIndex(database, { ...index, messageId: 900, edition: '9-e' })
      expect(await edition()).toMatchObject({ messageId: 900, edition: '9-e' })
    })

    test('a chat that moved is followed, also twice, and never in a circle', async () => {
      await chatMoved(database, { from: '-1', to: '-1001' })
      await chatMoved(database, { from: '-1', to: '-1001' })
      expect(await chatRecord(database, '-1')).toMatchObject({ movedTo: '-1001' })
      await chatMoved(database, { from: '-1001', to: '-1002' })
      expect(await currentChat(database, '-1')).toBe('-1002')
      expect(await currentChat(database, '-9')).toBe('-9')
      await expect(chatMoved(database, { from: '-1002', to: '-1' })).rejects.toMatchObject({
        code: 'CONFLICT',
      })
      await expect(chatMoved(database, { from: '-1', to: '-1' })).rejects.toMatchObject({ code: 'CONFLICT' })
    })

    test('one at a time works on the index of a chat, and the others get their turn', async () => {
      let at = 0
      let most = 0
      const work = async (): Promise<number> => {
        at += 1
        most = Math.max(most, at)
        await catalogIdentity(database)
        await delay(5)
        at -= 1
        return at
      }
      const turns = [1, 2, 3, 4, 5, 6, 7, 8].map(() => withIndexLock(database, CHAT, work))
      expect(await Promise.all(turns)).toEqual(turns.map(() => 0))
      expect(most).toBe(1)
    })

    test('the lock of an index goes with whoever failed, and other chats have their own', async () => {
      const failing = withIndexLock(database, CHAT, async () => {
        expect(await withIndexLock(database, '-2', async () => 'inside')).toBe('inside')
        throw new Error('the chat is away')
      })
      await expect(failing).rejects.toThrow('the chat is away')
      expect(await withIndexLock(database, CHAT, async () => 'next')).toBe('next')
    })

    test('an empty catalog takes the identity over, another one only the generation', async () => {
      const own = await catalogIdentity(database)
      expect(own).toMatchObject({ generation: 1, isEmpty: true })
      const other = '00000000-0000-4000-8000-000000000001'
      await takeOver(database, { catalogId: other, generation: 3 })
      expect(await catalogIdentity(database)).toEqual({
        catalogId: other,
        generation: 3,
        isEmpty: true,
        isRecovering: false,
      })
      await new TestSend(database).begin()
      await takeOver(database, { catalogId: own.catalogId, generation: 5 })
      await takeOver(database, { catalogId: own.catalogId, generation: 4 })
      expect(await catalogIdentity(database)).toEqual({
        catalogId: other,
        generation: 5,
        isEmpty: false,
        isRecovering: false,
      })
    })
  })
}
