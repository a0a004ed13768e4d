import { randomUUID } from 'node:crypto'
import {
  beginUpload,
  findPack,
  openSends,
  packMessages,
  sqlRunner,
  unfinishedUploads,
} from '@telegram-backup/database'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { reconcile } from '#reconcile/reconcile.ts'
import { openPackWorld, type PackWorld, type TestProcess } from '#test/objects/packs-in-a-chat.ts'

let world: PackWorld

beforeEach(async () => {
  world = await openPackWorld()
})

afterEach(() => world.close())

/**
 * A process that dies while it sends a pack: its catalog fails at the confirmation, then its lease is gone.
 */
async function dieBeforeConfirm(key: string): Promise<{ packId: string; dead: TestProcess }> {
  const dead = world.process()
  const { pack, turn } = await dead.make(key)
  // After the send, the look at the chat fails: the process knows no more than that the message was made.
  world.vault.emulator.faults.on('getChat', { calls: 99 }, { kind: 'reset-before' })
  await expect(dead.sender.send(pack, turn, world)).rejects.toThrow()
  world.vault.emulator.faults.clear()
  return { packId: pack.packId, dead }
}

/** As if all open calls were made so many minutes ago. */
async function age(minutes: number): Promise<void> {
  await sqlRunner(world.database).executeSql(
    `update control_plane.open_sends set begun_at = begun_at - interval '${minutes} minutes'`,
  )
}

describe('a pack whose process died', () => {
  it('after the message was made is adopted whole, and its object is live', async () => {
    const { packId, dead } = await dieBeforeConfirm('data/a')
    expect(await world.object('data/a')).toBeUndefined()
    await dead.writer.close()
    const report = await reconcile(world.session())
    expect(report.packs).toMatchObject([{ pack_id: packId, sequence: 1, outcome: 'adopted' }])
    expect(await world.object('data/a')).toMatchObject({ pack_id: packId })
    await world.expectAgreement()
    expect((await reconcile(world.session())).packs).toEqual([])
  })

  it('is left alone while that process lives', async () => {
    const { packId } = await dieBeforeConfirm('data/a')
    const report = await reconcile(world.session())
    expect(report.packs).toEqual([])
    expect(await findPack(world.database, packId)).toMatchObject({ state: 'intended' })
    expect(await openSends(world.database, {})).toHaveLength(1)
  })

  it('is reconciled by that process itself, once it does not send it any more', async () => {
    const { reconcilePacks } = await import('#objects/reconcile/reconcile-packs.ts')
    const { packId, dead } = await dieBeforeConfirm('data/a')
    expect(dead.sender.isUnderWay(packId)).toBe(false)
    await reconcilePacks(world.session(), { lease: await dead.writer.lease(), packIds: [packId] })
    expect(await world.object('data/a')).toMatchObject({ pack_id: packId })
    await world.expectAgreement()
  })

  it('is looked for as long as it may appear, then given up, with its object', async () => {
    const dead = world.process()
    const { pack, turn } = await dead.make('data/a')
    world.vault.emulator.faults.on('sendDocument', { calls: 9 }, { kind: 'status', status: 502 })
    await expect(dead.sender.send(pack, turn, world)).rejects.toMatchObject({ code: 'ANSWER_LOST' })
    world.vault.emulator.faults.clear()
    await dead.writer.close()
    const first = await reconcile(world.session())
    expect(first.looked_for_again).toMatchObject([{ pack_id: pack.packId }])
    expect(await findPack(world.database, pack.packId)).not.toBeNull()
    await age(16)
    const second = await reconcile(world.session())
    expect(second.packs).toMatchObject([{ pack_id: pack.packId, outcome: 'given up', message_id: null }])
    expect(await findPack(world.database, pack.packId)).toBeNull()
    await world.process().store('data/a')
    await world.expectAgreement()
  })

  it('is looked for, and an upload that its process had begun is given up at once', async () => {
    const dead = world.process()
    const { pack, turn } = await dead.make('data/a')
    await beginUpload(world.database, {
      ...{ uploadId: randomUUID(), bucketId: world.bucket.id, key: 'data/large' },
      lease: await dead.writer.lease(),
    })
    world.vault.emulator.faults.on('sendDocument', { calls: 9 }, { kind: 'status', status: 502 })
    await expect(dead.sender.send(pack, turn, world)).rejects.toMatchObject({ code: 'ANSWER_LOST' })
    world.vault.emulator.faults.clear()
    await dead.writer.close()
    expect(await unfinishedUploads(world.database)).toHaveLength(1)
    const report = await reconcile(world.session())
    expect(report).toMatchObject({ pending: [], looked_for_again: [{ pack_id: pack.packId }] })
    expect(await unfinishedUploads(world.database)).toEqual([])
  })

  it('is found by what comes before a send', async () => {
    const { reconcileBeforeSend } = await import('#reconcile/before-send.ts')
    const { dead } = await dieBeforeConfirm('data/a')
    await dead.writer.close()
    const { chatId, recipient, folder } = world.vault
    const notes: string[] = []
    await reconcileBeforeSend({
      ...{ database: world.database, client: world.client, signal: world.signal },
      config: {
        ...{ chatId: String(chatId), replicaChatId: undefined, identityFile: undefined },
        ...{ encryption: { recipients: [recipient] }, signingKeyFile: `${folder}/signing-key.pem` },
      },
      note: line => notes.push(line),
    })
    expect(notes).toEqual([`found pack 1 of bucket ${world.bucket.id}`])
    await world.expectAgreement()
  })
})

describe('a pack that is there twice', () => {
  it('loses the message that came late, and keeps the one that counts', async () => {
    const process = world.process()
    const { pack, turn } = await process.make('data/a')
    world.vault.emulator.faults.on('sendDocument', { call: 1 }, { kind: 'late', ms: 60_000 })
    await process.sender.send(pack, turn, world)
    expect(await openSends(world.database, {})).toHaveLength(1)
    await expect.poll(() => world.packsInChat().length, { interval: 500 }).toBe(2)
    const report = await reconcile(world.session())
    expect(report.packs).toMatchObject([{ pack_id: pack.packId, outcome: 'erased' }])
    await world.expectAgreement()
  })
})

describe('a second chat', () => {
  it('gets what it lacks in the order of the packs, by their file ids, and gives back what the first one lost', async () => {
    const replica = world.openChannel()
    const process = world.process()
    for (const name of ['a', 'b', 'c']) await process.store(`data/${name}`)
    const uploads = world.vault.emulator.inspect.requests().filter(({ uploadBytes }) => uploadBytes > 2_000)
    const copied = await reconcile(world.session({ replica }))
    expect(copied.packs.map(({ outcome, sequence }) => [outcome, sequence])).toEqual([
      ['copied', 1],
      ['copied', 2],
      ['copied', 3],
    ])
    const copies = world.packsInChat(replica)
    expect(copies.map(({ caption }) => /pack=(\S+)/.exec(caption ?? '')?.[1])).toEqual(
      world.packsInChat().map(({ caption }) => /pack=(\S+)/.exec(caption ?? '')?.[1]),
    )
    const [lost] = world.packsInChat()
    const [, packId = ''] = /pack=(\S+)/.exec(lost?.caption ?? '') ?? []
    world.vault.emulator.asHuman.deleteMessage(world.vault.chatId, lost?.message_id ?? 0)
    const { markPackMessage } = await import('@telegram-backup/database')
    await markPackMessage(world.database, {
      ...{ packId, chatId: String(world.vault.chatId), state: 'missing' },
    })
    const mended = await reconcile(world.session({ replica }))
    expect(mended.packs).toMatchObject([{ pack_id: packId, outcome: 'mended' }])
    expect((await packMessages(world.database, packId)).map(({ state }) => state)).toEqual(['sent', 'sent'])
    await world.expectAgreement()
    const later = world.vault.emulator.inspect.requests().filter(({ uploadBytes }) => uploadBytes > 2_000)
    // Only indexes were uploaded, no pack again.
    expect(later.filter(({ method }) => method === 'senddocument').length).toBeLessThanOrEqual(
      uploads.length + 1,
    )
  })

  it('whose copy lost its answer gets no second one', async () => {
    const replica = world.openChannel()
    await world.process().store('data/a')
    await reconcile(world.session({ replica }))
    await world.process().store('data/b')
    world.vault.emulator.faults.on('sendDocument', { call: 1 }, { kind: 'answer-lost' })
    const report = await reconcile(world.session({ replica }))
    expect(report.pending).toEqual([])
    expect(world.packsInChat(replica)).toHaveLength(2)
    expect(await openSends(world.database, {})).toEqual([])
  })
})
