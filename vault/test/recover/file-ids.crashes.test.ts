import { getBackupDetails, listMessages, type MessageRow } from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { createTelegramClient, writeCaption } from 'telegram-deployment-bot'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

// What is asked of the server when file ids lead nowhere, and what the catalog learns from it.

let machines: Machines
let old: Machine

beforeEach(async () => {
  machines = await openMachines()
  old = await machines.open()
})

afterEach(() => machines.close())

const calls = (method: string): number => machines.vault.emulator.inspect.calls(method)

/** A machine with the catalog of the old one, and all the patience with the server that a real one has. */
const patient = (token?: string): Promise<Machine> =>
  machines.open({ ...(token === undefined ? {} : { token }), database: old.database, transferTries: 10 })

/** How many calls of a method the fetch of that backup takes; its bytes are the right ones. */
async function countWhile(
  method: string,
  machine: Machine,
  of: { id: string; bytes: Buffer },
): Promise<number> {
  const before = calls(method)
  expect((await machine.fetch(of.id)).equals(of.bytes)).toBe(true)
  return calls(method) - before
}

/** File ids of the parts in one chat that lead nowhere, though they are said to be of the bot `bot_id`. */
async function killFileIds(id: string, bot_id: string | null, chatId = machines.vault.chatId): Promise<void> {
  const foreign = await foreignFileId()
  await old.database.kysely
    .updateTable('backup_parts')
    .set({ file_id: foreign, bot_id })
    .where('backup_id', '=', id)
    .where('chat_id', '=', String(chatId))
    .where('kind', '=', 'part')
    .execute()
}

/** Of another bot: the server says of it what it says of a file that is unavailable for the moment. */
async function foreignFileId(): Promise<string> {
  const { emulator } = machines.vault
  const bot = emulator.createBot()
  const chat = emulator.createChat({ type: 'channel', title: 'Theirs', administrators: [{ bot }] })
  const client = createTelegramClient({ token: bot.token, apiRoot: emulator.url })
  const document = { chatId: String(chat.id), fileName: 'a.bin', bytes: Buffer.from('a'), caption: '' }
  return (await client.sendDocument(document)).fileId
}

async function openReplica(): Promise<number> {
  const { emulator } = machines.vault
  const bot = emulator.inspect.bots()[0]
  if (bot === undefined) throw new Error('no bot')
  return emulator.createChat({ type: 'channel', title: 'Copy', administrators: [{ bot }] }).id
}

async function partsOf(id: string, chatId: number): Promise<MessageRow[]> {
  const rows = await listMessages(old.database, id)
  return rows.filter(({ kind, chat_id }) => kind === 'part' && chat_id === String(chatId))
}

describe('file ids that lead nowhere', () => {
  test('of this bot are asked about briefly, and after two of them the messages come first', async () => {
    const sent = await old.send(1_000_000)
    await killFileIds(sent.id, old.client.botId)
    const parts = (await partsOf(sent.id, machines.vault.chatId)).length
    expect(parts).toBeGreaterThan(20)
    const machine = await patient()
    // Two downloads and three paths are begun ahead, each asked about twice, and a few more before two have
    // failed; then each part once.
    expect(await countWhile('getFile', machine, sent)).toBeLessThanOrEqual(parts + 2 * 8)
    expect(await countWhile('forwardMessage', machine, sent)).toBe(0)
    expect(await countWhile('getFile', machine, sent)).toBe(parts)
  })

  test.each([
    ['an unknown bot', null],
    ['another bot', '7'],
  ])('of %s are not asked about before the messages', async (_, botId) => {
    const sent = await old.send(150_000)
    await killFileIds(sent.id, botId)
    expect(await countWhile('getFile', await patient(), sent)).toBe(4)
  })

  test('one dead file id does not put the others after their messages', async () => {
    const sent = await old.send(500_000)
    await old.database.kysely
      .updateTable('backup_parts')
      .set({ file_id: await foreignFileId() })
      .where('part_no', '=', 2)
      .execute()
    expect(await countWhile('forwardMessage', await patient(), sent)).toBe(1)
  })

  test('a file id of an unknown bot still serves when the message is gone', async () => {
    const sent = await old.send(1000)
    await old.database.kysely.updateTable('backup_parts').set({ bot_id: null }).execute()
    const [part] = await partsOf(sent.id, machines.vault.chatId)
    machines.vault.emulator.asHuman.deleteMessage(machines.vault.chatId, part?.message_id ?? 0)
    expect((await old.fetch(sent.id)).equals(sent.bytes)).toBe(true)
  })

  test('the last place gets all the patience', async () => {
    const sent = await old.send(1000)
    const unavailable = { kind: 'error', errorCode: 400, description: UNAVAILABLE } as const
    machines.vault.emulator.faults.on('getFile', { calls: 9 }, unavailable)
    expect((await (await patient()).fetch(sent.id)).equals(sent.bytes)).toBe(true)
  })
})

const UNAVAILABLE = 'Bad Request: wrong file_id or the file is temporarily unavailable'

test('whose the file ids are comes back with the catalog, and another bot asks about none of them', async () => {
  const sent = await old.send(150_000)
  const { emulator, chatId } = machines.vault
  const bot = emulator.createBot()
  emulator.asHuman.promote(chatId, bot)
  const next = await machines.open({ token: bot.token, transferTries: 10 })
  const before = calls('getFile')
  await next.recover()
  // The index and the manifest, each by its message; of the parts none.
  expect(calls('getFile') - before).toBe(2)
  const rows = await listMessages(next.database, sent.id)
  const parts = rows.filter(({ kind }) => kind === 'part')
  expect(new Set(parts.map(({ bot_id }) => bot_id))).toEqual(new Set([old.client.botId]))
  expect(await countWhile('getFile', next, sent)).toBe(4)
})

describe('what a fetch finds out', () => {
  test('a part that is gone from its chat and came from the other one is missing, and the backup is not damaged', async () => {
    const replica = await openReplica()
    const sent = await old.send(150_000, { replicaChatId: String(replica) })
    const [lost] = await partsOf(sent.id, machines.vault.chatId)
    await killFileIds(sent.id, old.client.botId)
    machines.vault.emulator.asHuman.deleteMessage(machines.vault.chatId, lost?.message_id ?? 0)
    expect((await old.fetch(sent.id)).equals(sent.bytes)).toBe(true)
    const states = (await partsOf(sent.id, machines.vault.chatId)).map(({ state }) => state)
    expect(states).toEqual(['missing', 'sent', 'sent', 'sent'])
    expect((await partsOf(sent.id, replica)).every(({ state }) => state === 'sent')).toBe(true)
    expect((await getBackupDetails(old.database, sent.id))?.damaged_at).toBeNull()
    const forwards = await countWhile('forwardMessage', old, sent)
    expect(forwards).toBe(0)
  })

  test('a part that was replaced in its chat by other bytes is damaged', async () => {
    const replica = await openReplica()
    const sent = await old.send(150_000, { replicaChatId: String(replica) })
    const [, part] = await partsOf(sent.id, machines.vault.chatId)
    if (part?.message_id == null) throw new Error('it was not sent')
    await old.client.editDocument({
      chatId: String(machines.vault.chatId),
      messageId: part.message_id,
      fileName: part.file_name,
      bytes: Buffer.alloc(part.size),
      caption: writeCaption({
        ...{ project: 'shop', type: 'database', createdAt: new Date(), backupId: sent.id },
        ...{ content: { kind: 'part', number: 2, last: false }, sha256: part.sha256 },
      }),
    })
    await killFileIds(sent.id, null)
    expect((await old.fetch(sent.id)).equals(sent.bytes)).toBe(true)
    const states = (await partsOf(sent.id, machines.vault.chatId)).map(({ state }) => state)
    expect(states).toEqual(['sent', 'damaged', 'sent', 'sent'])
    expect((await getBackupDetails(old.database, sent.id))?.damaged_at).toBeNull()
  })
})
