import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  abandonPack,
  abandonUpload,
  beginUpload,
  bucketFacts,
  changeBucket,
  closeSend,
  confirmPack,
  type Database,
  deadPacks,
  deleteObject,
  findObject,
  findObjects,
  listObjects,
  openSends,
  purgeObjects,
  putInCatalog,
  unfinishedUploads,
  untoldDeletes,
  usedBytes,
} from '#index.ts'
import { applyPuts } from '#objects/packs/records.ts'
import { sha256, TestWriter } from '#test/test-packs.ts'
import { CHAT } from '#test/test-send.ts'

/** Objects, and the packs that bring them. */
export function describeObjects(open: () => Promise<Database>): void {
  describe('objects', () => {
    let database: Database
    let writer: TestWriter
    beforeEach(async () => {
      database = await open()
      writer = await TestWriter.start(database)
    })
    afterEach(async () => {
      await writer.lease.release()
      await database.close()
    })

    const find = (key: string) => findObject(database, { bucketId: writer.bucket.id, key })
    const keys = async (prefix = '') =>
      (await listObjects(database, { bucketId: writer.bucket.id, prefix, limit: 100 })).map(({ key }) => key)
    const used = async () => (await usedBytes(database, writer.bucket.id)).usedBytes

    test('objects are there once their pack is proven, all at once, and not before', async () => {
      const pack = await writer.reserve()
      expect(pack).toMatchObject({ sequence: 1, names: [], indexMessageId: undefined })
      const puts = [writer.put(pack, 'data/a'), writer.put(pack, 'data/b', { size: 0 })]
      await writer.intend(pack, { puts })
      expect([await keys(), await used()]).toEqual([[], 10])
      expect(await openSends(database)).toMatchObject([
        { purpose: 'pack', packId: pack.packId, sizeBytes: 100 },
      ])
      await writer.confirm(pack)
      expect(await keys()).toEqual(['data/a', 'data/b'])
      expect(await find('data/a')).toMatchObject({
        object: {
          id: puts[0]?.id,
          state: 'live',
          size: 10,
          sha256: sha256('data/a'),
          pack_id: pack.packId,
          sequence: 1,
        },
        extents: [{ packId: pack.packId, offset: 0, length: 10 }],
        content: null,
      })
      expect(await openSends(database)).toEqual([])
      expect(await find('data/c')).toBeNull()
    })

    test('a put overwrites the version before; the greater number wins in whatever order packs are proven', async () => {
      const first = await writer.reserve()
      const second = await writer.reserve()
      const [old, young] = [writer.put(first, 'k'), writer.put(second, 'k', { size: 20 })]
      await writer.intend(first, { puts: [old] })
      await writer.intend(second, { puts: [young] })
      await writer.confirm(second)
      await writer.confirm(first)
      expect((await find('k'))?.object.id).toBe(young.id)
      expect(await used()).toBe(20)
      await writer.send(['k'])
      expect((await find('k'))?.object).toMatchObject({ size: 10, sequence: 3 })
      expect(await used()).toBe(10)
    })

    test('several keys are looked up at once: only what is live is found', async () => {
      const { id: bucketId } = writer.bucket
      await writer.send(['a', 'b', 'gone'])
      await deleteObject(database, { bucketId, key: 'gone' })
      const found = await findObjects(database, { bucketId, keys: ['b', 'none', 'a', 'gone', 'a'] })
      const alone = await Promise.all(['a', 'b'].map(find))
      const expected = alone.map(one => [one?.object.key, { object: one?.object, extents: one?.extents }])
      expect([...found].sort()).toEqual(expected)
      expect(await findObjects(database, { bucketId: randomUUID(), keys: ['a'] })).toEqual(new Map())
    })

    test('a pack is confirmed without reading the other objects of its bucket, also before any statistics', async () => {
      const keysBefore = Array.from({ length: 1_000 }, (_, no) => `data/${no}`)
      await writer.send(keysBefore)
      const pack = await writer.reserve()
      await writer.intend(pack, { puts: keysBefore.slice(0, 20).map(key => writer.put(pack, key)) })
      // Of this session, as far as it has not told the server's statistics: within a transaction it does not.
      const rowsRead = sql<{ rows: number }>`
        select seq_tup_read + idx_tup_fetch as rows from pg_catalog.pg_stat_xact_user_tables where relname = 'objects'`
      const read = await database.kysely.transaction().execute(async trx => {
        const before = (await rowsRead.execute(trx)).rows[0]?.rows ?? 0
        await applyPuts(trx, { bucketId: writer.bucket.id, packId: pack.packId })
        return ((await rowsRead.execute(trx)).rows[0]?.rows ?? 0) - before
      })
      expect(read).toBeGreaterThan(20)
      expect(read).toBeLessThan(1_000)
    })

    test('an abandoned pack leaves nothing, and what it should have told is told by another', async () => {
      await writer.send(['k'])
      const gone = await deleteObject(database, { bucketId: writer.bucket.id, key: 'k' })
      const pack = await writer.reserve()
      expect(pack.names).toHaveLength(1)
      await writer.intend(pack, { puts: [writer.put(pack, 'x')], deletes: [gone?.id ?? ''] })
      await expect(abandonPack(database, pack)).rejects.toMatchObject({ code: 'CONFLICT' })
      await closeSend(database, pack.sendId ?? '')
      await expect(abandonPack(database, pack)).rejects.toMatchObject({ code: 'CONFLICT' })
      expect(await abandonPack(database, { ...pack, lease: writer.lease })).toBe(true)
      expect(await abandonPack(database, { ...pack, lease: writer.lease })).toBe(false)
      expect([await keys(), await used()]).toEqual([[], 0])
      await expect(writer.confirm(pack)).rejects.toMatchObject({ code: 'NOT_FOUND' })
      expect((await writer.reserve()).names).toHaveLength(1)
    })

    test('a message is confirmed once: again with the same id, never with another', async () => {
      const pack = await writer.send(['k'])
      const again = { packId: pack.packId, chatId: CHAT, fileId: 'f', lease: writer.lease }
      await confirmPack(database, { ...again, messageId: 1_001 })
      await expect(confirmPack(database, { ...again, messageId: 1_002 })).rejects.toMatchObject({
        code: 'CONFLICT',
      })
      const other = { ...again, messageId: 1_001, lease: { subject: randomUUID(), token: randomUUID() } }
      await expect(confirmPack(database, other)).rejects.toMatchObject({ code: 'LEASE_LOST' })
    })

    test('an upload protects its fragments until its object is there, or it is given up', async () => {
      const { bucket, lease } = writer
      const [whole, given] = [randomUUID(), randomUUID()]
      for (const uploadId of [whole, given]) {
        await beginUpload(database, { uploadId, bucketId: bucket.id, key: 'big', lease })
      }
      const fragment = await writer.send([], { uploadId: whole })
      await writer.send([], { uploadId: given })
      const dead = async () =>
        (await deadPacks(database, { bucketId: bucket.id, limit: 9 })).map(({ sequence }) => sequence)
      expect([await dead(), await unfinishedUploads(database)]).toEqual([[], []])
      await expect(abandonUpload(database, { uploadId: given })).rejects.toMatchObject({ code: 'CONFLICT' })
      await abandonUpload(database, { uploadId: given, lease })
      expect(await dead()).toEqual([2])
      const last = await writer.reserve()
      const extents = [fragment, last].map(({ packId }) => ({ packId, offset: 0, length: 80 }))
      const put = writer.put(last, 'big', { id: whole, size: 160, extents })
      await writer.intend(last, { puts: [put], uploadId: whole })
      await writer.confirm(last)
      await abandonUpload(database, { uploadId: whole, lease })
      expect((await find('big'))?.extents).toEqual(extents)
      expect(await dead()).toEqual([2])
    })

    test('what a pack refers to has smaller numbers: else it is refused before it is sent', async () => {
      const early = await writer.reserve()
      const { packId } = await writer.send(['k'])
      const gone = await deleteObject(database, { bucketId: writer.bucket.id, key: 'k' })
      const elsewhere = { extents: [{ packId, offset: 0, length: 10 }] }
      const late = [
        writer.intend(early, { puts: [writer.put(early, 'x', elsewhere)] }),
        writer.intend(early, { puts: [writer.put(early, 'k', { moves: gone?.id })] }),
        writer.intend(early, { deletes: [gone?.id ?? ''] }),
      ]
      for (const refused of await Promise.allSettled(late)) {
        expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'CONFLICT' } })
      }
      const untold = { bucketId: writer.bucket.id, limit: 9 }
      expect(await untoldDeletes(database, { ...untold, sequence: early.sequence })).toEqual([])
      expect(await untoldDeletes(database, untold)).toHaveLength(1)
      const never = { ...early, sequence: 1_000 }
      await expect(writer.intend(never)).rejects.toMatchObject({ code: 'CONFLICT' })
    })

    test('a version is kept while a pack under way is older, and no older pack is begun when it is gone', async () => {
      const { bucket } = writer
      await changeBucket(database, bucket.id, { undeleteMs: 0 })
      const [late, later] = [await writer.reserve(), await writer.reserve()]
      await writer.intend(late, { puts: [writer.put(late, 'k')] })
      await writer.send(['k'])
      const gone = await deleteObject(database, { bucketId: bucket.id, key: 'k' })
      await writer.send([], { deletes: [gone?.id ?? ''] })
      const purge = () => purgeObjects(database, { bucketId: bucket.id, limit: 9 })
      expect(await purge()).toBe(0)
      await writer.confirm(late)
      expect(await keys()).toEqual([])
      expect(await purge()).toBe(2)
      const tooLate = writer.intend(later, { puts: [writer.put(later, 'k')] })
      await expect(tooLate).rejects.toMatchObject({ code: 'CONFLICT' })
      await writer.send(['k'])
      expect(await keys()).toEqual(['k'])
    })

    test('a pack that goes over the limits of its bucket is refused, but not what is in its older packs', async () => {
      const full = await TestWriter.start(database, { maxBytes: 25 })
      const { packId } = await full.send(['a'])
      const [second, third] = [await full.reserve(), await full.reserve()]
      // Each of the two has room beside what is stored, but not beside the other.
      await full.intend(second, { puts: [full.put(second, 'b')] })
      const late = full.intend(third, { puts: [full.put(third, 'c')] })
      await expect(late).rejects.toMatchObject({ code: 'FULL' })
      await full.confirm(second)
      const brought = { extents: [{ packId, offset: 0, length: 10 }] }
      await full.intend(third, { puts: [full.put(third, 'c', brought)] })
      await full.confirm(third)

      await sql`update control_plane.object_buckets set max_bytes = null, live_objects = 2000000
                 where id = ${full.bucket.id}`.execute(database.kysely)
      const fourth = await full.reserve()
      const oneMore = full.intend(fourth, { puts: [full.put(fourth, 'd')] })
      await expect(oneMore).rejects.toMatchObject({ code: 'FULL' })
      await full.intend(fourth, { deletes: [] })
      await full.confirm(fourth)
      await full.lease.release()
    })

    test('many writers at once, in two buckets, do not disturb each other, and the sums are right', async () => {
      const other = await TestWriter.start(database)
      const writers = [
        writer,
        other,
        ...(await Promise.all([writer, other].map(of => TestWriter.join(database, of.bucket)))),
      ]
      await Promise.all(
        writers.map(async (each, number) => {
          const { id: bucketId } = each.bucket
          for (let round = 0; round < 6; round++) {
            await each.send([`a/${round}`, `b/${number}`])
            await deleteObject(database, { bucketId, key: `a/${(round + number) % 6}` })
            await purgeObjects(database, { bucketId, limit: 10 })
          }
        }),
      )
      for (const { bucket } of [writer, other]) {
        const rows = await listObjects(database, { bucketId: bucket.id, prefix: '', limit: 100 })
        const [facts] = await bucketFacts(database, { bucketIds: [bucket.id] })
        expect(facts).toMatchObject({
          objects: rows.length,
          bytes: 10 * rows.length,
          packs: 12,
          messages: 12,
        })
        expect(rows.filter(({ key }) => key.startsWith('b/'))).toHaveLength(2)
      }
      for (const { lease } of writers) await lease.release()
    })

    test('what is in the catalog alone comes and goes at once', async () => {
      const lock = {
        bucketId: writer.bucket.id,
        key: 'locks/1',
        content: Buffer.from('x'),
        sha256: sha256('x'),
      }
      const version = await putInCatalog(database, lock)
      expect(version).toMatchObject({ in_chat: false, pack_id: null, size: 1 })
      expect(await find('locks/1')).toMatchObject({ extents: [], content: lock.content })
      expect((await putInCatalog(database, { ...lock, ifAbsent: true })).id).toBe(version.id)
      const other = { ...lock, content: Buffer.from('y'), sha256: sha256('y'), ifAbsent: true }
      await expect(putInCatalog(database, other)).rejects.toMatchObject({ code: 'CONFLICT' })
      expect(await used()).toBe(1)
      expect((await deleteObject(database, lock))?.id).toBe(version.id)
      expect(await deleteObject(database, lock)).toBeNull()
      expect(await used()).toBe(0)
    })

    test('a bucket has at most 1,000 objects in the catalog alone', async () => {
      const { id: bucketId } = writer.bucket
      const lock = (no: number) => ({
        bucketId,
        key: `locks/${no}`,
        content: Buffer.from('x'),
        sha256: sha256('x'),
      })
      await sql`insert into control_plane.objects (id, bucket_id, key, state, size, sha256, in_chat, content)
        select gen_random_uuid(), ${bucketId}, 'locks/' || no, 'live', 1, ${sha256('x')}, false, 'x'
          from generate_series(1, 999) no`.execute(database.kysely)
      await putInCatalog(database, lock(1_000))
      await expect(putInCatalog(database, lock(1_001))).rejects.toMatchObject({ code: 'CONFLICT' })
      await putInCatalog(database, lock(7))
      await deleteObject(database, lock(7))
      await putInCatalog(database, lock(1_001))
    })
  })
}
