import { expect, test } from 'vitest'
import { type BotClient, clientFor, setStage } from '#test/bot-client.ts'

interface UpdateView {
  readonly update_id: number
  readonly message?: {
    readonly message_id: number
    readonly text?: string
    readonly pinned_message?: unknown
  }
  readonly channel_post?: {
    readonly text?: string
    readonly pinned_message?: { readonly message_id: number }
  }
  readonly edited_channel_post?: { readonly text?: string }
}

const updatesOf = async (client: BotClient, fields = {}): Promise<UpdateView[]> =>
  (await client.call('getUpdates', fields)).result as unknown as UpdateView[]

test('a bot hears what people post and edit and its own pins, but not its own messages, nor deletions', async () => {
  await using stage = await setStage()
  const { emulator, chat, client } = stage
  const own = await stage.sendDocument()
  const posted = await emulator.asHuman.post(chat.id, { text: 'hello' })
  emulator.asHuman.edit(chat.id, posted, 'goodbye')
  await client.call('pinChatMessage', { chat_id: chat.id, message_id: own.message_id })
  emulator.asHuman.deleteMessage(chat.id, own.message_id)
  const updates = await updatesOf(client)
  expect(updates.map(({ update_id: _, ...update }) => Object.keys(update))).toEqual([
    ['channel_post'],
    ['edited_channel_post'],
    ['channel_post'],
  ])
  expect(updates[1]?.edited_channel_post?.text).toBe('goodbye')
})

test('other bots do not hear a bot, but hear people', async () => {
  await using stage = await setStage({ type: 'supergroup' })
  const { emulator, chat, client } = stage
  const other = clientFor(emulator, emulator.createBot())
  emulator.asHuman.promote(chat.id, other.bot)
  await client.call('sendMessage', { chat_id: chat.id, text: 'from a bot' })
  await emulator.asHuman.post(chat.id, { text: 'from a human' })
  const texts = (await updatesOf(other)).map(update => update.message?.text)
  expect(texts).toEqual(['from a human'])
})

test('in a basic group every bot hears a human once, under the id of its own counter', async () => {
  await using stage = await setStage({ type: 'group' })
  const { emulator, chat, client } = stage
  const other = clientFor(emulator, emulator.createBot())
  emulator.asHuman.promote(chat.id, other.bot)
  await client.call('sendMessage', { chat_id: chat.id, text: 'moves one counter' })
  await emulator.asHuman.post(chat.id, { text: 'hello' })
  const heard = async (bot: BotClient) => (await updatesOf(bot)).map(update => update.message?.message_id)
  expect(await heard(client)).toEqual([2])
  expect(await heard(other)).toEqual([1])
})

test('an offset confirms what came before it, and a negative one leaves the last', async () => {
  await using stage = await setStage({ type: 'group' })
  const { emulator, chat, client } = stage
  for (const text of ['a', 'b', 'c', 'd']) await emulator.asHuman.post(chat.id, { text })
  const texts = async (fields: object) =>
    (await updatesOf(client, fields)).map(update => update.message?.text)
  expect(await texts({ limit: 2 })).toEqual(['a', 'b'])
  const [first] = await updatesOf(client)
  expect(await texts({ offset: (first?.update_id ?? 0) + 1 })).toEqual(['b', 'c', 'd'])
  expect(await texts({ offset: -1 })).toEqual(['d'])
  expect(await texts({})).toEqual(['d'])
  expect(await texts({ offset: 1000 })).toEqual([])
})

test('updates wait 24 hours', async () => {
  await using stage = await setStage({ type: 'group' })
  await stage.emulator.asHuman.post(stage.chat.id, { text: 'a' })
  stage.emulator.clock.advance(24 * 3_600_000 - 60_000)
  expect(await updatesOf(stage.client)).toHaveLength(1)
  stage.emulator.clock.advance(60_000)
  expect(await updatesOf(stage.client)).toHaveLength(0)
})

test('a long poll ends when something arrives', async () => {
  await using stage = await setStage({ type: 'group' })
  const polling = updatesOf(stage.client, { timeout: 50 })
  await stage.client.call('getMe')
  await stage.emulator.asHuman.post(stage.chat.id, { text: 'now' })
  expect((await polling).map(update => update.message?.text)).toEqual(['now'])
})

test('a second poll ends the first one with a conflict', async () => {
  await using stage = await setStage({ type: 'group' })
  const first = stage.client.call('getUpdates', { timeout: 50 })
  while (stage.emulator.inspect.calls('getUpdates') < 1) await stage.client.call('getMe')
  const second = stage.client.call('getUpdates', { timeout: 50 })
  const answer = await first
  expect([answer.status, answer.description]).toEqual([
    409,
    'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
  ])
  await stage.emulator.asHuman.post(stage.chat.id, { text: 'a' })
  expect((await second).ok).toBe(true)
})

test('closing the emulator ends a long poll', async () => {
  const stage = await setStage({ type: 'group' })
  const polling = stage.client.call('getUpdates', { timeout: 50 }).catch(error => error)
  while (stage.emulator.inspect.calls('getUpdates') < 1) await stage.client.call('getMe')
  await stage.emulator.close()
  expect(await polling).toBeInstanceOf(Error)
})
