import { expect, test } from 'vitest'
import { clientFor, setStage } from '#test/bot-client.ts'

test('a forward is a whole message with the document, a new id and its origin', async () => {
  await using stage = await setStage()
  const { emulator, chat, client } = stage
  const archive = emulator.createChat({ type: 'channel', administrators: [{ bot: client.bot }] })
  const sent = await stage.sendDocument('x', 'a.zst', { caption: 'part 1' })
  const forward = { chat_id: archive.id, from_chat_id: chat.id, message_id: sent.message_id }
  const { result } = await client.call('forwardMessage', forward)
  expect(result).toMatchObject({
    message_id: 2,
    caption: 'part 1',
    chat: { id: archive.id },
    document: { file_name: 'a.zst', file_unique_id: sent.document.file_unique_id },
    forward_origin: { type: 'channel', message_id: sent.message_id, date: sent.date, chat: { id: chat.id } },
  })
  const again = { chat_id: chat.id, from_chat_id: archive.id, message_id: result.message_id }
  expect((await client.call('forwardMessage', again)).result['forward_origin']).toEqual(
    result['forward_origin'],
  )
})

test('another bot gets at a document by forwarding it: its new file_id fetches the bytes', async () => {
  await using stage = await setStage()
  const { emulator, chat } = stage
  const sent = await stage.sendDocument('taken over')
  const successor = clientFor(emulator, emulator.createBot())
  emulator.asHuman.promote(chat.id, successor.bot)
  const forward = { chat_id: chat.id, from_chat_id: chat.id, message_id: sent.message_id }
  const { result } = await successor.call('forwardMessage', forward)
  const file = (await successor.call('getFile', { file_id: result.document.file_id })).result
  expect(await (await successor.download(file.file_path)).text()).toBe('taken over')
})

test('a copy tells only its id, has no origin, and may be edited', async () => {
  await using stage = await setStage()
  const { emulator, chat, client } = stage
  const sent = await stage.sendDocument('x', 'a', { caption: 'one' })
  const source = { chat_id: chat.id, from_chat_id: chat.id, message_id: sent.message_id }
  const { result } = await client.call('copyMessage', { ...source, caption: 'two' })
  expect(result).toEqual({ message_id: sent.message_id + 1 })
  await client.call('copyMessage', source)
  const captions = emulator.inspect.messages(chat.id).map(message => message.caption)
  expect(captions).toEqual(['one', 'two', 'one'])
  const edit = { chat_id: chat.id, message_id: result.message_id, caption: 'three' }
  expect((await client.call('editMessageCaption', edit)).ok).toBe(true)
})

test('the plural forms pass over what is missing and tell the new ids', async () => {
  await using stage = await setStage()
  const { chat, client } = stage
  await stage.sendDocument()
  await stage.sendDocument()
  const fields = { chat_id: chat.id, from_chat_id: chat.id, message_ids: [1, 2, 3, 500] }
  const forwarded = await client.call('forwardMessages', fields)
  expect(forwarded.result).toEqual([{ message_id: 4 }, { message_id: 5 }])
  const copied = await client.call('copyMessages', fields)
  expect(copied.result).toEqual([{ message_id: 6 }, { message_id: 7 }])
})

test('protected content cannot be forwarded', async () => {
  await using stage = await setStage()
  const { message_id } = await stage.sendDocument('x', 'a', { protect_content: true })
  const fields = { chat_id: stage.chat.id, from_chat_id: stage.chat.id, message_id }
  const answer = await stage.client.call('forwardMessage', fields)
  expect(answer.description).toBe("Bad Request: message has protected content and can't be forwarded")
})

test('a reply shows the message replied to, without going deeper', async () => {
  await using stage = await setStage()
  const { chat, client } = stage
  const first = await stage.sendDocument('x', 'a', { caption: 'one' })
  const second = await stage.sendDocument('y', 'b', { reply_parameters: { message_id: first.message_id } })
  expect(second.reply_to_message).toMatchObject({ message_id: first.message_id, caption: 'one' })
  const third = await client.call('sendMessage', {
    chat_id: chat.id,
    text: 'c',
    reply_to_message_id: second.message_id,
  })
  expect(third.result.reply_to_message?.message_id).toBe(second.message_id)
  expect(third.result.reply_to_message).not.toHaveProperty('reply_to_message')
  const lenient = { message_id: 999, allow_sending_without_reply: true }
  const unanswered = await client.call('sendMessage', {
    chat_id: chat.id,
    text: 'd',
    reply_parameters: lenient,
  })
  expect(unanswered.result).not.toHaveProperty('reply_to_message')
})
