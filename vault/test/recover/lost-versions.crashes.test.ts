import { randomBytes } from 'node:crypto'
import { findObject, lostObjects } from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BucketWriter } from '#test/recover/bucket-writer.ts'

let machines: Machines
let old: Machine
let writer: BucketWriter

beforeEach(async () => {
  machines = await openMachines()
  old = await machines.open()
  writer = await BucketWriter.open(old, machines.vault)
})
afterEach(() => machines.close())

const some = (size = 100): Buffer => randomBytes(size)
const lose = (messageId: number | undefined): void =>
  machines.vault.emulator.asHuman.deleteMessage(machines.vault.chatId, messageId ?? 0)
/** A machine whose bot has no file ids yet: what was deleted cannot be read by the ids of the index. */
const openOtherBot = async (): Promise<Machine> => {
  const { emulator, chatId } = machines.vault
  const bot = emulator.createBot()
  emulator.asHuman.promote(chatId, bot)
  return await machines.open({ token: bot.token })
}
const versionOf = async ({ database }: Machine, key: string): Promise<string | undefined> =>
  (await findObject(database, { bucketId: writer.bucket.id, key }))?.object.id

test('an object whose newest version is lost is lost, and no earlier version takes its place', async () => {
  await writer.put({ config: some(), 'data/a': some() })
  await writer.checkpoint()
  const [first] = await writer.putLarge('config', [some(500), some(600)])
  await writer.refreshIndex()
  lose(first)
  const next = await openOtherBot()
  const report = await next.recover()
  expect(report.buckets).toMatchObject([{ objects: 2, lost: 1, lostKeys: ['config'] }])
  expect(await versionOf(next, 'config')).toBe(await versionOf(old, 'config'))
  // The catalog itself knows it, so that reads, verify and the page tell it later on as well.
  expect(await lostObjects(next.database, { bucketId: writer.bucket.id, limit: 9 })).toEqual({
    count: 1,
    keys: ['config'],
  })
})

test('a lost version that was overwritten or deleted since is no loss', async () => {
  await writer.put({ 'data/a': some(), 'data/b': some() })
  await writer.checkpoint()
  const lost = [
    ...(await writer.putLarge('data/a', [some(500), some(600)])).slice(0, 1),
    ...(await writer.putLarge('data/b', [some(500), some(600)])).slice(0, 1),
  ]
  await writer.delete('data/b')
  await writer.put({ 'data/a': some() })
  await writer.refreshIndex()
  for (const message of lost) lose(message)
  const next = await openOtherBot()
  expect((await next.recover()).buckets).toMatchObject([{ objects: 1, lost: 0, lostKeys: [] }])
  expect(await versionOf(next, 'data/a')).toBe(await versionOf(old, 'data/a'))
  expect(await versionOf(next, 'data/b')).toBeUndefined()
})

test('a lost pack that turns up in the second chat later is read then, and nothing is lost any more', async () => {
  const { emulator, chatId } = machines.vault
  await writer.put({ config: some() })
  await writer.checkpoint()
  const messages = await writer.putLarge('config', [some(500), some(600)])
  await writer.refreshIndex()
  const { inspect } = emulator
  const [first] = messages
  const bytes = await inspect.documentBytes(chatId, first ?? 0)
  const caption = inspect.messages(chatId).find(({ message_id }) => message_id === first)?.caption
  lose(first)
  const next = await openOtherBot()
  expect((await next.recover()).buckets).toMatchObject([{ lost: 1 }])
  const replica = emulator.createChat({
    ...{ type: 'channel', title: 'Second' },
    administrators: inspect.bots().map(bot => ({ bot })),
  }).id
  await old.client.sendDocument({ chatId: String(replica), fileName: 'x', bytes, caption: caption ?? '' })
  const report = await next.recover({ replicaChat: String(replica) })
  expect(report.buckets).toMatchObject([{ objects: 1, lost: 0, findings: [] }])
  expect(await versionOf(next, 'config')).toBe(await versionOf(old, 'config'))
})

test('a pack that is gone with its records is told with what that means: earlier objects may be old', async () => {
  await writer.put({ config: some(), 'data/a': some() })
  await writer.checkpoint()
  await writer.delete('data/a')
  const telling = await writer.put({ config: some() })
  await writer.put({ 'data/b': some() })
  await writer.refreshIndex()
  lose(telling)
  const report = await (await openOtherBot()).recover()
  expect(report.buckets[0]?.findings).toEqual([
    expect.stringMatching(
      /^Pack 3 \(message \d+ of chat -\d+\) is gone\..* may have been overwritten or deleted/,
    ),
  ])
})
