import { dueLeftovers, knownMessageIds } from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'

let machines: Machines
let old: Machine

beforeEach(async () => {
  machines = await openMachines()
  old = await machines.open()
})

afterEach(() => machines.close())

test('a copy that a lost catalog left behind, and one of a person’s, stay, are known and told of', async () => {
  await old.send(1000)
  const { vault } = machines
  const { emulator, chatId } = vault
  const chat = String(chatId)
  const index = emulator.inspect.messages(chatId).findLast(({ pinned }) => pinned)
  if (index?.caption === undefined) throw new Error('no index')
  // As a look whose answer was lost, and whose catalog is gone.
  const { messageId: copy } = await old.client.forwardMessage(chat, chat, index.message_id)
  const bytes = await emulator.inspect.documentBytes(chatId, index.message_id)
  const document = { fileName: 'index.zst.age', bytes }
  const theirs = await emulator.asHuman.post(chatId, { caption: index.caption, document })
  const said = await emulator.asHuman.post(chatId, { text: 'Is this still needed?' })
  const before = vault.messageIds()
  const next = await machines.open()
  const { notes, indexFailure } = await next.recover()
  expect(indexFailure).toBeNull()
  expect(notes.sort()).toEqual([
    expect.stringMatching(
      `^Message ${copy} is a copy of a message of this program: .* It stays, and may be deleted by hand.$`,
    ),
    expect.stringMatching(`^Message ${theirs} is a former index, or a person’s copy of one. It stays`),
  ])
  expect(vault.messageIds()).toEqual(before)
  const known = await knownMessageIds(next.database, chat, { after: 0, upTo: 1_000 })
  expect([known.has(copy), known.has(theirs), known.has(said)]).toEqual([true, true, false])
  expect(await dueLeftovers(next.database, chat)).toEqual([])
  expect((await next.recover()).notes).toEqual([])
  expect(vault.messageIds()).toEqual(before)
})
