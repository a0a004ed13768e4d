import { expect, test } from 'vitest'
import { clientFor, setStage } from '#test/bot-client.ts'

test('a channel counts from 1, the creation included; pins and foreign posts leave gaps', async () => {
  await using stage = await setStage()
  const { emulator, chat, client } = stage
  const first = await stage.sendDocument()
  await client.call('pinChatMessage', { chat_id: chat.id, message_id: first.message_id })
  await emulator.asHuman.post(chat.id, { text: 'hello' })
  const second = await stage.sendDocument()
  expect([first.message_id, second.message_id]).toEqual([2, 5])
  const services = emulator.inspect.allMessages(chat.id).map(message => message.service)
  expect(services).toEqual(['created', undefined, 'pinned', undefined, undefined])
})

test('channels and supergroups count for themselves, for all bots together', async () => {
  await using stage = await setStage()
  const { emulator, client } = stage
  const other = clientFor(emulator, emulator.createBot())
  const administrators = [{ bot: client.bot }, { bot: other.bot }]
  const group = emulator.createChat({ type: 'supergroup', administrators })
  const ids: number[] = []
  for (const sender of [client, other, client]) {
    ids.push((await sender.call('sendMessage', { chat_id: group.id, text: 'a' })).result.message_id)
  }
  expect(ids).toEqual([2, 3, 4])
  expect((await stage.sendDocument()).message_id).toBe(2)
})

test('private chats and basic groups share one counter per bot', async () => {
  await using stage = await setStage()
  const { emulator, client } = stage
  const other = emulator.createBot()
  const person = emulator.createChat({ type: 'private', members: [client.bot] })
  const group = emulator.createChat({ type: 'group', administrators: [{ bot: client.bot }, { bot: other }] })
  const send = async (bot: typeof client, chatId: number) =>
    (await bot.call('sendMessage', { chat_id: chatId, text: 'a' })).result.message_id
  expect(await send(client, person.id)).toBe(1)
  expect(await send(client, group.id)).toBe(2)
  expect(await send(clientFor(emulator, other), group.id)).toBe(1)
  expect(await emulator.asHuman.post(group.id, { text: 'for both' })).toBe(3)
  expect(await send(client, person.id)).toBe(4)
  expect(await send(clientFor(emulator, other), group.id)).toBe(3)
})

test('an id of another chat of the same counter is not found', async () => {
  await using stage = await setStage()
  const { emulator, client } = stage
  const one = emulator.createChat({ type: 'private', members: [client.bot] })
  const two = emulator.createChat({ type: 'private', members: [client.bot] })
  const { message_id } = (await client.call('sendMessage', { chat_id: one.id, text: 'a' })).result
  const answer = await client.call('deleteMessage', { chat_id: two.id, message_id })
  expect(answer.description).toBe('Bad Request: message to delete not found')
})

test('chat ids tell the kind of chat: positive, negative, or below -1000000000000', async () => {
  await using stage = await setStage()
  const { emulator, client } = stage
  const idOf = (type: 'private' | 'group' | 'supergroup') =>
    emulator.createChat({ type, members: [client.bot] }).id
  expect(idOf('private')).toBeGreaterThan(0)
  expect(idOf('group')).toBeLessThan(0)
  expect(idOf('group')).toBeGreaterThan(-1_000_000_000_000)
  expect(idOf('supergroup')).toBeLessThan(-1_000_000_000_000)
  expect(stage.chat.id).toBeLessThan(-1_000_000_000_000)
})
