import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  acquireLease,
  beginCheckpoint,
  beginPackErase,
  bucketFacts,
  bucketsOfChat,
  bucketsToTend,
  catalogIdentity,
  checkpointIndexed,
  confirmCheckpoint,
  confirmPackCopy,
  type Database,
  deadPacks,
  deleteObject,
  dueLeftovers,
  endBucketRemoval,
  endPackErase,
  findObject,
  findPack,
  hasUnfinishedWork,
  intendPackCopy,
  keepLeftover,
  knownMessageIds,
  type Lease,
  listObjects,
  markPackMessage,
  newestCheckpoint,
  openSends,
  packsAwaitingCheckpoint,
  packsLackingCopy,
  planUndelete,
  purgeObjects,
  removalIndexed,
  removeBucket,
  sparsePacks,
  unfinishedPacks,
  untoldDeletes,
  withCheckpointSnapshot,
} from '#index.ts'
import { TestWriter } from '#test/test-packs.ts'
import { CHAT } from '#test/test-send.ts'

const OTHER_CHAT = '-100777'

/** Checkpoints, what may be erased, and copies in a second chat. */
export function describeObjectGarbage(open: () => Promise<Database>): void {
  describe('packs that nothing needs', () => {
    let database: Database
    let writer: TestWriter
    let tending: Lease
    beforeEach(async () => {
      database = await open()
      writer = await TestWriter.start(database, { undeleteMs: 0 })
      const lease = await acquireLease(database, { subject: writer.bucket.id, purpose: 'objects' })
      if (lease === null) throw new Error('a new lease is free')
      tending = lease
    })
    afterEach(async () => {
      await tending.release()
      await writer.lease.release()
      await database.close()
    })

    const ofBucket = () => ({ bucketId: writer.bucket.id, limit: 100 })
    const dead = async () => (await deadPacks(database, ofBucket())).map(({ sequence }) => sequence)
    const remove = async (key: string) => {
      await deleteObject(database, { bucketId: writer.bucket.id, key })
      return (await untoldDeletes(database, ofBucket())).map(({ id }) => id)
    }

    /** A checkpoint of one part; its id. */
    async function drawCheckpoint(): Promise<string> {
      const id = randomUUID()
      const { bucket } = writer
      await withCheckpointSnapshot(database, bucket.id, async snapshot => {
        await beginCheckpoint(database, { checkpointId: id, bucketId: bucket.id, snapshot, lease: tending })
      })
      const part = await writer.reserve()
      await writer.intend(part, { checkpoint: { id, partNumber: 1 } })
      await expect(
        confirmCheckpoint(database, { checkpointId: id, bucketId: bucket.id, partCount: 1, lease: tending }),
      ).rejects.toMatchObject({ code: 'CONFLICT' })
      await writer.confirm(part)
      await confirmCheckpoint(database, {
        checkpointId: id,
        bucketId: bucket.id,
        partCount: 1,
        lease: tending,
      })
      return id
    }

    async function erase(packIds: string[]): Promise<void> {
      const packs = await beginPackErase(database, { bucketId: writer.bucket.id, packIds, lease: tending })
      for (const { id, messages } of packs) {
        for (const { chat_id: chatId } of messages) {
          await markPackMessage(database, { packId: id, chatId, state: 'erased' })
        }
        await endPackErase(database, { packId: id, lease: tending })
      }
    }

    test('a pack is dead when its objects are purged and a checkpoint that every index names has its records', async () => {
      const first = await writer.send(['a'])
      await writer.send(['b'])
      const told = await remove('a')
      expect(await purgeObjects(database, ofBucket())).toBe(0)
      const teller = await writer.send([], { deletes: told })
      expect(await untoldDeletes(database, ofBucket())).toEqual([])
      expect(await purgeObjects(database, ofBucket())).toBe(1)
      expect([await dead(), await packsAwaitingCheckpoint(database, writer.bucket.id)]).toEqual([[], 2])
      expect(
        await beginPackErase(database, { ...ofBucket(), packIds: [first.packId], lease: tending }),
      ).toEqual([])
      const checkpoint = await drawCheckpoint()
      expect(await dead()).toEqual([])
      expect(await bucketsToTend(database)).toMatchObject([
        { isCheckpointUnindexed: true, packsSinceCheckpoint: 0 },
      ])
      await checkpointIndexed(database, checkpoint)
      expect(await dead()).toEqual([1, 3])
      await erase([first.packId, teller.packId])
      expect([await dead(), (await findPack(database, first.packId))?.state]).toEqual([[], 'erased'])
      const next = await drawCheckpoint()
      expect(await dead()).toEqual([])
      await checkpointIndexed(database, next)
      expect(await dead()).toEqual([4])
      expect((await newestCheckpoint(database, writer.bucket.id))?.checkpoint).toMatchObject({
        id: next,
        covers_up_to: 4,
      })
    })

    test('parts of a checkpoint that is being sent are kept, those of one that was given up are not', async () => {
      const { bucket } = writer
      const begin = async () => {
        const checkpointId = randomUUID()
        await withCheckpointSnapshot(database, bucket.id, async snapshot => {
          await beginCheckpoint(database, { checkpointId, bucketId: bucket.id, snapshot, lease: tending })
        })
        return checkpointId
      }
      const id = await begin()
      await writer.send([], { checkpoint: { id, partNumber: 1 } })
      expect(await dead()).toEqual([])
      await begin()
      expect(await dead()).toEqual([1])
      const end = { checkpointId: id, bucketId: bucket.id, partCount: 1, lease: tending }
      await expect(confirmCheckpoint(database, end)).rejects.toMatchObject({ code: 'CONFLICT' })
    })

    test('a snapshot has one moment, whatever happens while it is read, and says which packs it lacks', async () => {
      await writer.send(['a', 'b'])
      const late = await writer.reserve()
      await writer.send(['c'])
      await withCheckpointSnapshot(database, writer.bucket.id, async snapshot => {
        await writer.intend(late, { puts: [writer.put(late, 'd')] })
        await writer.confirm(late)
        await remove('a')
        expect(snapshot).toMatchObject({ coversUpTo: 3, coversNot: [2] })
        const objects = (await Array.fromAsync(snapshot.objects())).flat()
        expect(objects.map(({ key, deleted_at }) => [key, deleted_at])).toEqual([
          ['a', null],
          ['b', null],
          ['c', null],
        ])
        expect((await Array.fromAsync(snapshot.packs())).flat()).toMatchObject([
          { sequence: 1, messages: [{ chat_id: CHAT, message_id: 1_001 }] },
          { sequence: 3 },
        ])
      })
    })

    test('a second chat gets what it lacks; a pack that no chat has soundly is damaged', async () => {
      const { bucket } = writer
      const { packId } = await writer.send(['a'])
      const lacking = () => packsLackingCopy(database, { bucketId: bucket.id, chatId: OTHER_CHAT, limit: 10 })
      expect((await lacking()).map(({ id }) => id)).toEqual([packId])
      const copy = { packId, chatId: OTHER_CHAT, botId: '42' }
      const { sendId } = await intendPackCopy(database, copy)
      expect(await lacking()).toEqual([])
      const proof = { packId, chatId: OTHER_CHAT, messageId: 7, fileId: 'g', botId: '42', sendId }
      await confirmPackCopy(database, proof)
      await confirmPackCopy(database, proof)
      await expect(confirmPackCopy(database, { ...proof, messageId: 8 })).rejects.toMatchObject({
        code: 'CONFLICT',
      })
      await expect(intendPackCopy(database, copy)).rejects.toMatchObject({ code: 'CONFLICT' })
      expect(await openSends(database)).toEqual([])
      await markPackMessage(database, { packId, chatId: CHAT, state: 'missing' })
      expect((await findPack(database, packId))?.damaged_at).toBeNull()
      await markPackMessage(database, { packId, chatId: OTHER_CHAT, state: 'damaged', error: 'other bytes' })
      expect((await findPack(database, packId))?.damaged_at).toBeInstanceOf(Date)
      expect(await bucketFacts(database)).toMatchObject([{ damaged_packs: 1, packs: 1 }])
      await markPackMessage(database, { packId, chatId: CHAT, state: 'sent' })
      expect((await findPack(database, packId))?.damaged_at).toBeNull()
      const erased = markPackMessage(database, { packId, chatId: CHAT, state: 'erased' })
      await expect(erased).rejects.toMatchObject({ code: 'CONFLICT' })
    })

    test('the index of a chat names the checkpoint and what came after', async () => {
      await writer.send(['a'])
      const checkpoint = await drawCheckpoint()
      await writer.send(['b'])
      const [indexed] = await bucketsOfChat(database, CHAT)
      expect(indexed).toMatchObject({
        bucket: { id: writer.bucket.id },
        checkpoint: { id: checkpoint, parts: [{ sequence: 2 }] },
      })
      expect(indexed?.packs.map(({ sequence }) => sequence)).toEqual([1, 3])
      expect(await bucketsOfChat(database, OTHER_CHAT)).toEqual([])
    })

    test('a pack that is more than half dead is sparse, until its objects are moved', async () => {
      const pack = await writer.reserve()
      const puts = [writer.put(pack, 'a', { size: 30 }), writer.put(pack, 'b')]
      await writer.intend(pack, { puts, plainSize: 40 })
      await writer.confirm(pack)
      expect(await sparsePacks(database, ofBucket())).toEqual([])
      const deadBytes = async () => (await bucketFacts(database))[0]?.dead_bytes
      expect(await deadBytes()).toBe(0)
      await writer.send([], { deletes: await remove('a'), plainSize: 0 })
      // The whole pack that only tells of the delete.
      expect(await deadBytes()).toBe(100)
      await purgeObjects(database, ofBucket())
      expect(await deadBytes()).toBe(175)
      const [sparse] = await sparsePacks(database, ofBucket())
      expect(sparse).toMatchObject({
        pack: { id: pack.packId },
        usedBytes: 10,
        objects: [{ object: { key: 'b' } }],
      })
      const target = await writer.reserve()
      const moved = writer.put(target, 'b', { moves: puts[1]?.id })
      await writer.intend(target, { puts: [moved], plainSize: 10 })
      expect(await sparsePacks(database, ofBucket())).toEqual([])
      await writer.confirm(target)
      expect(await sparsePacks(database, ofBucket())).toEqual([])
      const checkpoint = await drawCheckpoint()
      await checkpointIndexed(database, checkpoint)
      expect(await dead()).toEqual([1, 2])
      // Of 50 packed bytes, 40 are dead: checkpoints do not count.
      expect(await deadBytes()).toBe(260)
      expect(await listObjects(database, { ...ofBucket(), prefix: '' })).toEqual([{ key: 'b', size: 10 }])
      const found = await findObject(database, { bucketId: writer.bucket.id, key: 'b' })
      expect(found?.object.id).toBe(moved.id)
    })

    test('messages of packs are known, and packs under way are unfinished work; a lease alone is none', async () => {
      expect(await hasUnfinishedWork(database)).toBe(false)
      expect((await catalogIdentity(database)).isEmpty).toBe(true)
      const pack = await writer.reserve()
      await writer.intend(pack)
      expect(await hasUnfinishedWork(database)).toBe(true)
      expect(await unfinishedPacks(database)).toEqual([])
      const messageId = await writer.confirm(pack)
      expect(await hasUnfinishedWork(database)).toBe(false)
      expect((await catalogIdentity(database)).isEmpty).toBe(false)
      expect(await knownMessageIds(database, CHAT, { after: 0, upTo: 9_999 })).toEqual(new Set([messageId]))
      await keepLeftover(database, { chatId: CHAT, messageId })
      expect(await dueLeftovers(database, CHAT)).toEqual([])
      const left = await writer.intend(await writer.reserve())
      await writer.lease.release()
      expect(await unfinishedPacks(database)).toMatchObject([{ id: left.packId, state: 'intended' }])
    })

    test('of a removed bucket everything goes, once no index has it', async () => {
      const { bucket } = writer
      await writer.send(['a', 'b'])
      await removeBucket(database, bucket.id)
      await expect(writer.reserve()).rejects.toMatchObject({ code: 'NOT_FOUND' })
      expect(await bucketsToTend(database)).toMatchObject([{ hasPurgeable: true }])
      expect(await purgeObjects(database, ofBucket())).toBe(2)
      expect(await dead()).toEqual([])
      await removalIndexed(database, bucket.id)
      expect(await dead()).toEqual([1])
      expect(await endBucketRemoval(database, bucket.id)).toBe(false)
      await erase((await deadPacks(database, ofBucket())).map(({ id }) => id))
      expect(await endBucketRemoval(database, bucket.id)).toBe(true)
      expect([await bucketsToTend(database), await bucketsOfChat(database, CHAT)]).toEqual([[], []])
    })

    test('a plan brings back what was deleted or overwritten since, and removes what came since', async () => {
      const { bucket } = writer
      const first = await writer.send(['kept', 'gone', 'changed'])
      const then = new Date(first.at.getTime() + 1)
      await new Promise(resolve => setTimeout(resolve, 5))
      await writer.send(['changed', 'new'])
      await remove('gone')
      const plan = await planUndelete(database, { bucketId: bucket.id, at: then })
      expect(plan).toMatchObject({ restore: [{ key: 'gone' }], remove: [{ key: 'new' }], unchanged: 2 })
      await writer.send([], { deletes: await remove('gone') })
      expect(await purgeObjects(database, ofBucket())).toBeGreaterThan(0)
      const late = planUndelete(database, { bucketId: bucket.id, at: then })
      await expect(late).rejects.toMatchObject({ code: 'INVALID' })
    })
  })
}
