import { randomBytes } from 'node:crypto'
import { findPacks, heldPacks } from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BucketWriter } from '#test/recover/bucket-writer.ts'
import { sessionOf } from '#test/recover/session-of.ts'
import type { BucketVerification } from '#verify/bucket-report.ts'
import { verifyBucket } from '#verify/verify-bucket.ts'

let machines: Machines
let machine: Machine
let writer: BucketWriter

beforeEach(async () => {
  machines = await openMachines()
  machine = await machines.open()
  writer = await BucketWriter.open(machine, machines.vault)
})
afterEach(() => machines.close())

const some = (size = 500): Buffer => randomBytes(size)
const lose = (messageId: number, chatId = machines.vault.chatId): void =>
  machines.vault.emulator.asHuman.deleteMessage(chatId, messageId)

/** Puts something else into a message; it has as many bytes. */
async function replaceDocument(messageId: number): Promise<void> {
  const chatId = String(machines.vault.chatId)
  const caption = machines.vault.emulator.inspect
    .messages(machines.vault.chatId)
    .find(({ message_id }) => message_id === messageId)?.caption
  const pack = (await packsOf()).find(({ messages }) => messages[0]?.message_id === messageId)
  const bytes = randomBytes(pack?.size ?? 0)
  await machine.client.editDocument({ chatId, messageId, fileName: 'x', bytes, caption: caption ?? '' })
}

const packsOf = () => heldPacks(machine.database, { bucketId: writer.bucket.id, after: 0, limit: 100 })

async function verify(of: {
  readData: boolean
  replica?: number
  hasKey?: boolean
}): Promise<BucketVerification> {
  const { readData, replica, hasKey = true } = of
  const session = {
    ...sessionOf(machine, machines.vault, replica),
    identities: hasKey ? async () => [machines.vault.identity] : undefined,
  }
  return await verifyBucket(session, { bucketId: writer.bucket.id, readData })
}

const isDamaged = async (): Promise<boolean[]> =>
  (await packsOf()).map(({ damaged_at }) => damaged_at !== null)

describe('a bucket', () => {
  it('is sound: every message is there, with the key every byte opens and every object is what was stored', async () => {
    await writer.put({ 'data/a': some(), 'data/b': some(), empty: Buffer.alloc(0) })
    await writer.putLarge('data/large', [some(3000), some(4000), some(10)])
    await writer.delete('data/a')
    await writer.checkpoint()
    expect(await verify({ readData: false })).toMatchObject({
      ...{ state: 'sound', depth: 'messages', packs: 5, messages: 5, bytes: 0, findings: [], unproven: [] },
    })
    const read = await verify({ readData: true })
    expect(read).toMatchObject({
      state: 'sound',
      depth: 'plain bytes',
      objects: 2,
      findings: [],
      unproven: [],
    })
    expect(read.bytes).toBe((await packsOf()).reduce((sum, { size }) => sum + size, 0))
    const packs = await findPacks(
      machine.database,
      (await packsOf()).map(({ id }) => id),
    )
    expect(packs.every(({ verified_at }) => verified_at !== null)).toBe(true)
  })

  it('without the key is read as it was sent, and that is said', async () => {
    await writer.put({ 'data/a': some() })
    expect(await verify({ readData: true, hasKey: false })).toMatchObject({
      ...{ state: 'sound', depth: 'sent bytes', objects: 0, unproven: [{ code: 'NO_KEY' }] },
    })
  })

  it.each([true, false])(
    'names the objects of a pack that somebody deleted (readData %s)',
    async readData => {
      const message = await writer.put({ 'data/a': some(), 'data/b': some() })
      await writer.put({ 'data/c': some() })
      lose(message)
      expect(await verify({ readData })).toMatchObject({
        state: 'damaged',
        findings: [{ finding: 'missing', message_id: message, sequence: 1 }],
        ...{ lost: 2, lost_keys: ['data/a', 'data/b'] },
      })
      expect(await isDamaged()).toEqual([true, false])
    },
  )

  it('finds bytes that somebody has replaced only by reading them; then a look at the message is no proof', async () => {
    const message = await writer.put({ 'data/a': some() })
    await replaceDocument(message)
    expect(await verify({ readData: false })).toMatchObject({ state: 'sound' })
    expect(await verify({ readData: true })).toMatchObject({
      ...{ state: 'damaged', findings: [{ finding: 'damaged' }], lost: 1, lost_keys: ['data/a'] },
    })
    expect(await verify({ readData: false })).toMatchObject({ state: 'damaged' })
  })

  it('is repaired from the second chat', async () => {
    const replica = machines.vault.emulator.createChat({
      ...{ type: 'channel', title: 'Second' },
      administrators: machines.vault.emulator.inspect.bots().map(bot => ({ bot })),
    }).id
    const message = await writer.put({ 'data/a': some() })
    await writer.put({ 'data/b': some() })
    await writer.refreshIndex()
    await writer.refreshIndex(String(replica))
    await writer.copyTo(
      replica,
      (await packsOf()).map(({ id }) => id),
    )
    lose(message)
    const report = await verify({ readData: false, replica })
    expect(report).toMatchObject({
      state: 'mended',
      findings: [{ finding: 'missing', mended: true }],
      lost: 0,
    })
    expect(await verify({ readData: true, replica })).toMatchObject({ state: 'sound', messages: 4 })
    expect(await isDamaged()).toEqual([false, false])
  })

  it('whose object is not what the catalog says is damaged, although every byte is what was sent', async () => {
    await writer.put({ 'data/a': some(), 'data/b': some() })
    await sql`update control_plane.objects set sha256 = ${'0'.repeat(64)} where key = 'data/a'`.execute(
      machine.database.kysely,
    )
    expect(await verify({ readData: true })).toMatchObject({
      state: 'damaged',
      findings: [{ finding: 'contents', reason: expect.stringContaining('data/a') }],
    })
  })

  it('an outage is no damage', async () => {
    await writer.put({ 'data/a': some() })
    machines.vault.emulator.faults.on('getFile', { calls: 500 }, { kind: 'status', status: 502 })
    machines.vault.emulator.faults.on('file', { calls: 500 }, { kind: 'status', status: 502 })
    await expect(verify({ readData: true })).rejects.toThrow()
    machines.vault.emulator.faults.clear()
    expect(await isDamaged()).toEqual([false])
  })

  it('of which a pack is erased while it is verified is sound', async () => {
    writer = await BucketWriter.open(machine, machines.vault, { undeleteMs: 0 })
    await writer.put({ 'data/a': some() })
    await writer.put({ 'data/b': some() })
    await writer.delete('data/a')
    await writer.tell()
    await writer.checkpoint()
    await writer.refreshIndex()
    let gone: number[] | undefined
    const session = sessionOf(machine, machines.vault)
    const client: typeof session.client = {
      ...session.client,
      messageExists: async (...of) => {
        gone ??= await writer.collectGarbage()
        return await session.client.messageExists(...of)
      },
    }
    const of = { bucketId: writer.bucket.id, readData: false }
    expect(await verifyBucket({ ...session, client }, of)).toMatchObject({ state: 'sound', findings: [] })
    expect(gone).toHaveLength(2)
  })
})
