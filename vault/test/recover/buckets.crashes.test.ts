import { randomBytes } from 'node:crypto'
import { bucketById, findObject, noteSnapshot } from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BucketWriter } from '#test/recover/bucket-writer.ts'
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

/** Recovers into an empty catalog, and compares it with the one before. */
async function expectRecovered(options: { machine?: Machine } = {}): Promise<Machine> {
  const next = options.machine ?? (await machines.open())
  const report = await next.recover()
  expect(report.refusedPacks).toEqual([])
  expect(report.buckets).toMatchObject([{ id: writer.bucket.id, findings: [], lost: 0 }])
  expect(await versionsIn(next.database, writer.bucket.id)).toEqual(
    await versionsIn(old.database, writer.bucket.id),
  )
  return next
}

const some = (size = 100): Buffer => randomBytes(size)
const lose = (messageId: number): void =>
  machines.vault.emulator.asHuman.deleteMessage(machines.vault.chatId, messageId)
const people = async (count: number): Promise<void> => {
  const { emulator, chatId } = machines.vault
  for (let at = 0; at < count; at++) await emulator.asHuman.post(chatId, { text: `hello ${at}` })
}
/** A machine whose bot has no file ids yet: what was deleted cannot be read by the ids of the index. */
const openOtherBot = async (): Promise<Machine> => {
  const { emulator, chatId } = machines.vault
  const bot = emulator.createBot()
  emulator.asHuman.promote(chatId, bot)
  return await machines.open({ token: bot.token })
}
const indexMessage = (): number =>
  machines.vault.emulator.inspect.messages(machines.vault.chatId).findLast(({ pinned }) => pinned)
    ?.message_id ?? 0

describe('a bucket comes back', () => {
  test('as it was, from its checkpoint and the packs after it, with what can be brought back', async () => {
    await writer.put({ 'data/a': some(), 'data/b': some(), config: some() })
    await writer.putLarge('data/large', [some(5000), some(6000), some(10)])
    await writer.delete('data/a')
    await writer.put({ 'data/b': some(), empty: Buffer.alloc(0) })
    await writer.checkpoint()
    await writer.put({ 'data/c': some() })
    await writer.delete('data/c')
    await writer.tell()
    await writer.refreshIndex()
    const next = await expectRecovered()
    const [bucket] = (await next.recover()).buckets
    expect(bucket).toMatchObject({
      name: writer.bucket.name,
      outcome: 'known',
      objects: 4,
      hasCheckpoint: true,
    })
    expect(await versionsIn(next.database, writer.bucket.id)).toEqual(
      await versionsIn(old.database, writer.bucket.id),
    )
  })

  test('with the moment of its newest snapshot, of which the index has not heard', async () => {
    const of = { bucketId: writer.bucket.id }
    const storedAt = async (machine: Machine, key: string) =>
      (await findObject(machine.database, { ...of, key }))?.object.stored_at
    await writer.put({ 'snapshots/a': some(), config: some() })
    await noteSnapshot(old.database, of.bucketId, (await storedAt(old, 'snapshots/a')) ?? new Date(0))
    await writer.checkpoint()
    await writer.refreshIndex()
    await writer.put({ 'snapshots/b': some() })
    await writer.put({ 'snapshots/gone': some(), snapshots1: some() })
    await writer.delete('snapshots/gone')
    await writer.tell()
    const next = await expectRecovered()
    const newest = await storedAt(next, 'snapshots/b')
    expect(newest).toBeInstanceOf(Date)
    expect(await bucketById(next.database, of.bucketId)).toMatchObject({ last_snapshot_at: newest })
  })

  test('without a newest snapshot, when the one that the index names was lost', async () => {
    const message = await writer.put({ 'snapshots/a': some() })
    await noteSnapshot(old.database, writer.bucket.id, new Date())
    await writer.refreshIndex()
    lose(message)
    const next = await openOtherBot()
    await next.recover()
    expect(await bucketById(next.database, writer.bucket.id)).toMatchObject({ last_snapshot_at: null })
  })

  test.each([
    ['the index is gone', () => lose(indexMessage())],
    [
      'the index is gone, and people wrote a lot',
      async () => {
        lose(indexMessage())
        await people(60)
      },
    ],
    ['by another bot', undefined],
    ['after a kill of the first recovery', 'killed'],
  ] as const)('when %s', async (_, how) => {
    await writer.put({ 'data/a': some(), 'data/b': some() })
    await writer.delete('data/a')
    await writer.checkpoint()
    await writer.put({ 'data/c': some(), 'data/b': some() })
    await writer.putLarge('data/large', [some(500), some(600)])
    await writer.refreshIndex()
    if (typeof how === 'function') await how()
    if (how === undefined) {
      await expectRecovered({ machine: await openOtherBot() })
    } else if (how === 'killed') {
      const next = await machines.open()
      const end = new AbortController()
      let looks = 0
      const signal = end.signal
      const onLook = (): void => {
        if (++looks === 4) end.abort()
      }
      await expect(next.recover({ signal, onLook })).rejects.toThrow()
      await expectRecovered({ machine: next })
    } else await expectRecovered()
  })

  test('without a checkpoint that can be read: from all packs, and it is reported', async () => {
    await writer.put({ 'data/a': some() })
    const [part] = await writer.checkpoint()
    await writer.put({ 'data/b': some() })
    await writer.refreshIndex()
    lose(part ?? 0)
    const next = await openOtherBot()
    const report = await next.recover()
    expect(await versionsIn(next.database, writer.bucket.id)).toEqual(
      await versionsIn(old.database, writer.bucket.id),
    )
    expect(report.buckets).toMatchObject([{ hasCheckpoint: false, packs: 2, objects: 2 }])
    expect(report.buckets[0]?.findings).toEqual([expect.stringContaining(`(message ${part} of chat`)])
  })

  test('but for what a deleted message said: its keys are named', async () => {
    await writer.put({ 'data/a': some() })
    await writer.checkpoint()
    const [first] = await writer.putLarge('data/large', [some(500), some(600)])
    const message = await writer.put({ 'data/b': some() })
    const covered = await writer.put({ 'data/c': some() })
    await writer.refreshIndex()
    for (const one of [first ?? 0, message]) lose(one)
    const next = await openOtherBot()
    const report = await next.recover()
    expect(report.buckets).toMatchObject([{ objects: 3, lost: 1, lostKeys: ['data/large'] }])
    expect(report.buckets[0]?.findings).toHaveLength(2)
    expect(covered).toBeGreaterThan(0)
  })

  test('with the keys of what a pack held that the checkpoint names and somebody deleted', async () => {
    const message = await writer.put({ 'data/a': some(), 'data/b': some() })
    await writer.put({ 'data/c': some() })
    await writer.checkpoint()
    await writer.refreshIndex()
    lose(message)
    const report = await (await machines.open()).recover()
    expect(report.buckets).toMatchObject([{ objects: 3, lost: 2, lostKeys: ['data/a', 'data/b'] }])
  })

  test('with what came while it was read', async () => {
    await writer.put({ 'data/a': some() })
    await writer.checkpoint()
    await writer.refreshIndex()
    const next = await machines.open()
    let isSent = false
    const late = async (): Promise<void> => {
      if (isSent) return
      isSent = true
      await writer.put({ 'data/late': some(), 'data/a': some() })
    }
    let sending: Promise<void> | undefined
    await next.recover({
      onPlan: ({ what }) => {
        if (what.startsWith('with packs')) sending = late()
      },
    })
    await sending
    expect(await versionsIn(next.database, writer.bucket.id)).toEqual(
      await versionsIn(old.database, writer.bucket.id),
    )
  })
})

describe('nothing of a bucket comes back', () => {
  test('without the private key; the chat stays with its catalog', async () => {
    await writer.put({ 'data/a': some() })
    await writer.checkpoint()
    await writer.refreshIndex()
    const next = await machines.open()
    const report = await next.recover({ identities: [] })
    expect(report).toMatchObject({ withoutKey: true, owner: null, buckets: [] })
    expect(report.refusedPacks.length).toBeGreaterThan(0)
  })

  test('of packs that are signed by a stranger: they are refused, and stay', async () => {
    await writer.put({ 'data/a': some() })
    await writer.refreshIndex()
    const stranger = await machines.open()
    await stranger.recover()
    const forger = await BucketWriter.open({ ...stranger, database: stranger.database }, machines.vault, {
      bucket: writer.bucket,
    })
    const forged = await forger.put({ 'data/a': some() })
    const report = await (await machines.open()).recover({ signers: [old.signer] })
    expect(report.refusedPacks).toMatchObject([
      { messageId: forged, reason: expect.stringContaining('is signed by') },
    ])
  })
})
