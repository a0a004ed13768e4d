import { expect, test } from 'vitest'
import { type Result, type Stage, setStage } from '#test/bot-client.ts'

const pinned = async ({ client, chat }: Stage): Promise<Result | undefined> =>
  (await client.call('getChat', { chat_id: chat.id })).result.pinned_message

test('getChat shows the pinned message that was sent last, not the one that was pinned last', async () => {
  await using stage = await setStage()
  const { client, chat } = stage
  const ids = [(await stage.sendDocument()).message_id, (await stage.sendDocument()).message_id]
  const change = (method: string, message_id?: number) =>
    client.call(method, { chat_id: chat.id, message_id })
  expect(await pinned(stage)).toBeUndefined()
  await change('pinChatMessage', ids[1])
  await change('pinChatMessage', ids[0])
  expect((await pinned(stage))?.message_id).toBe(ids[1])
  await change('unpinChatMessage')
  expect((await pinned(stage))?.message_id).toBe(ids[0])
  await change('pinChatMessage', ids[1])
  await change('unpinAllChatMessages')
  expect(await pinned(stage)).toBeUndefined()
})

test('pinning a pinned message again takes no id', async () => {
  await using stage = await setStage()
  const { client, chat } = stage
  const fields = { chat_id: chat.id, message_id: (await stage.sendDocument()).message_id }
  await client.call('pinChatMessage', fields)
  expect((await client.call('pinChatMessage', fields)).result).toBe(true)
  expect((await stage.sendDocument()).message_id).toBe(4)
})

test('a message that is deleted is pinned no more', async () => {
  await using stage = await setStage()
  const { message_id } = await stage.sendDocument()
  await stage.client.call('pinChatMessage', { chat_id: stage.chat.id, message_id })
  stage.emulator.asHuman.deleteMessage(stage.chat.id, message_id)
  expect(await pinned(stage)).toBeUndefined()
})

test('people pin newer posts and unpin', async () => {
  await using stage = await setStage()
  const { emulator, chat, client } = stage
  const { message_id } = await stage.sendDocument()
  await client.call('pinChatMessage', { chat_id: chat.id, message_id })
  const newer = await emulator.asHuman.post(chat.id, { text: 'look here' })
  emulator.asHuman.pin(chat.id, newer)
  expect((await pinned(stage))?.text).toBe('look here')
  emulator.asHuman.unpin(chat.id, newer)
  expect((await pinned(stage))?.message_id).toBe(message_id)
  emulator.asHuman.unpin(chat.id)
  expect(await pinned(stage)).toBeUndefined()
})

test('editMessageMedia keeps id, date and pin, sets edit_date, and the old file stays fetchable', async () => {
  await using stage = await setStage()
  const { emulator, chat, client } = stage
  const sent = await stage.sendDocument('old', 'old.zst', { caption: 'one' })
  await client.call('pinChatMessage', { chat_id: chat.id, message_id: sent.message_id })
  emulator.clock.advance(60_000)
  const media = { type: 'document', media: 'attach://any-name', caption: 'two' }
  const file = new File(['new bytes'], 'new.zst')
  const fields = { chat_id: chat.id, message_id: sent.message_id, media }
  const { result } = await client.upload('editMessageMedia', fields, { 'any-name': file })
  expect(result).toMatchObject({
    message_id: sent.message_id,
    date: sent.date,
    caption: 'two',
    document: { file_name: 'new.zst', file_size: 9 },
  })
  // The clock of the machine may have been set back by a moment.
  expect(result.edit_date).toBeGreaterThanOrEqual(sent.date + 59)
  expect((await pinned(stage))?.document.file_id).toBe(result.document.file_id)
  expect(result.document.file_id).not.toBe(sent.document.file_id)
  const old = await client.call('getFile', { file_id: sent.document.file_id })
  expect(await (await client.download(old.result.file_path)).text()).toBe('old')
})

test('editMessageMedia with a file_id takes another document of the bot, and drops caption and keyboard', async () => {
  await using stage = await setStage()
  const { chat, client } = stage
  const keyboard = { inline_keyboard: [[{ text: 'a', callback_data: 'b' }]] }
  const target = await stage.sendDocument('1', 'a', { caption: 'one', reply_markup: keyboard })
  const other = await stage.sendDocument('2', 'other.zst')
  const media = { type: 'document', media: other.document.file_id }
  const fields = { chat_id: chat.id, message_id: target.message_id, media }
  const { result } = await client.call('editMessageMedia', fields)
  expect(result.document.file_unique_id).toBe(other.document.file_unique_id)
  expect(result).not.toHaveProperty('caption')
  expect(result).not.toHaveProperty('reply_markup')
})

test('captions, texts and keyboards are edited each for itself', async () => {
  await using stage = await setStage()
  const { chat, client } = stage
  const keyboard = { inline_keyboard: [[{ text: 'a', callback_data: 'b' }]] }
  const { message_id } = await stage.sendDocument('x', 'a', { caption: 'one' })
  const edit = async (method: string, id: number, fields: object) =>
    (await client.call(method, { chat_id: chat.id, message_id: id, ...fields })).result
  expect(await edit('editMessageReplyMarkup', message_id, { reply_markup: keyboard })).toMatchObject({
    caption: 'one',
    reply_markup: keyboard,
  })
  const bare = await edit('editMessageCaption', message_id, {})
  expect(bare).not.toHaveProperty('caption')
  expect(bare).not.toHaveProperty('reply_markup')
  const text = (await client.call('sendMessage', { chat_id: chat.id, text: 'old' })).result.message_id
  expect((await edit('editMessageText', text, { text: 'new' })).text).toBe('new')
})

test('a forward can never be edited, and neither can a message with a reply keyboard', async () => {
  await using stage = await setStage()
  const { chat, client } = stage
  const withKeyboard = await stage.sendDocument('x', 'a', { reply_markup: { keyboard: [[{ text: 'a' }]] } })
  const source = { from_chat_id: chat.id, message_id: withKeyboard.message_id }
  const forward = (await client.call('forwardMessage', { chat_id: chat.id, ...source })).result
  for (const { message_id } of [withKeyboard, forward]) {
    const answer = await client.call('editMessageCaption', { chat_id: chat.id, message_id, caption: 'x' })
    expect(answer.description).toBe("Bad Request: message can't be edited")
  }
})
