import { randomBytes } from 'node:crypto'
import { bucketByName, heldPacks, listObjects, removeBucket } from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { writeIndexCaption } from 'telegram-deployment-bot'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BucketWriter } from '#test/recover/bucket-writer.ts'

let machines: Machines
let old: Machine
let writer: BucketWriter

beforeEach(async () => {
  machines = await openMachines()
  old = await machines.open()
  writer = await BucketWriter.open(old, machines.vault, { undeleteMs: 0 })
})
afterEach(() => machines.close())

const some = (size = 100): Buffer => randomBytes(size)
const keysOf = async ({ database }: Machine): Promise<string[]> =>
  (await listObjects(database, { bucketId: writer.bucket.id, prefix: '', limit: 100 })).map(({ key }) => key)
const packIds = async (): Promise<string[]> =>
  (await heldPacks(old.database, { bucketId: writer.bucket.id, after: 0, limit: 100 })).map(({ id }) => id)
const pinnedIndex = (): number =>
  machines.vault.emulator.inspect.messages(machines.vault.chatId).findLast(({ pinned }) => pinned)
    ?.message_id ?? 0

/** The index as it is now; whoever may post keeps it, and posts and pins it again later. */
async function keepIndex(): Promise<() => Promise<void>> {
  const { emulator, chatId } = machines.vault
  const bytes = await emulator.inspect.documentBytes(chatId, pinnedIndex())
  const { catalogId, generation, edition } = await machines.index()
  return async () => {
    const caption = writeIndexCaption({ catalog: { id: catalogId, generation }, edition })
    const sent = await old.client.sendDocument({
      ...{ chatId: String(chatId), fileName: 'index.zst.age', bytes: Buffer.from(bytes), caption },
    })
    emulator.asHuman.pin(chatId, sent.messageId)
  }
}

/** The same by whoever has the bot's token: the old document takes the place of the new one. */
async function keepToReplace(): Promise<() => Promise<void>> {
  const { emulator, chatId } = machines.vault
  const bytes = Buffer.from(await emulator.inspect.documentBytes(chatId, pinnedIndex()))
  return async () => {
    const { catalogId, generation } = await machines.index()
    const caption = writeIndexCaption({ catalog: { id: catalogId, generation }, edition: '900-ffffffff' })
    const place = { chatId: String(chatId), messageId: pinnedIndex() }
    await old.client.editDocument({ ...place, fileName: 'index.zst.age', bytes, caption })
  }
}

/** "data/a" is stored and stands in an index; then it is deleted for good. */
async function storeAndDelete(keep = keepIndex): Promise<() => Promise<void>> {
  await writer.refreshIndex()
  await writer.put({ 'data/a': some(), 'data/b': some() })
  await writer.checkpoint()
  await writer.refreshIndex()
  const putBack = await keep()
  await writer.delete('data/a')
  await writer.tell()
  await writer.collectGarbage()
  await writer.checkpoint()
  await writer.refreshIndex()
  await writer.collectGarbage()
  return putBack
}

describe('what was deleted does not come back', () => {
  test('when the first chat’s index is behind that of the second chat', async () => {
    const { emulator } = machines.vault
    const replica = emulator.createChat({
      ...{ type: 'channel', title: 'Second' },
      administrators: emulator.inspect.bots().map(bot => ({ bot })),
    }).id
    await writer.put({ 'data/a': some(), 'data/b': some() })
    await writer.checkpoint()
    await writer.refreshIndex()
    await writer.refreshIndex(String(replica))
    const copied = await packIds()
    await writer.copyTo(replica, copied)
    await writer.delete('data/a')
    await writer.tell()
    await writer.checkpoint()
    const late = (await packIds()).filter(id => !copied.includes(id))
    await writer.copyTo(replica, late)
    await writer.refreshIndex(String(replica))
    const next = await machines.open()
    const report = await next.recover({ replicaChat: String(replica) })
    expect(report.buckets).toMatchObject([{ objects: 1, lost: 0 }])
    expect(await keysOf(next)).toEqual(['data/b'])
  })

  test('when somebody posts and pins an index from before: the later one decides', async () => {
    await (await storeAndDelete())()
    const next = await machines.open()
    const report = await next.recover()
    expect(report.buckets).toMatchObject([{ objects: 1, lost: 0, findings: [] }])
    expect(await keysOf(next)).toEqual(['data/b'])
  })

  test('when an old document replaces the index in place, with a forged caption: it is told', async () => {
    await (await storeAndDelete(keepToReplace))()
    const next = await machines.open()
    const report = await next.recover()
    expect(await keysOf(next)).toEqual(['data/b'])
    expect(report.buckets).toMatchObject([
      { objects: 1, findings: expect.arrayContaining([expect.stringContaining('index is older')]) },
    ])
  })

  test('when somebody deletes the index besides: the later checkpoint decides, and it is told', async () => {
    const putBack = await storeAndDelete()
    machines.vault.emulator.asHuman.deleteMessage(machines.vault.chatId, pinnedIndex())
    await putBack()
    const next = await machines.open()
    const report = await next.recover()
    expect(await keysOf(next)).toEqual(['data/b'])
    expect(report.buckets).toMatchObject([
      { objects: 1, lost: 0, findings: expect.arrayContaining([expect.stringContaining('index is older')]) },
    ])
  })
})

test('a checkpoint that a machine sent after it had lost the chat does not hide what its successor sent', async () => {
  await writer.put({ 'data/a': some() })
  await writer.checkpoint()
  await writer.refreshIndex()
  const next = await machines.open()
  await next.recover()
  // The earlier machine does not know it yet: its table covers the numbers that the next one uses.
  await writer.checkpoint({ isWhole: true }).catch(() => {})
  const there = await BucketWriter.open(next, machines.vault, { bucket: writer.bucket })
  await there.put({ 'data/b': some() })
  await there.refreshIndex()
  const third = await machines.open()
  await third.recover({ signers: [old.signer, next.signer] })
  expect(await keysOf(third)).toEqual(['data/a', 'data/b'])
})

test('a bucket whose removal no index has told yet comes back whole, and not once one has', async () => {
  await writer.put({ 'data/a': some(), 'data/b': some() })
  await writer.checkpoint()
  await writer.refreshIndex()
  const { id, name } = await removeBucket(old.database, writer.bucket.id)
  await writer.collectGarbage()
  const next = await machines.open()
  expect((await next.recover()).buckets).toMatchObject([{ id, objects: 2, lost: 0 }])
  expect(await keysOf(next)).toEqual(['data/a', 'data/b'])
  await removeBucket(next.database, id)
  await (await BucketWriter.open(next, machines.vault, { bucket: writer.bucket })).refreshIndex()
  const third = await machines.open()
  await third.recover({ signers: [old.signer, next.signer] })
  expect(await bucketByName(third.database, name)).toBeNull()
})
