import { randomBytes } from 'node:crypto'
import { listObjects, purgeObjects } from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BucketWriter } from '#test/recover/bucket-writer.ts'
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
