import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  createBucket,
  type Database,
  findObject,
  findPack,
  type ImportedObject,
  type ImportedPack,
  importCheckpoint,
  importObjects,
  importPacks,
  knownMessageIds,
  listObjects,
  newestCheckpoint,
  type ReplayedRecord,
  replayPack,
  settleKnownVersions,
  untoldDeletes,
} from '#index.ts'
import { sha256 } from '#test/test-packs.ts'
import { CHAT } from '#test/test-send.ts'

/** What comes from a chat is hostile, and may come twice. */
export function describeObjectImports(open: () => Promise<Database>): void {
  describe('objects from a chat', () => {
    let database: Database
    let bucketId: string
    beforeEach(async () => {
      database = await open()
      bucketId = (await createBucket(database, { name: 'laptop', kind: 'restic', projectId: 'shop' })).id
    })
    afterEach(() => database.close())

    const newPack = (sequence: number, more: Partial<ImportedPack> = {}): ImportedPack => ({
      id: randomUUID(),
      sequence,
      fileName: 'x.zst.age',
      size: 100,
      sha256: sha256(String(sequence)),
      plainSize: 50,
      encrypted: true,
      messages: [{ chatId: CHAT, messageId: 500 + sequence, fileId: 'f' }],
      ...more,
    })
    const put = (key: string, more: Partial<Extract<ReplayedRecord, { put: string }>> = {}) => ({
      put: key,
      id: randomUUID(),
      size: 10,
      sha256: sha256(key),
      at: '2026-12-01T00:00:00.000Z',
      extents: [{ offset: 0, length: 10 }],
      ...more,
    })
    const keys = async () =>
      (await listObjects(database, { bucketId, prefix: '', limit: 100 })).map(({ key }) => key)

    test('of a pack with good and impossible records the good ones are taken, however often it comes', async () => {
      const pack = newPack(3)
      const good = put('good')
      const records = [
        good,
        put('no id', { id: 'x' }),
        put('\0'),
        put('\ud800'),
        put('long'.repeat(300)),
        put('negative', { size: -1 }),
        put('no hash', { sha256: 'x' }),
        put('no time', { at: 'yesterday' }),
        put('beyond its pack', { extents: [{ offset: 45, length: 10 }] }),
        put('of nowhere', { extents: [{ pack: randomUUID(), offset: 0, length: 10 }] }),
        put('no pack', { extents: [{ pack: "'; --", offset: 0, length: 10 }] }),
        put('too short', { extents: [{ offset: 0, length: 9 }] }),
        put('overlong', { extents: [{ offset: 2 ** 53, length: 10 }] }),
        put('no meta', { meta: { a: '\0' } }),
        { delete: 'x', id: 'x', at: '2026-12-01T00:00:00.000Z' },
        { delete: 'x', id: randomUUID(), at: 'never' },
        { delete: 'unknown', id: randomUUID(), at: '2026-12-01T00:00:00.000Z' },
        { fragment: 'of an object', id: randomUUID(), at: 0, extent: { offset: 10, length: 10 } },
      ]
      for (const _ of [1, 2]) {
        const refused = await replayPack(database, { bucketId, pack, records })
        expect(refused).toHaveLength(14)
        expect(refused.every(({ reason }) => reason.length > 5)).toBe(true)
        expect(await keys()).toEqual(['good', 'no meta'])
      }
      expect((await findObject(database, { bucketId, key: 'good' }))?.object).toMatchObject({
        id: good.id,
        sequence: 3,
      })
      expect(await knownMessageIds(database, CHAT, { after: 0, upTo: 1_000 })).toEqual(new Set([503]))
    })

    test.each<Partial<ImportedPack>>([
      { id: 'x' },
      { sequence: 0 },
      { sequence: 2 ** 52 },
      { size: 0 },
      { plainSize: -1 },
      { sha256: 'A'.repeat(64) },
      { fileName: '\0' },
      { messages: [{ chatId: '', messageId: 1 }] },
      { messages: [{ chatId: CHAT, messageId: 0 }] },
      { messages: [{ chatId: CHAT, messageId: 1, sentAt: new Date(Number.NaN) }] },
      { checkpoint: { id: 'x', partNumber: 1 } },
    ])('a pack with %j is refused, and those beside it are taken', async more => {
      const packs = [newPack(1), newPack(2, more), newPack(3)]
      expect(await importPacks(database, { bucketId, packs })).toHaveLength(1)
      expect(await findPack(database, packs[2]?.id ?? '')).toMatchObject({ sequence: 3, state: 'sent' })
    })

    test('a pack of another bucket, or with the number of another pack, is refused', async () => {
      const other = await createBucket(database, { name: 'other', kind: 'restic', projectId: 'shop' })
      const pack = newPack(1)
      expect(await importPacks(database, { bucketId, packs: [pack, newPack(1), pack] })).toHaveLength(1)
      expect(await importPacks(database, { bucketId: other.id, packs: [pack] })).toHaveLength(1)
      expect(await replayPack(database, { bucketId: other.id, pack, records: [put('a')] })).toHaveLength(1)
      expect(await keys()).toEqual([])
    })

    test('a checkpoint gives its objects, live and deleted, also those whose record is gone', async () => {
      const part = newPack(9)
      const held = newPack(1)
      const checkpoint = {
        id: randomUUID(),
        createdAt: new Date(),
        coversUpTo: 8,
        coversNot: [4],
        partCount: 1,
      }
      await importCheckpoint(database, { bucketId, checkpoint })
      const packs = [{ ...part, checkpoint: { id: checkpoint.id, partNumber: 1 } }, held]
      expect(await importPacks(database, { bucketId, packs })).toEqual([])
      const listed = (key: string, more: Partial<ImportedObject> = {}): ImportedObject => ({
        id: randomUUID(),
        key,
        size: 10,
        sha256: sha256(key),
        storedAt: new Date('2026-12-01T00:00:00Z'),
        extents: [{ packId: held.id, offset: 0, length: 10 }],
        packId: randomUUID(),
        sequence: 2,
        ...more,
      })
      const objects = [
        listed('a', { packId: held.id }),
        listed('b'),
        listed('c', { deletedAt: new Date('2026-12-02T00:00:00Z') }),
        listed('d', { sequence: -1 }),
        listed('e', { packId: 'x' }),
      ]
      for (const _ of [1, 2]) {
        const refused = await importObjects(database, { bucketId, checkpointPack: part.id, objects })
        expect(refused.map(({ key }) => key)).toEqual(['d', 'e'])
      }
      expect(await keys()).toEqual(['a', 'b'])
      expect(await untoldDeletes(database, { bucketId, limit: 9 })).toEqual([])
      expect(await newestCheckpoint(database, bucketId)).toMatchObject({
        checkpoint: { id: checkpoint.id, covers_up_to: 8, covers_not: [4], indexed_at: null },
        parts: [{ id: part.id, part_no: 1 }],
      })
      const older = { ...checkpoint, id: randomUUID(), coversUpTo: 3 }
      await importCheckpoint(database, { bucketId, checkpoint: older })
      expect((await newestCheckpoint(database, bucketId))?.checkpoint.id).toBe(checkpoint.id)
    })

    test('a version whose bytes are nowhere overwrites the one before, also one that comes late', async () => {
      const [first, second, third] = [newPack(1), newPack(2), newPack(3)]
      const lost = put('a', { extents: [{ pack: randomUUID(), offset: 0, length: 10 }] })
      const replay = async (pack: ImportedPack, records: ReplayedRecord[]) =>
        (await replayPack(database, { bucketId, pack, records })).map(({ id }) => id)
      expect(await replay(first, [put('a'), put('b')])).toEqual([])
      expect(await replay(second, [lost])).toEqual([lost.id])
      expect(await keys()).toEqual(['b'])
      expect(await replay(third, [put('a')])).toEqual([])
      // By now a later version is there.
      expect(await replay(second, [lost])).toEqual([])
      expect(await keys()).toEqual(['a', 'b'])
    })

    test('a version that was moved is not lost with the pack from which it was moved', async () => {
      const [first, second, part] = [newPack(1), newPack(2), newPack(3)]
      const old = put('a')
      const moved = put('a', { moves: old.id })
      await replayPack(database, { bucketId, pack: first, records: [old] })
      await replayPack(database, { bucketId, pack: second, records: [moved] })
      await database.kysely
        .updateTable('packs')
        .set({ state: 'erased', erased_at: new Date() })
        .where('id', '=', first.id)
        .execute()
      await importPacks(database, { bucketId, packs: [part] })
      const listed = {
        ...{ id: old.id, key: 'a', size: 10, sha256: old.sha256, storedAt: new Date(old.at) },
        ...{ extents: [{ packId: first.id, offset: 0, length: 10 }], packId: first.id, sequence: 1 },
      }
      const unknown = { ...listed, id: randomUUID(), key: 'b' }
      const of = { bucketId, checkpointPack: part.id }
      const refused = await importObjects(database, {
        ...of,
        objects: [listed, unknown, { ...unknown, id: randomUUID(), key: 'c', deletedAt: new Date() }],
      })
      expect(refused.map(({ key }) => key)).toEqual(['b'])
      const again = [old, moved].map(record => ({
        ...record,
        extents: [{ pack: first.id, offset: 0, length: 10 }],
      }))
      expect(await replayPack(database, { bucketId, pack: second, records: again })).toEqual([])
      expect((await findObject(database, { bucketId, key: 'a' }))?.object.id).toBe(moved.id)
    })

    test('a deleted version that was moved after the checkpoint stays deleted when a known bucket is read again', async () => {
      const [first, second, third, part] = [newPack(1), newPack(2), newPack(3), newPack(4)]
      const old = put('a')
      const at = '2026-12-02T00:00:00.000Z'
      const moved = put('a', { moves: old.id })
      await replayPack(database, { bucketId, pack: first, records: [old] })
      await replayPack(database, { bucketId, pack: second, records: [{ delete: 'a', id: old.id, at }] })
      await replayPack(database, { bucketId, pack: third, records: [moved] })
      await database.kysely
        .updateTable('packs')
        .set({ state: 'erased', erased_at: new Date() })
        .where('id', '=', first.id)
        .execute()
      const listed: ImportedObject = {
        ...{ id: old.id, key: 'a', size: 10, sha256: old.sha256, storedAt: new Date(old.at) },
        ...{ extents: [{ packId: first.id, offset: 0, length: 10 }], packId: first.id, sequence: 1 },
        deletedAt: new Date(at),
      }
      const versions = new Map([[old.id, new Date(at)]])
      await settleKnownVersions(database, { bucketId, upTo: 2, not: [], versions })
      await importPacks(database, { bucketId, packs: [part] })
      await importObjects(database, { bucketId, checkpointPack: part.id, objects: [listed] })
      await replayPack(database, { bucketId, pack: third, records: [moved] })
      expect(await keys()).toEqual([])
    })
  })
}
