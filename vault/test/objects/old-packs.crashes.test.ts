import { randomBytes } from 'node:crypto'
import {
  acquireLease,
  deadPacks,
  findObject,
  findPack,
  listObjects,
  purgeObjects,
} from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createCatalogVault } from '#ledger/catalog-vault.ts'
import { erasePacks } from '#objects/messages/erase-packs.ts'
import { reconcile } from '#reconcile/reconcile.ts'
import { BucketWriter } from '#test/recover/bucket-writer.ts'
import { sessionOf } from '#test/recover/session-of.ts'

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
const inChat = () =>
  machines.vault.emulator.inspect
    .messages(machines.vault.chatId)
    .filter(({ caption }) => caption?.includes(' pack='))

/** Erases what is dead, as upkeep does. */
async function eraseDead() {
  const { database, client } = machine
  const bucketId = writer.bucket.id
  const lease = await acquireLease(database, { subject: bucketId, purpose: 'objects' })
  if (lease === null) throw new Error('somebody tends the bucket')
  try {
    const packIds = (await deadPacks(database, { bucketId, limit: 100 })).map(({ id }) => id)
    const signal = new AbortController().signal
    const lookAtChat = async (chatId: string) => ({ chatId })
    const tools = { database, client, vault: createCatalogVault(database), signal, lookAtChat }
    return await erasePacks(tools, { bucketId, packIds, lease })
  } finally {
    await lease.release()
  }
}

test('packs older than 48 hours are overwritten by tombstones, which nobody reads as packs', async () => {
  const message = await writer.put({ 'data/a': some() })
  await writer.put({ 'data/b': some() })
  machines.vault.emulator.clock.advance(49 * 3600 * 1000)
  await writer.delete('data/a')
  await writer.tell()
  await purgeObjects(machine.database, { bucketId: writer.bucket.id, limit: 100 })
  await writer.checkpoint()
  await writer.refreshIndex()
  const before = machines.vault.emulator.inspect.calls('editMessageMedia')
  const [gone] = (await eraseDead()).filter(({ messageId }) => messageId === message)
  expect(gone).toMatchObject({ outcome: 'tombstone' })
  expect(machines.vault.emulator.inspect.calls('editMessageMedia')).toBeGreaterThan(before)
  expect(inChat().find(({ message_id }) => message_id === message)?.caption).toContain(' tombstone pack=')
  expect(await findPack(machine.database, gone?.pack.id ?? '')).toMatchObject({
    state: 'erased',
    messages: [{ state: 'tombstone' }],
  })
  // Nothing is left to erase, to look for, or to mend.
  expect(await eraseDead()).toEqual([])
  const { packs, pending } = await reconcile(sessionOf(machine, machines.vault))
  expect({ packs, pending }).toEqual({ packs: [], pending: [] })
  const next = await machines.open()
  const report = await next.recover({ signers: [machine.signer] })
  expect(report.refusedPacks).toEqual([])
  expect(report.buckets).toMatchObject([{ objects: 1, lost: 0, findings: [] }])
  const bucketId = writer.bucket.id
  expect(
    (await listObjects(next.database, { bucketId, prefix: '', limit: 9 })).map(({ key }) => key),
  ).toEqual(['data/b'])
  expect(await findObject(next.database, { bucketId, key: 'data/a' })).toBeNull()
  // The checkpoint from before still lists it; nothing needs it, so that the next round ends it there, too.
  const dead = await deadPacks(next.database, { bucketId, limit: 9 })
  expect(dead.map(({ id }) => id)).toContain(gone?.pack.id)
})
