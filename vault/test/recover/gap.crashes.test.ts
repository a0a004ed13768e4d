import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'

// The index is lost, and between the backups lie more than 500 messages.

let machines: Machines
let old: Machine

beforeEach(async () => {
  machines = await openMachines()
  old = await machines.open()
})

afterEach(() => machines.close())

async function widenTheGap(messages: number, kept: number): Promise<void> {
  const { emulator, chatId } = machines.vault
  for (let number = 0; number < messages; number++) {
    const posted = await emulator.asHuman.post(chatId, { text: 'hello' })
    if (number >= kept) emulator.asHuman.deleteMessage(chatId, posted)
  }
}

function deleteIndex(): void {
  const { emulator, chatId } = machines.vault
  const pinned = emulator.inspect.messages(chatId).find(message => message.pinned)
  emulator.asHuman.deleteMessage(chatId, pinned?.message_id ?? 0)
}

/** The chain is broken where a manifest that another one leads to is gone. */
async function deleteMessages({ id }: { id: string }): Promise<void> {
  const { emulator, chatId } = machines.vault
  const { kysely } = old.database
  const messages = kysely.selectFrom('backup_parts').select('message_id').where('backup_id', '=', id)
  for (const { message_id } of await messages.execute())
    emulator.asHuman.deleteMessage(chatId, Number(message_id))
}

test('what lies below is found where its own bot looks for it', async () => {
  const below = await old.send(1000)
  const between = await old.send(1000)
  await widenTheGap(700, 3)
  const above = await old.send(1000)
  deleteIndex()
  await deleteMessages(between)
  const next = await machines.open()
  const report = await next.recover({ onLook: () => {} })
  expect(report.backups.map(({ id }) => id)).toEqual([above.id, below.id])
  expect((await machines.index()).backups.map(({ id }) => id)).toEqual([below.id, above.id])
})

test('by another bot: what was not read is said, and the chat not taken over, until all is read', async () => {
  const lost = await old.send(1000)
  const between = await old.send(1000)
  await widenTheGap(700, 3)
  const above = await old.send(1000)
  deleteIndex()
  await deleteMessages(between)
  const { emulator, chatId } = machines.vault
  const bot = emulator.createBot()
  emulator.asHuman.promote(chatId, bot, { can_edit_messages: false })
  const next = await machines.open({ token: bot.token })
  const report = await next.recover()
  expect(report.backups.map(({ id }) => id)).toEqual([above.id])
  expect(report.unread).toBeGreaterThan(1)
  expect(report).toMatchObject({ owner: null, indexFailure: expect.stringContaining('--whole-chat') })
  const whole = await next.recover({ wholeChat: true })
  expect(whole.backups.map(({ id }) => id)).toEqual([above.id, lost.id])
  expect(whole).toMatchObject({ unread: 0, indexFailure: null })
})
