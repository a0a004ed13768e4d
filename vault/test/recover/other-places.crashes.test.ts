import { getBackupDetails, listMessages, openSends, queryBackups } from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { writeCaption } from 'telegram-deployment-bot'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

let machines: Machines
let old: Machine

beforeEach(async () => {
  machines = await openMachines()
  old = await machines.open()
})

afterEach(() => machines.close())

/** Another bot with all rights in the chat; the old one is thrown out. */
function replaceBot(): string {
  const { emulator, chatId } = machines.vault
  const bot = emulator.createBot()
  emulator.asHuman.promote(chatId, bot)
  const before = emulator.inspect.bots()[0]
  if (before) emulator.asHuman.kick(chatId, before)
  return bot.token
}

describe('another bot', () => {
  test('recovers, fetches every part by its message, and leaves no copy behind', async () => {
    const { id, bytes } = await old.send(150_000)
    const before = machines.vault.messageIds()
    const next = await machines.open({ token: replaceBot() })
    const report = await next.recover()
    expect(report.backups).toMatchObject([{ id, findings: [] }])
    expect((await next.fetch(id)).equals(bytes)).toBe(true)
    const botId = next.client.botId
    const rows = await listMessages(next.database, id)
    expect(rows.map(({ bot_id }) => bot_id)).toEqual(rows.map(() => botId))
    expect(await openSends(next.database, {})).toEqual([])
    const documents = machines.vault.messageIds().filter(message => before.slice(1).includes(message))
    expect(documents).toEqual(before.slice(1))
    const forwards = machines.vault.emulator.inspect.calls('forwardMessage')
    expect((await next.fetch(id)).equals(bytes)).toBe(true)
    expect(machines.vault.emulator.inspect.calls('forwardMessage')).toBe(forwards)
    await next.send(1000)
    expect((await machines.index()).backups).toHaveLength(2)
  })

  test('with the old catalog fetches as well', async () => {
    const { id, bytes } = await old.send(150_000)
    const again = await machines.open({ token: replaceBot(), database: old.database })
    expect((await again.fetch(id)).equals(bytes)).toBe(true)
  })
})

describe('the second chat', () => {
  async function sendToBoth(): Promise<{ id: string; bytes: Buffer; replica: number }> {
    const { emulator } = machines.vault
    const bot = emulator.inspect.bots()[0]
    if (bot === undefined) throw new Error('no bot')
    const replica = emulator.createChat({ type: 'channel', title: 'Copy', administrators: [{ bot }] })
    emulator.asHuman.promote(replica.id, bot)
    const sent = await old.send(150_000, { replicaChatId: String(replica.id) })
    return { ...sent, replica: replica.id }
  }

  test('gives the parts that the first one lacks, and says so', async () => {
    const { id, bytes, replica } = await sendToBoth()
    const rows = await listMessages(old.database, id)
    const own = rows.filter(({ chat_id, kind }) => chat_id !== String(replica) && kind === 'part')
    const lost = own.slice(0, 2)
    // Their messages and their files: the copies in the second chat have file ids of their own.
    await old.database.kysely
      .updateTable('backup_parts')
      .set({ file_id: 'AgADgone' })
      .where('chat_id', '<>', String(replica))
      .where(
        'part_no',
        'in',
        lost.map(({ part_no }) => part_no),
      )
      .execute()
    for (const { message_id } of lost)
      machines.vault.emulator.asHuman.deleteMessage(machines.vault.chatId, Number(message_id))
    const notes: string[] = []
    expect((await old.fetch(id, notes)).equals(bytes)).toBe(true)
    expect(notes.sort()).toEqual(
      lost.map(({ part_no }) => `part ${part_no} is taken from the copy in chat ${replica}`),
    )
  })

  test.each(['with its index', 'without its index'])('alone is enough to recover, %s', async how => {
    const { id, bytes, replica } = await sendToBoth()
    const { emulator, chatId } = machines.vault
    const bot = emulator.inspect.bots()[0]
    if (bot) emulator.asHuman.kick(chatId, bot)
    if (how === 'without its index') {
      const index = emulator.inspect.messages(replica).find(message => message.pinned)
      emulator.asHuman.deleteMessage(replica, index?.message_id ?? 0)
    }
    const next = await machines.open({ chatId: replica })
    const report = await next.recover()
    expect(report.backups).toMatchObject([{ id, findings: [] }])
    expect((await next.fetch(id)).equals(bytes)).toBe(true)
    const details = await getBackupDetails(next.database, id)
    const there = new Set(emulator.inspect.messages(replica).map(message => message.message_id))
    expect(details?.parts.every(part => there.has(Number(part.message_id)))).toBe(true)
    expect((await machines.index(replica)).backups).toMatchObject([{ id }])
  })
})

test('parts of an abandoned run are found and recorded as failed, and what people post is not', async () => {
  await old.send(1000)
  const { chatId, emulator } = machines.vault
  const facts = {
    project: 'shop',
    type: 'logs',
    createdAt: new Date('2026-11-24T05:33:00Z'),
    backupId: '1b9d6bcd-5a3d-4e21-8f6b-0d9a1b2c3d4e',
    content: { kind: 'part' as const, number: 1, last: false },
    sha256: 'a'.repeat(64),
  }
  const dead = await old.client.sendDocument({
    chatId: String(chatId),
    fileName: 'shop_logs_20261124T053300Z_1b9d6bcd.log.00001.zst.age',
    bytes: Buffer.from('dead'),
    caption: writeCaption(facts),
  })
  await emulator.asHuman.post(chatId, { text: 'hello' })
  const next = await machines.open()
  const report = await next.recover()
  expect(report.backups.map(({ id, state }) => [id, state])).toContainEqual([facts.backupId, 'failed'])
  const [row] = await listMessages(next.database, facts.backupId)
  expect(row).toMatchObject({ message_id: dead.messageId, state: 'sent', part_no: 1 })
  const { data } = await queryBackups(next.database, {})
  expect(data).toHaveLength(2)
})
