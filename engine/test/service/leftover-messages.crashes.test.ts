import { dueLeftovers, keepLeftover, keepUnsure } from '@telegram-backup/database'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { reconcile } from '@telegram-backup/vault/reconcile/reconcile.ts'
import { openSession } from '@telegram-backup/vault/session/open-session.ts'
import type { SessionReport } from '@telegram-backup/vault/session/report.ts'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readConfig } from '#environment.ts'

let machines: Machines
let machine: Machine
let chatId: string

beforeEach(async () => {
  machines = await openMachines()
  machine = await machines.open()
  chatId = String(machines.vault.chatId)
})

afterEach(() => machines.close())

async function runReconcile(): Promise<SessionReport> {
  const { database, client } = machine
  const config = readConfig(await cliEnvironment(machines.vault))
  const { signal } = new AbortController()
  return await reconcile(await openSession({ database, client, config, signal }))
}

/** A message of the bot that nothing needs. */
async function leaveMessage(): Promise<number> {
  const document = { fileName: 'x', bytes: Buffer.from('x'), caption: 'left over' }
  return (await machine.client.sendDocument({ chatId, ...document })).messageId
}

const becomesDue = (): Promise<unknown> =>
  sql`update control_plane.remnants set next_try_at = now()`.execute(machine.database.kysely)

test('what could not be removed is removed by a later reconcile, which asks less and less often', async () => {
  await machine.send(1000)
  const before = machines.vault.messageIds()
  const messageId = await leaveMessage()
  await keepLeftover(machine.database, { chatId, messageId })
  const { faults } = machines.vault.emulator
  const error = {
    kind: 'error',
    errorCode: 400,
    description: "Bad Request: message can't be deleted",
  } as const
  faults.on('deleteMessage', {}, error)
  const first = await runReconcile()
  expect(first.remnants).toMatchObject([{ message_id: messageId, outcome: 'kept' }])
  expect(first.isDone).toBe(true)
  expect((await runReconcile()).remnants).toEqual([])
  expect(machines.vault.messageIds()).toContain(messageId)
  await becomesDue()
  expect((await runReconcile()).remnants).toEqual([
    { chat_id: chatId, message_id: messageId, outcome: 'erased' },
  ])
  expect(machines.vault.messageIds()).toEqual(before)
  expect((await runReconcile()).remnants).toEqual([])
})

test('neither a message that is needed again is removed, nor one that may be a person’s, nor a tombstone', async () => {
  await machine.send(1000)
  const inUse = machines.vault.messageIds()
  for (const messageId of inUse) await keepLeftover(machine.database, { chatId, messageId })
  const [unsure, tombstone] = [await leaveMessage(), await leaveMessage()]
  await keepUnsure(machine.database, { chatId, messageId: unsure })
  await keepLeftover(machine.database, { chatId, messageId: tombstone, isTombstone: true })
  expect(await dueLeftovers(machine.database, chatId)).toEqual([])
  expect((await runReconcile()).remnants).toEqual([])
  expect(machines.vault.messageIds()).toEqual([...inUse, unsure, tombstone])
})
