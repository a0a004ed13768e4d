import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startEmulator } from '#index.ts'
import { clientFor, type Stage, setStage } from '#test/bot-client.ts'

const UPGRADED = 'Bad Request: group chat was upgraded to a supergroup chat'

/** A basic group with a document, which then became a supergroup. */
async function migrated(): Promise<Stage & { old: number; now: number; sent: number; fileId: string }> {
  const stage = await setStage({ type: 'group' })
  const { message_id, document } = await stage.sendDocument('from before', 'a.zst', { caption: 'part' })
  await stage.client.call('pinChatMessage', { chat_id: stage.chat.id, message_id })
  const now = await stage.emulator.asHuman.migrate(stage.chat.id)
  return { ...stage, old: stage.chat.id, now, sent: message_id, fileId: document.file_id }
}

test.for([
  ['sendMessage', { text: 'a' }],
  ['sendDocument', {}],
  ['sendChatAction', { action: 'upload_document' }],
  ['pinChatMessage', {}],
  ['unpinChatMessage', {}],
  ['unpinAllChatMessages', {}],
  ['deleteMessage', {}],
  ['deleteMessages', {}],
  ['editMessageCaption', { caption: 'b' }],
  ['editMessageReplyMarkup', {}],
  ['getChatMember', { user_id: 5 }],
] as const)('%s on the old id says where the chat has gone', async ([method, fields]) => {
  await using stage = await migrated()
  const { client, old, now, sent, fileId } = stage
  const answer = await client.call(method, {
    chat_id: old,
    message_id: sent,
    message_ids: [sent],
    document: fileId,
    ...fields,
  })
  expect([answer.status, answer.description]).toEqual([400, UPGRADED])
  expect(answer.parameters).toEqual({ migrate_to_chat_id: now })
})

test('what was written before is read by the old id, forwarded to the new one, and fetched by its file_id', async () => {
  await using stage = await migrated()
  const { client, old, now, sent, fileId } = stage
  const from = { chat_id: now, from_chat_id: old, message_id: sent }
  const { result } = await client.call('forwardMessage', from)
  expect(result).toMatchObject({ message_id: 2, caption: 'part', document: { file_name: 'a.zst' } })
  expect((await client.call('copyMessage', from)).result).toEqual({ message_id: 3 })
  const { file_path } = (await client.call('getFile', { file_id: fileId })).result
  expect(await (await client.download(file_path)).text()).toBe('from before')
  const resent = await client.call('sendDocument', { chat_id: now, document: fileId })
  expect(resent.result.message_id).toBe(4)
  // Into the old one nothing goes, whatever it comes from.
  expect((await client.call('forwardMessage', { ...from, chat_id: old })).description).toBe(UPGRADED)
})

test('getChat and the bot’s own membership still answer for the old id', async () => {
  await using stage = await migrated()
  const { client, old, now, sent } = stage
  const before = (await client.call('getChat', { chat_id: old })).result
  expect(before).toMatchObject({ id: old, type: 'group', pinned_message: { message_id: sent } })
  const own = await client.call('getChatMember', { chat_id: old, user_id: client.bot.id })
  expect(own.result['status']).toBe('administrator')
  const after = (await client.call('getChat', { chat_id: now })).result
  expect(after).toMatchObject({ id: now, type: 'supergroup', title: before['title'] })
  expect(after).not.toHaveProperty('pinned_message')
})

test('the bots and their rights come along, and ids begin anew behind a message that cannot be deleted', async () => {
  await using stage = await setStage({ type: 'group' })
  const { emulator, client, chat } = stage
  const member = clientFor(emulator, emulator.createBot())
  emulator.asHuman.demote(chat.id, member.bot)
  emulator.asHuman.promote(chat.id, client.bot, { can_pin_messages: false })
  const now = await emulator.asHuman.migrate(chat.id)
  const { result } = await member.call('sendMessage', { chat_id: now, text: 'a' })
  expect(result.message_id).toBe(2)
  const at = { chat_id: now, message_id: 2 }
  expect((await client.call('pinChatMessage', at)).description).toContain('not enough rights')
  expect((await client.call('deleteMessage', at)).ok).toBe(true)
  expect((await client.call('deleteMessage', { ...at, message_id: 1 })).description).toBe(
    "Bad Request: message can't be deleted",
  )
})

test('a service message in each chat names the other, and reaches the bots', async () => {
  await using stage = await migrated()
  const { client, emulator, old, now } = stage
  const services = (chatId: number) => emulator.inspect.allMessages(chatId).map(({ service }) => service)
  expect(services(old)).toEqual([undefined, 'pinned', 'migrated-to'])
  expect(services(now)).toEqual(['migrated-from'])
  const updates = (await client.call('getUpdates')).result as unknown as { message: object }[]
  expect(updates.slice(-2).map(({ message }) => message)).toMatchObject([
    { chat: { id: old }, migrate_to_chat_id: now },
    { chat: { id: now }, message_id: 1, migrate_from_chat_id: old },
  ])
})

test('only a basic group is upgraded, and only once', async () => {
  await using stage = await migrated()
  const { emulator, old, now } = stage
  for (const chatId of [old, now]) {
    await expect(emulator.asHuman.migrate(chatId)).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  }
  await expect(emulator.asHuman.migrate(-1)).rejects.toMatchObject({ code: 'UNKNOWN_CHAT' })
})

test('a data folder that is opened again knows of it', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'migration-test-'))
  const first = await startEmulator({ dataDir })
  const bot = first.createBot()
  const chat = first.createChat({ type: 'group', administrators: [{ bot }] })
  const now = await first.asHuman.migrate(chat.id)
  await first.close()
  const second = await startEmulator({ dataDir })
  const answer = await clientFor(second, bot).call('sendMessage', { chat_id: chat.id, text: 'a' })
  expect(answer.parameters).toEqual({ migrate_to_chat_id: now })
  await second.close()
  await rm(dataDir, { recursive: true })
})
