import { randomBytes } from 'node:crypto'
import { deadPacks, heldPacks, listBuckets, newestCheckpoint, removeBucket } from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BucketWriter } from '#test/recover/bucket-writer.ts'

let machines: Machines
let machine: Machine
let writer: BucketWriter

beforeEach(async () => {
  machines = await openMachines()
  machine = await machines.open()
  writer = await BucketWriter.open(machine, machines.vault, { undeleteMs: 0 })
})
afterEach(() => machines.close())

const some = (): Buffer => randomBytes(100)
const isIndexed = async (): Promise<boolean> =>
  (await newestCheckpoint(machine.database, writer.bucket.id))?.checkpoint.indexed_at != null
const packs = () => heldPacks(machine.database, { bucketId: writer.bucket.id, after: 0, limit: 100 })
const dead = async (): Promise<number[]> =>
  (await deadPacks(machine.database, { bucketId: writer.bucket.id, limit: 100 })).map(
    ({ sequence }) => sequence,
  )

test('the index names the newest checkpoint and the packs after it; without buckets it says nothing of them', async () => {
  await writer.refreshIndex()
  expect(await machines.index()).not.toHaveProperty('buckets')
  await writer.put({ 'data/a': some() })
  const [part] = await writer.checkpoint()
  await sql`update control_plane.pack_messages set proven_at = proven_at - interval '1 day'`.execute(
    machine.database.kysely,
  )
  const newer = await writer.put({ 'data/b': some() })
  await writer.refreshIndex()
  const { id, name } = writer.bucket
  expect((await machines.index()).buckets).toMatchObject([
    {
      ...{ id, name, kind: 'restic', project: 'shop', undeleteMs: 0, replica: 'later' },
      checkpoint: { parts: [{ messageId: part }] },
      packs: [{ messageId: newer, sequence: 3 }],
    },
  ])
})

test('packs may be erased only when the index of every chat names the checkpoint that covers them', async () => {
  const { emulator } = machines.vault
  const bots = emulator.inspect.bots().map(bot => ({ bot }))
  const replica = emulator.createChat({ type: 'channel', title: 'Second', administrators: bots }).id
  await writer.put({ 'data/a': some() })
  await writer.delete('data/a')
  await writer.tell()
  await writer.refreshIndex()
  await writer.refreshIndex(String(replica))
  await writer.checkpoint()
  await writer.copyTo(
    replica,
    (await packs()).map(({ id }) => id),
  )
  await writer.collectGarbage()
  expect(await isIndexed()).toBe(false)
  await writer.refreshIndex()
  expect([await isIndexed(), await dead()]).toEqual([false, []])
  await writer.refreshIndex(String(replica))
  expect([await isIndexed(), await dead()]).toEqual([true, [1, 2]])
})

test('a removed bucket is named as such until its messages are gone, and does not come back', async () => {
  await writer.put({ 'data/a': some() })
  await writer.refreshIndex()
  await removeBucket(machine.database, writer.bucket.id)
  expect(await dead()).toEqual([])
  await writer.refreshIndex()
  expect((await machines.index()).buckets).toMatchObject([
    { id: writer.bucket.id, removedAt: expect.any(String) },
  ])
  const next = await machines.open()
  expect(await next.recover()).toMatchObject({ refusedPacks: [], buckets: [] })
  expect(await listBuckets(next.database)).toEqual([])
})

test('the messages of a removed bucket are erased by the machine that recovers', async () => {
  await writer.put({ 'data/a': some() })
  await writer.checkpoint()
  await writer.put({ 'data/b': some() })
  await writer.refreshIndex()
  const known = await machines.open()
  await known.recover()
  await machine.recover({ signers: [machine.signer, known.signer] })
  await removeBucket(machine.database, writer.bucket.id)
  await writer.refreshIndex()
  const packsInChat = (): number =>
    machines.vault.emulator.inspect
      .messages(machines.vault.chatId)
      .filter(({ caption }) => caption?.includes(' pack=')).length
  expect(packsInChat()).toBe(3)
  // Also where the bucket was known before another machine removed it.
  expect((await known.recover({ signers: [machine.signer, known.signer] })).buckets).toEqual([])
  expect(await listBuckets(known.database)).toEqual([])
  const next = await machines.open()
  await next.recover({ signers: [machine.signer, known.signer] })
  const there = await BucketWriter.open(next, machines.vault, { bucket: writer.bucket })
  await there.collectGarbage()
  expect(packsInChat()).toBe(0)
})
