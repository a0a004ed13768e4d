import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'

let machines: Machines
let old: Machine

beforeEach(async () => {
  machines = await openMachines()
  old = await machines.open()
})

afterEach(() => machines.close())

test('a card from before a recovery names a key that is not the index’s: nothing is replaced, and it is said what to name', async () => {
  const first = await old.send(1000)
  const next = await machines.open()
  await next.recover()
  const second = await next.send(1000)
  const { emulator, chatId } = machines.vault
  const index = emulator.inspect.messages(chatId).findLast(({ pinned }) => pinned)?.message_id ?? 0
  const before = await emulator.inspect.documentBytes(chatId, index)
  const third = await machines.open()
  const { indexFailure, owner, backups } = await third.recover({ signers: [old.signer] })
  expect(indexFailure).toContain(`(message ${index}) is signed by ${next.signer}`)
  expect(indexFailure).toContain(`add --signer ${next.signer}`)
  expect(owner).toBeNull()
  expect(backups.map(({ id }) => id)).toEqual([first.id])
  expect((await emulator.inspect.documentBytes(chatId, index)).equals(before)).toBe(true)
  await next.send(1000)
  const told = await third.recover({ signers: [old.signer, next.signer] })
  expect(told).toMatchObject({ indexFailure: null, refused: [] })
  expect(told.backups.map(({ id }) => id)).toContain(second.id)
})

test('a forged index that a person has deleted stands in the way no more', async () => {
  const { id } = await old.send(1000)
  const thief = await machines.open()
  await thief.recover()
  const { emulator, chatId } = machines.vault
  const index = emulator.inspect.messages(chatId).findLast(({ pinned }) => pinned)?.message_id ?? 0
  const next = await machines.open()
  expect((await next.recover({ signers: [old.signer] })).owner).toBeNull()
  emulator.asHuman.deleteMessage(chatId, index)
  const report = await next.recover({ signers: [old.signer] })
  expect(report).toMatchObject({ indexFailure: null, backups: [{ id }] })
})
