import { randomBytes } from 'node:crypto'
import { listObjects } from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BucketWriter } from '#test/recover/bucket-writer.ts'

let machines: Machines
let first: Machine
let writer: BucketWriter

beforeEach(async () => {
  machines = await openMachines()
  first = await machines.open()
  writer = await BucketWriter.open(first, machines.vault)
})
afterEach(() => machines.close())

const some = (size = 100): Buffer => randomBytes(size)
const newChat = (title: string): number => {
  const { emulator } = machines.vault
  const administrators = emulator.inspect.bots().map(bot => ({ bot }))
  return emulator.createChat({ type: 'channel', title, administrators }).id
}
const keysOf = async ({ database }: Machine): Promise<string[]> =>
  (await listObjects(database, { bucketId: writer.bucket.id, prefix: '', limit: 100 })).map(({ key }) => key)
const packMessages = (chat: number) =>
  machines.vault.emulator.inspect.messages(chat).filter(({ caption }) => caption?.includes(' pack='))

/** A server with a catalog of its own and the same key, which takes over the chat of the first one. */
async function merge(): Promise<BucketWriter> {
  const { signingKey } = first
  const own = newChat('Own')
  const before = await machines.open({ chatId: own, signingKey })
  await before.send(100)
  const next = await machines.open({ database: before.database, signingKey })
  await next.recover()
  return await BucketWriter.open(next, machines.vault, { bucket: writer.bucket })
}

test('in a chat that was merged, of two packs with one number that of the new owner counts, without an index as well', async () => {
  await writer.put({ 'data/a': some() })
  await writer.refreshIndex()
  const there = await merge()
  await writer.put({ 'data/late': some() }).catch(() => {})
  await there.put({ 'data/b': some() })
  expect(packMessages(machines.vault.chatId)).toHaveLength(3)
  const { emulator, chatId } = machines.vault
  const pinned = emulator.inspect.messages(chatId).findLast(message => message.pinned)
  emulator.asHuman.deleteMessage(chatId, pinned?.message_id ?? 0)
  const third = await machines.open({ signingKey: first.signingKey })
  await third.recover({ signers: [first.signer] })
  expect(await keysOf(third)).toEqual(['data/a', 'data/b'])
})

test('a bucket of another server, whose packs somebody has copied here, is named as such', async () => {
  await writer.put({ 'data/a': some() })
  await writer.refreshIndex()
  const otherChat = newChat('Other')
  const other = await machines.open({ chatId: otherChat, signingKey: first.signingKey })
  const theirs = await BucketWriter.open(other, machines.vault, { chatId: otherChat })
  await theirs.put({ 'data/theirs': some(), 'data/theirs-too': some() })
  await theirs.refreshIndex()
  const { emulator, chatId } = machines.vault
  for (const { message_id, caption = '' } of packMessages(otherChat)) {
    const bytes = Buffer.from(await emulator.inspect.documentBytes(otherChat, message_id))
    await first.client.sendDocument({ chatId: String(chatId), fileName: 'x', bytes, caption })
  }
  const next = await machines.open({ signingKey: first.signingKey })
  const report = await next.recover({ signers: [first.signer] })
  const finding = expect.stringContaining((await machines.index(otherChat)).catalogId)
  expect(report.buckets.toSorted((one, other) => one.objects - other.objects)).toMatchObject([
    { id: writer.bucket.id, objects: 1, findings: [] },
    { id: theirs.bucket.id, objects: 2, findings: [finding] },
  ])
})
