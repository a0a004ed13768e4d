import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  beginRestore,
  chatMoved,
  confirmPart,
  createBackup,
  type Database,
  deleteBackup,
  finishRestore,
  type ImportedMessage,
  importBackup,
  indexRows,
  intendPart,
  learnFileId,
  markDamaged,
  markPart,
  sealBackup,
  sealedManifest,
  unevenMessages,
} from '#index.ts'
import { nextMillisecond } from '#test/clock.ts'
import { CHAT, hash, TestSend } from '#test/test-send.ts'

const REPLICA = '-200'

/** What the catalog has for the index of a chat, and what its second chat lacks. */
export function describeIndexRows(open: () => Promise<Database>): void {
  describe('rows for the index', () => {
    let database: Database
    beforeEach(async () => {
      database = await open()
    })
    afterEach(() => database.close())

    async function sealed(signer?: string): Promise<TestSend> {
      const send = new TestSend(database)
      await send.begin()
      await send.send(1, 2, 3)
      await sealBackup(database, {
        backupId: send.backupId,
        size: 300,
        archiveSize: 30,
        plainSha256: hash('a'),
        archiveSha256: hash('b'),
        partCount: 3,
        source: { server: '16.1' },
        signer,
        manifest: Buffer.from('the manifest'),
        leaseToken: send.token,
      })
      return send
    }

    async function complete(signer?: string): Promise<TestSend> {
      const send = await sealed(signer)
      await send.send(0)
      await send.completeSealed()
      return send
    }

    async function copy(send: TestSend, ...partNumbers: number[]): Promise<void> {
      for (const partNumber of partNumbers) {
        await send.intend(partNumber, { chatId: REPLICA })
        await send.confirm(partNumber, 900 + partNumber, REPLICA)
      }
    }

    test('a sealed backup can be finished by whoever finds it', async () => {
      const send = await sealed('ed25519:abc')
      expect((await sealedManifest(database, send.backupId))?.toString()).toBe('the manifest')
      await expect(send.completeSealed()).rejects.toMatchObject({ code: 'CONFLICT' })
      await send.send(0)
      expect(await send.completeSealed()).toMatchObject({
        state: 'complete',
        size: 300,
        archive_size: 30,
        plain_sha256: hash('a'),
        archive_sha256: hash('b'),
        part_count: 3,
        source: { server: '16.1' },
        signer: 'ed25519:abc',
      })
      expect(await sealedManifest(database, send.backupId)).toBeNull()
    })

    test('one that is not sealed cannot', async () => {
      const send = new TestSend(database)
      await send.begin()
      await send.send(1, 0)
      await expect(send.completeSealed()).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining('sealed'),
      })
    })

    test('the index tells all of each live backup', async () => {
      const empty = { movedFrom: [], signers: [], backups: [] }
      expect(await indexRows(database, CHAT)).toEqual(empty)
      const send = await complete('ed25519:b')
      const { backupId } = send
      for (const _ of [1, 2]) {
        const { id } = await beginRestore(database, { backupId, target: 'a folder' })
        await finishRestore(database, id, { bytes: 300 })
      }
      await markDamaged(database, { backupId, error: 'x' })
      const iso = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      expect(await indexRows(database, CHAT)).toEqual({
        ...empty,
        signers: ['ed25519:b'],
        backups: [
          {
            id: backupId,
            project_id: 'shop',
            type: 'database',
            filename: 'shop.sql',
            state: 'complete',
            created_at: expect.any(Date),
            completed_at: expect.any(Date),
            expires_at: expect.any(Date),
            size: 300,
            plain_sha256: hash('a'),
            archive_size: 30,
            part_count: 3,
            encrypted: true,
            restore_count: 2,
            ...{ source_name: null, schedule_id: null, scheduled_for: null, expiry_given: false, tags: [] },
            ...{ pinned_at: null, verified_at: null, damaged_at: expect.any(Date) },
            signer: 'ed25519:b',
            ...{ manifest_message_id: 500, manifest_file_id: 'id0', manifest_bot_id: null },
            ...{ manifest_size: 10, manifest_sha256: hash('c') },
            part_messages: [501, 502, 503],
            history: [
              { event: 'complete', at: iso, count: 1 },
              { event: 'damaged', at: iso, count: 1 },
              { event: 'restored', at: iso, count: 2 },
              { event: 'sending', at: iso, count: 1 },
            ],
          },
        ],
      })
    })

    test('a group that has moved says which ids it had, and vouches for those who signed there', async () => {
      await complete('ed25519:a')
      await chatMoved(database, { from: CHAT, to: '-100999' })
      const rows = await indexRows(database, '-100999')
      expect(rows).toEqual({ movedFrom: [CHAT], signers: ['ed25519:a'], backups: [] })
      expect((await indexRows(database, CHAT)).movedFrom).toEqual([])
    })

    test('whose the file id of a manifest is, is said where it is known', async () => {
      const send = await complete()
      const row = async () => (await indexRows(database, CHAT)).backups[0]
      expect(await row()).toMatchObject({ manifest_file_id: 'id0', manifest_bot_id: null })
      await learnFileId(database, { partKey: send.key(0), botId: '42', fileId: 'new' })
      expect(await row()).toMatchObject({ manifest_file_id: 'new', manifest_bot_id: '42' })
    })

    test('what happened before the catalog was rebuilt, once or several times, is added up', async () => {
      const [old, middle, late] = ['2026-01-01', '2026-01-02', '2026-01-03'].map(
        day => `${day}T00:00:00.000Z`,
      )
      if (!old || !middle || !late) throw new Error('three times')
      const message = (partNumber: number): ImportedMessage => ({
        ...{ chatId: CHAT, kind: partNumber === 0 ? 'manifest' : 'part', partNumber, state: 'sent' },
        ...{ messageId: 500 + partNumber, fileId: 'id', fileName: 'f', size: 10, sha256: hash('c') },
      })
      const backupId = randomUUID()
      await importBackup(database, {
        ...{ id: backupId, projectId: 'shop', type: 'database', state: 'complete', filename: 'shop.sql' },
        ...{ chatId: CHAT, encrypted: true, createdAt: new Date(old), size: 300, archiveSize: 20 },
        ...{ plainSha256: hash('a'), partCount: 1, messages: [message(1), message(0)], trust: 1 },
        history: [
          { event: 'recovered', at: middle, count: 2 },
          { event: 'restored', at: late, count: 5 },
          // What an index may hold that was never checked.
          ...['2026-02-31T99:00:00Z', '99999-01-01', 'infinity'].map(at => ({ event: 'bad', at, count: 1 })),
          ...[-1, 0.5, 1e300].map(count => ({ event: 'bad', at: late, count })),
          { event: 'often', at: late, count: 2_000_000_000 },
          { event: 'often', at: late, count: 2_000_000_000 },
        ],
      })
      const { id } = await beginRestore(database, { backupId, target: 'a folder' })
      await finishRestore(database, id, { bytes: 300 })
      const { history } = (await indexRows(database, CHAT)).backups[0] ?? {}
      expect(history?.map(({ event, count }) => [event, count])).toEqual([
        ['often', 1_000_000],
        ['recovered', 3],
        ['restored', 6],
      ])
      expect(history?.every(({ at }) => at >= late)).toBe(true)
    })

    test('equal catalogs give equal rows, oldest first; those that go are marked, others are not in it', async () => {
      const first = await complete('b')
      const second = await complete('a')
      const third = await complete('b')
      await sql`update control_plane.backups set created_at = '2026-01-02' where id = ${first.backupId}`.execute(
        database.kysely,
      )
      await sql`update control_plane.backups set created_at = '2026-01-01' where id <> ${first.backupId}`.execute(
        database.kysely,
      )
      await sealed()
      await createBackup(database, { project_id: 'shop', type: 'logs', file_id: 'f', size: 1 })
      await deleteBackup(database, second.backupId)
      const rows = await indexRows(database, CHAT)
      expect(await indexRows(database, CHAT)).toEqual(rows)
      expect(rows.signers).toEqual(['a', 'b'])
      const ids = [...[second.backupId, third.backupId].sort(), first.backupId]
      expect(rows.backups.map(({ id, state }) => [id, state])).toEqual(
        ids.map(id => [id, id === second.backupId ? 'erasing' : 'complete']),
      )
      expect((await indexRows(database, REPLICA)).backups).toEqual([])
    })

    test('a part that is being repaired keeps its place, and a second chat lists what it has wholly', async () => {
      const send = await complete()
      await markPart(database, { ...send.key(2), state: 'missing' })
      await send.intend(2)
      expect((await indexRows(database, CHAT)).backups[0]?.part_messages).toEqual([501, 502, 503])
      await send.confirm(2, 777)
      expect((await indexRows(database, CHAT)).backups[0]?.part_messages).toEqual([501, 777, 503])
      await copy(send, 1, 3, 0)
      expect((await indexRows(database, REPLICA)).backups).toEqual([])
      await copy(send, 2)
      expect((await indexRows(database, REPLICA)).backups).toMatchObject([
        { manifest_message_id: 900, part_messages: [901, 902, 903] },
      ])
    })

    test('what one of two chats lacks and the other has', async () => {
      const copied = await complete()
      await nextMillisecond(database)
      const fresh = await complete()
      await copy(copied, 1, 2, 3, 0)
      await copy(fresh, 1)
      await intendPart(database, {
        ...fresh.key(2, REPLICA),
        fileName: 'f',
        sizeBytes: 10,
        sha256: hash('c'),
      })
      const uneven = async () =>
        (await unevenMessages(database, { chatId: CHAT, replicaChatId: REPLICA })).map(
          ({ backupId, whole, toChatId, wasSent }) => [backupId, whole.message_id, toChatId, wasSent],
        )
      const missing = [
        [fresh.backupId, 502, REPLICA, false],
        [fresh.backupId, 503, REPLICA, false],
        [fresh.backupId, 500, REPLICA, false],
      ]
      expect(await uneven()).toEqual(missing)
      await markPart(database, { ...copied.key(2), state: 'missing' })
      await markPart(database, { ...copied.key(3, REPLICA), state: 'damaged' })
      await markPart(database, { ...copied.key(1), state: 'missing' })
      await markPart(database, { ...copied.key(1, REPLICA), state: 'missing' })
      expect(await uneven()).toEqual([
        [copied.backupId, 902, CHAT, true],
        [copied.backupId, 503, REPLICA, true],
        ...missing,
      ])
      await confirmPart(database, { ...copied.key(2), messageId: 801, fileId: 'f' })
      expect(await uneven()).toHaveLength(4)
    })
  })
}
