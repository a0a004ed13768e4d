import { expect, test } from 'vitest'
import type { AdministratorRights, EmulatedChat } from '#index.ts'
import { clientFor, type Stage, setStage } from '#test/bot-client.ts'

const NO_RIGHTS: Partial<AdministratorRights> = {
  can_post_messages: false,
  can_edit_messages: false,
  can_delete_messages: false,
  can_pin_messages: false,
}

/** What a bot with these rights may do to a message. `rights` undefined: a plain member. */
interface Row {
  readonly type: EmulatedChat['type']
  readonly rights: Partial<AdministratorRights> | undefined
  readonly deleteOwn: boolean
  readonly deleteOthers: boolean
  readonly pin: boolean
  readonly editOwn: boolean
}

const row = (
  type: Row['type'],
  rights: Row['rights'],
  [deleteOwn, deleteOthers, pin, editOwn]: readonly [boolean, boolean, boolean, boolean],
): Row => ({ type, rights, deleteOwn, deleteOthers, pin, editOwn })

// The columns: delete own, delete others', pin, edit own media.
const MATRIX: readonly Row[] = [
  row('private', undefined, [true, true, true, true]),
  row('group', undefined, [true, false, false, true]),
  row('group', {}, [true, true, false, true]),
  row('group', { can_pin_messages: true }, [true, true, true, true]),
  row('supergroup', undefined, [true, false, false, true]),
  row('supergroup', {}, [true, false, false, true]),
  row('supergroup', { can_delete_messages: true }, [true, true, false, true]),
  row('supergroup', { can_pin_messages: true }, [true, false, true, true]),
  row('channel', {}, [false, false, false, false]),
  row('channel', { can_post_messages: true }, [true, false, false, true]),
  row('channel', { can_edit_messages: true }, [false, false, true, true]),
  row('channel', { can_delete_messages: true }, [true, true, false, false]),
  row('channel', { can_pin_messages: true }, [false, false, false, false]),
]

/** A chat with a document by the bot and one by a human; then the bot gets its rights. */
async function prepare({ type, rights }: Row): Promise<Stage & { own: number; other: number }> {
  const stage = await setStage({ type })
  const own = (await stage.sendDocument()).message_id
  const other = await stage.emulator.asHuman.post(stage.chat.id, { text: 'by a human' })
  if (rights === undefined) stage.emulator.asHuman.demote(stage.chat.id, stage.client.bot)
  else stage.emulator.asHuman.promote(stage.chat.id, stage.client.bot, { ...NO_RIGHTS, ...rights })
  return { ...stage, own, other }
}

test.for(MATRIX)(
  '$type, $rights: delete own $deleteOwn, others $deleteOthers, pin $pin, edit $editOwn',
  async row => {
    await using stage = await prepare(row)
    const { chat, client, own, other } = stage
    const does = async (method: string, message_id: number, fields = {}) =>
      (await client.call(method, { chat_id: chat.id, message_id, ...fields })).ok
    expect(await does('pinChatMessage', own)).toBe(row.pin)
    expect(await does('unpinAllChatMessages', own)).toBe(row.pin)
    const replacement = { document: new File(['tombstone'], 'a') }
    const media = { type: 'document', media: 'attach://document' }
    const edited = await client.upload(
      'editMessageMedia',
      { chat_id: chat.id, message_id: own, media },
      replacement,
    )
    expect(edited.ok).toBe(row.editOwn)
    expect(await does('deleteMessage', other)).toBe(row.deleteOthers)
    expect(await does('deleteMessage', own)).toBe(row.deleteOwn)
  },
)

test.for([
  ['channel', "Bad Request: message can't be deleted"],
  ['supergroup', "Bad Request: message can't be deleted"],
  ['group', "Bad Request: message can't be deleted for everyone"],
  ['private', "Bad Request: message can't be deleted for everyone"],
] as const)(
  'in a %s nothing can be deleted from 48 hours on, even with all rights, but it can be edited',
  async ([type, description]) => {
    await using stage = await setStage({ type, clock: { now: () => 1_800_000_000_000 } })
    const { emulator, chat, client } = stage
    const young = await stage.sendDocument()
    const old = await stage.sendDocument()
    emulator.clock.advance(172_799_999)
    const remove = (message_id: number) => client.call('deleteMessage', { chat_id: chat.id, message_id })
    expect((await remove(young.message_id)).result).toBe(true)
    const fields = {
      chat_id: chat.id,
      message_id: old.message_id,
      caption: 'edited, which makes it no younger',
    }
    emulator.clock.advance(1)
    expect((await client.call('editMessageCaption', fields)).ok).toBe(true)
    expect((await remove(old.message_id)).description).toBe(description)
  },
)

test('deleteMessages passes over missing ids, but one old message keeps all the others alive', async () => {
  await using stage = await setStage()
  const { emulator, chat, client } = stage
  const old = (await stage.sendDocument()).message_id
  emulator.clock.advance(48 * 3_600_000)
  const young = [(await stage.sendDocument()).message_id, (await stage.sendDocument()).message_id]
  const remove = (message_ids: number[]) => client.call('deleteMessages', { chat_id: chat.id, message_ids })
  expect((await remove([...young, old])).description).toBe("Bad Request: message can't be deleted")
  expect(emulator.inspect.messages(chat.id)).toHaveLength(3)
  expect((await remove([...young, 9998, 9999])).result).toBe(true)
  expect((await remove(young)).result).toBe(true)
  expect(emulator.inspect.messages(chat.id).map(message => message.message_id)).toEqual([old])
})

test.for([
  ['sendMessage', 'Bad Request: need administrator rights in the channel chat'],
  ['pinChatMessage', 'Bad Request: not enough rights to manage pinned messages in the chat'],
  ['unpinAllChatMessages', 'Bad Request: not enough rights to manage pinned messages in the chat'],
  ['editMessageCaption', "Bad Request: message can't be edited"],
  ['deleteMessage', "Bad Request: message can't be deleted"],
] as const)('%s without rights in a channel says so', async ([method, description]) => {
  await using stage = await setStage()
  const { message_id } = await stage.sendDocument()
  stage.emulator.asHuman.promote(stage.chat.id, stage.client.bot, NO_RIGHTS)
  const answer = await stage.client.call(method, {
    chat_id: stage.chat.id,
    message_id,
    text: 'a',
    caption: 'b',
  })
  expect([answer.status, answer.description]).toEqual([400, description])
})

test.for(['channel', 'supergroup', 'group'] as const)(
  'a bot that was kicked from a %s is told so',
  async type => {
    await using stage = await setStage({ type })
    stage.emulator.asHuman.kick(stage.chat.id, stage.client.bot)
    const answer = await stage.client.call('sendMessage', { chat_id: stage.chat.id, text: 'a' })
    expect([answer.status, answer.description]).toEqual([
      403,
      `Forbidden: bot was kicked from the ${type} chat`,
    ])
  },
)

test('a bot that was kicked from a basic group can still look at it', async () => {
  await using stage = await setStage({ type: 'group' })
  stage.emulator.asHuman.kick(stage.chat.id, stage.client.bot)
  expect((await stage.client.call('getChat', { chat_id: stage.chat.id })).ok).toBe(true)
})

test('a bot that was blocked by a user is told so', async () => {
  await using stage = await setStage({ type: 'private' })
  stage.emulator.asHuman.kick(stage.chat.id, stage.client.bot)
  const answer = await stage.client.call('sendMessage', { chat_id: stage.chat.id, text: 'a' })
  expect([answer.status, answer.description]).toEqual([403, 'Forbidden: bot was blocked by the user'])
})

test('a bot that never was in a chat does not find it', async () => {
  await using stage = await setStage()
  const stranger = clientFor(stage.emulator, stage.emulator.createBot())
  const answer = await stranger.call('getChat', { chat_id: stage.chat.id })
  expect([answer.status, answer.description]).toEqual([400, 'Bad Request: chat not found'])
})

test('getChatMember tells the rights that the kind of chat has', async () => {
  await using stage = await setStage()
  const { emulator, chat, client } = stage
  const member = async (chatId: number, userId: number) =>
    (await client.call('getChatMember', { chat_id: chatId, user_id: userId })).result
  emulator.asHuman.promote(chat.id, client.bot, { can_edit_messages: false })
  const inChannel = await member(chat.id, client.bot.id)
  expect(inChannel).toMatchObject({
    status: 'administrator',
    user: { id: client.bot.id, is_bot: true },
    can_post_messages: true,
    can_edit_messages: false,
    can_delete_messages: true,
  })
  expect(inChannel).not.toHaveProperty('can_pin_messages')
  const group = emulator.createChat({ type: 'supergroup', administrators: [{ bot: client.bot }] })
  const inGroup = await member(group.id, client.bot.id)
  expect(inGroup['can_pin_messages']).toBe(true)
  expect(inGroup).not.toHaveProperty('can_post_messages')
  expect(await member(group.id, group.ownerId)).toMatchObject({ status: 'creator' })
  expect(await member(group.id, emulator.createBot().id)).toMatchObject({ status: 'left' })
})
