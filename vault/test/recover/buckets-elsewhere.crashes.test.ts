import { randomBytes, randomUUID } from 'node:crypto'
import { PackBuilder, sealIndex } from '@telegram-backup/archive'
import { heldPacks } from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { writeIndexCaption, writePackCaption } from 'telegram-deployment-bot'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { reconcile } from '#reconcile/reconcile.ts'
import { BucketWriter } from '#test/recover/bucket-writer.ts'
import { sessionOf } from '#test/recover/session-of.ts'
import { versionsIn } from '#test/recover/versions-in.ts'

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
const lose = (messageId: number): void =>
  machines.vault.emulator.asHuman.deleteMessage(machines.vault.chatId, messageId)
const channel = (): number =>
  machines.vault.emulator.createChat({
    ...{ type: 'channel', title: 'Second' },
    administrators: machines.vault.emulator.inspect.bots().map(bot => ({ bot })),
  }).id
const packIds = async (): Promise<string[]> =>
  (await heldPacks(old.database, { bucketId: writer.bucket.id, after: 0, limit: 100 })).map(({ id }) => id)

async function expectSame(next: Machine): Promise<void> {
  expect(await versionsIn(next.database, writer.bucket.id)).toEqual(
    await versionsIn(old.database, writer.bucket.id),
  )
}

describe('with a second chat', () => {
  test('the second chat alone is enough', async () => {
    const replica = channel()
    await writer.put({ 'data/a': some(), 'data/b': some() })
    await writer.delete('data/a')
    await writer.tell()
    await writer.checkpoint()
    await writer.put({ 'data/c': some() })
    await writer.refreshIndex(String(replica))
    await writer.copyTo(replica, await packIds())
    await writer.refreshIndex(String(replica))
    const next = await machines.open({ chatId: replica })
    const report = await next.recover()
    expect(report).toMatchObject({
      refusedPacks: [],
      buckets: [{ hasCheckpoint: true, lost: 0, findings: [] }],
    })
    await expectSame(next)
  })

  test('what the first chat has lost is read from the second, and put back by reconcile', async () => {
    const replica = channel()
    await writer.put({ 'data/a': some() })
    await writer.checkpoint()
    const newest = await writer.put({ 'data/b': some(), 'data/a': some() })
    await writer.refreshIndex()
    await writer.refreshIndex(String(replica))
    await writer.copyTo(replica, await packIds())
    await writer.refreshIndex(String(replica))
    lose(newest)
    const bot = machines.vault.emulator.createBot()
    for (const chat of [machines.vault.chatId, replica]) machines.vault.emulator.asHuman.promote(chat, bot)
    const next = await machines.open({ token: bot.token })
    const report = await next.recover({ replicaChat: String(replica) })
    expect(report.buckets).toMatchObject([{ objects: 2, lost: 0, findings: [] }])
    await expectSame(next)
    const session = {
      ...sessionOf(next, machines.vault, replica),
      identities: async () => [machines.vault.identity],
    }
    const { packs } = await reconcile(session)
    expect(packs).toMatchObject([{ outcome: 'mended', chat_id: String(machines.vault.chatId) }])
  })
})

test('an index of an earlier program, which names no bucket: the chat is searched', async () => {
  await writer.put({ 'data/a': some() })
  await writer.checkpoint()
  // Far below what is searched beside an index.
  const { emulator, chatId } = machines.vault
  for (let at = 0; at < 220; at++) await emulator.asHuman.post(chatId, { text: `hello ${at}` })
  await writer.put({ 'data/b': some() })
  await writer.refreshIndex()
  const { buckets: _, ...index } = await machines.index()
  const pinned = emulator.inspect.messages(chatId).findLast(message => message.pinned)
  await old.client.editDocument({
    ...{ chatId: String(chatId), messageId: pinned?.message_id ?? 0, fileName: 'index.zst.age' },
    bytes: await sealIndex(index, {
      encryption: { recipients: [machines.vault.recipient] },
      signingKey: old.signingKey,
    }),
    caption: writeIndexCaption({
      catalog: { id: index.catalogId, generation: index.generation },
      edition: index.edition,
    }),
  })
  const next = await machines.open()
  const report = await next.recover()
  expect(report.buckets).toMatchObject([{ hasCheckpoint: true, objects: 2 }])
  await expectSame(next)
}, 60_000)

describe('a pack that is signed by us and lies', () => {
  /** Sends a pack whose caption says something else than its header. */
  async function forge(lie: { bucketId?: string; sequence?: number; packId?: string }): Promise<number> {
    const { vault, index } = machines
    const { id, name, kind, project_id: project } = writer.bucket
    const builder = new PackBuilder({
      ...{ bucket: { id, name, kind, project }, encryption: { recipients: [vault.recipient] } },
      ...{ signingKey: old.signingKey, packSizeBytes: 64 * 1024 },
    })
    const extent = builder.add(some())
    const at = new Date().toISOString()
    builder.addRecord({
      put: 'data/a',
      id: randomUUID(),
      size: 100,
      sha256: '0'.repeat(64),
      at,
      extents: [extent],
    })
    const { catalogId, generation } = await index()
    const said = { pack: randomUUID(), sequence: 50 }
    const sealed = await builder.seal({ ...said, catalogId, createdAt: at, names: [] })
    const caption = writePackCaption({
      packId: lie.packId ?? said.pack,
      bucketId: lie.bucketId ?? id,
      sequence: lie.sequence ?? said.sequence,
      ...{ sha256: sealed.sha256, bucket: name, project, createdAt: new Date(at) },
      catalog: { id: catalogId, generation },
    })
    const bytes = Buffer.from(sealed.bytes)
    const chatId = String(vault.chatId)
    return (await old.client.sendDocument({ chatId, fileName: 'x', bytes, caption })).messageId
  }

  test.each([
    ['belongs to another bucket', { bucketId: randomUUID() }],
    ['has another number', { sequence: 3 }],
    ['is another pack', { packId: randomUUID() }],
  ])('is refused: it %s', async (reason, lie) => {
    await writer.put({ 'data/a': some() })
    await writer.refreshIndex()
    const messageId = await forge(lie)
    const next = await machines.open()
    const report = await next.recover({ signers: [old.signer] })
    expect(report.refusedPacks).toMatchObject([{ messageId, reason }])
    await expectSame(next)
    expect(
      machines.vault.emulator.inspect.messages(machines.vault.chatId).map(one => one.message_id),
    ).toContain(messageId)
  })
})

test('a catalog that another machine has overtaken learns what was deleted and purged since', async () => {
  const taking = await machines.open()
  writer = await BucketWriter.open(old, machines.vault, { undeleteMs: 0 })
  await writer.put({ 'data/a': some(), 'data/b': some(), 'data/c': some() })
  await writer.refreshIndex()
  await taking.recover()
  const there = await BucketWriter.open(taking, machines.vault, { bucket: writer.bucket })
  await there.put({ 'data/b': some() })
  await there.delete('data/a')
  await there.tell()
  await there.checkpoint()
  await there.refreshIndex()
  await there.collectGarbage()
  await there.checkpoint()
  await there.refreshIndex()
  await there.collectGarbage()
  expect((await old.recover()).buckets).toMatchObject([{ outcome: 'known', objects: 2, lost: 0 }])
  const live = (of: Awaited<ReturnType<typeof versionsIn>>) => of.filter(({ state }) => state === 'live')
  expect(live(await versionsIn(old.database, writer.bucket.id))).toEqual(
    live(await versionsIn(taking.database, writer.bucket.id)),
  )
})
