import { randomBytes } from 'node:crypto'
import {
  acquireLease,
  beginPackErase,
  deadPacks,
  findPack,
  listObjects,
  purgeObjects,
} from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { reconcile } from '#reconcile/reconcile.ts'
import { BucketWriter } from '#test/recover/bucket-writer.ts'
import { sessionOf } from '#test/recover/session-of.ts'
import { versionsIn } from '#test/recover/versions-in.ts'

let machines: Machines
let group: number
let old: Machine

beforeEach(async () => {
  machines = await openMachines()
  const { emulator } = machines.vault
  const administrators = emulator.inspect.bots().map(bot => ({ bot }))
  group = emulator.createChat({ type: 'group', title: 'Vault', administrators }).id
  old = await machines.open({ chatId: group })
})
afterEach(() => machines.close())

test('a bucket whose group became a supergroup is recovered from both, with what came after', async () => {
  const writer = await BucketWriter.open(old, machines.vault, { chatId: group })
  await writer.put({ 'data/a': randomBytes(100), 'data/b': randomBytes(100) })
  await writer.checkpoint()
  await writer.put({ 'data/c': randomBytes(100) })
  await writer.refreshIndex()
  const moved = await machines.vault.emulator.asHuman.migrate(group)
  await writer.put({ 'data/d': randomBytes(100) })
  await writer.delete('data/a')
  await writer.tell()
  await writer.refreshIndex(String(moved))
  const next = await machines.open({ chatId: moved })
  const report = await next.recover()
  expect(report.buckets).toMatchObject([{ objects: 3, lost: 0, findings: [] }])
  const { id: bucketId } = writer.bucket
  expect(await versionsIn(next.database, bucketId)).toEqual(await versionsIn(old.database, bucketId))
  const keys = await listObjects(next.database, { bucketId, prefix: '', limit: 10 })
  expect(keys.map(({ key }) => key)).toEqual(['data/b', 'data/c', 'data/d'])
  expect(await purgeObjects(next.database, { bucketId, limit: 10 })).toBe(0)
})

test('what was begun to be erased in the group ends when it is a supergroup: nobody can remove it there', async () => {
  const writer = await BucketWriter.open(old, machines.vault, { chatId: group, undeleteMs: 0 })
  const { id: bucketId } = writer.bucket
  await writer.put({ 'data/a': randomBytes(100) })
  await writer.put({ 'data/b': randomBytes(100) })
  await writer.delete('data/a')
  await writer.tell()
  await purgeObjects(old.database, { bucketId, limit: 10 })
  await writer.checkpoint()
  await writer.refreshIndex()
  const lease = await acquireLease(old.database, { subject: bucketId, purpose: 'objects' })
  if (lease === null) throw new Error('somebody tends the bucket')
  const packIds = (await deadPacks(old.database, { bucketId, limit: 100 })).map(({ id }) => id)
  const erasing = await beginPackErase(old.database, { bucketId, packIds, lease })
  await lease.release()
  expect(erasing.length).toBeGreaterThan(0)
  const moved = await machines.vault.emulator.asHuman.migrate(group)
  const session = sessionOf(old, { ...machines.vault, chatId: moved })
  const { packs, pending } = await reconcile(session)
  expect(packs.map(({ outcome }) => outcome)).toEqual(erasing.map(() => 'unreachable'))
  expect(pending).toEqual([])
  for (const { id } of erasing) expect(await findPack(old.database, id)).toMatchObject({ state: 'erased' })
  await writer.put({ 'data/c': randomBytes(100) })
  await writer.refreshIndex(String(moved))
  const next = await machines.open({ chatId: moved })
  expect((await next.recover()).buckets).toMatchObject([{ objects: 2, lost: 0 }])
})
