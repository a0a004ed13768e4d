import { expect, test } from 'vitest'
import type { AdministratorRights } from '#index.ts'
import { type BotClient, clientFor, type Stage, setStage } from '#test/bot-client.ts'
import { inTime, lateOnesDone } from '#test/late-calls.ts'

// What a bot can find out about a chat that it cannot list, and what it can do about messages that are too
// old.

const UNCHANGED = expect.stringMatching(/^Bad Request: message is not modified: /)
const UNEDITABLE = "Bad Request: message can't be edited"
const UNEDITABLE_MEDIA = "Bad Request: message media can't be edited"

/** Another bot in the chat. */
function secondBot({ emulator, chat }: Stage, rights?: Partial<AdministratorRights>): BotClient {
  const client = clientFor(emulator, emulator.createBot())
  emulator.asHuman.promote(chat.id, client.bot, rights)
  return client
}

/** Forwards within the chat. */
const forward = (client: BotClient, { chat }: Stage, message_id: number) =>
  client.call('forwardMessage', { chat_id: chat.id, from_chat_id: chat.id, message_id })

/** Writes a few bytes over a document. */
const bury = (client: BotClient, { chat }: Stage, message_id: number) =>
  client.upload(
    'editMessageMedia',
    { chat_id: chat.id, message_id, media: { type: 'document', media: 'attach://file', caption: 'gone' } },
    { file: new File(['tombstone'], 'gone.txt') },
  )

const TYPES = ['channel', 'supergroup', 'group', 'private'] as const

test.for(TYPES)(
  'in a %s the id of a forward is the newest, and every id below is probed by forwarding',
  async type => {
    await using stage = await setStage({ type })
    const { client, chat, emulator } = stage
    const first = await stage.sendDocument('x', 'a', { caption: 'one' })
    emulator.faults.on('sendDocument', {}, { kind: 'answer-lost' })
    await expect(stage.sendDocument('lost', 'b', { caption: 'two' })).rejects.toThrow('fetch failed')
    const deleted = await stage.sendDocument()
    await client.call('deleteMessage', { chat_id: chat.id, message_id: deleted.message_id })
    const newest = (await forward(client, stage, first.message_id)).result.message_id
    expect(newest).toBe(first.message_id + 3)
    const captions: unknown[] = []
    for (let id = first.message_id + 1; id < newest; id++) {
      const { ok, result, description } = await forward(client, stage, id)
      captions.push(ok ? [result.caption, result.document.file_size] : description)
      if (ok) await client.call('deleteMessage', { chat_id: chat.id, message_id: result.message_id })
    }
    expect(captions).toEqual([['two', 4], 'Bad Request: message to forward not found'])
    expect((await forward(client, stage, newest + 100)).description).toBe(
      'Bad Request: message to forward not found',
    )
  },
)

test('a service message is there and cannot be forwarded', async () => {
  await using stage = await setStage()
  expect((await forward(stage.client, stage, 1)).description).toBe(
    "Bad Request: the message can't be forwarded",
  )
})

test.for(TYPES)(
  'in a %s a keyboard that stays away tells own messages, others and missing ones apart',
  async type => {
    await using stage = await setStage({ type })
    const { client, chat, emulator } = stage
    const own = (await stage.sendDocument()).message_id
    const human = await emulator.asHuman.post(chat.id, { text: 'hello' })
    const copy = (await forward(client, stage, own)).result.message_id
    const before = emulator.inspect.allMessages(chat.id)
    const probe = async (message_id: number) =>
      (await client.call('editMessageReplyMarkup', { chat_id: chat.id, message_id })).description
    expect(await probe(own)).toEqual(UNCHANGED)
    expect(await probe(copy)).toBe(UNEDITABLE)
    // Who may edit in a channel may edit everything there.
    expect(await probe(human)).toEqual(type === 'channel' ? UNCHANGED : UNEDITABLE)
    expect(await probe(9999)).toBe('Bad Request: message to edit not found')
    expect(emulator.inspect.allMessages(chat.id)).toEqual(before)
  },
)

test('in a channel another bot edits a document by can_edit_messages, at any age, and by nothing else', async () => {
  await using stage = await setStage()
  const { client, emulator, chat } = stage
  const { message_id } = await stage.sendDocument()
  await client.call('pinChatMessage', { chat_id: chat.id, message_id })
  emulator.clock.advance(1000 * 86_400_000)
  const powerless = secondBot(stage, { can_edit_messages: false })
  expect((await bury(powerless, stage, message_id)).description).toBe(UNEDITABLE_MEDIA)
  const editor = secondBot(stage, { can_post_messages: false, can_delete_messages: false })
  const { result } = await bury(editor, stage, message_id)
  expect(result).toMatchObject({ message_id, caption: 'gone', document: { file_size: 9 } })
  // The editor got a file_id of its own, and the author sees the new document in the pinned message.
  expect((await editor.call('getFile', { file_id: result.document.file_id })).ok).toBe(true)
  const pinned = (await client.call('getChat', { chat_id: chat.id })).result.pinned_message
  expect(pinned?.document.file_unique_id).toBe(result.document.file_unique_id)
})

test('in a supergroup nobody edits another bot’s document, but it can be forwarded, pinned and deleted', async () => {
  await using stage = await setStage({ type: 'supergroup' })
  const { chat } = stage
  const { message_id } = await stage.sendDocument('x', 'a', { caption: 'one' })
  const successor = secondBot(stage)
  expect((await bury(successor, stage, message_id)).description).toBe(UNEDITABLE_MEDIA)
  expect((await forward(successor, stage, message_id)).result.caption).toBe('one')
  expect((await successor.call('pinChatMessage', { chat_id: chat.id, message_id })).ok).toBe(true)
  expect((await successor.call('deleteMessage', { chat_id: chat.id, message_id })).ok).toBe(true)
})

test.for(TYPES)(
  'in a %s what is too old to be deleted is replaced by a few bytes, and stays so',
  async type => {
    await using stage = await setStage({ type })
    const { client, emulator, chat } = stage
    const { message_id } = await stage.sendDocument('much', 'a', { caption: 'part' })
    emulator.clock.advance(48 * 3_600_000)
    const remove = () => client.call('deleteMessage', { chat_id: chat.id, message_id })
    expect((await remove()).description).toMatch(/^Bad Request: message can't be deleted/)
    expect((await bury(client, stage, message_id)).ok).toBe(true)
    const at = () => emulator.inspect.messages(chat.id).find(message => message.message_id === message_id)
    expect(at()).toMatchObject({ caption: 'gone', document: { file_size: 9 } })
    // The edit makes it no younger; every upload is a new document, so the same bytes are an edit again.
    expect((await remove()).ok).toBe(false)
    expect((await bury(client, stage, message_id)).ok).toBe(true)
  },
)

test('a forward cannot be replaced, and an old one cannot be got rid of at all', async () => {
  await using stage = await setStage()
  const { client, emulator, chat } = stage
  const { message_id } = await stage.sendDocument()
  const copy = (await forward(client, stage, message_id)).result.message_id
  emulator.clock.advance(48 * 3_600_000)
  expect((await bury(client, stage, copy)).description).toBe(UNEDITABLE_MEDIA)
  const removed = await client.call('deleteMessage', { chat_id: chat.id, message_id: copy })
  expect(removed.description).toBe("Bad Request: message can't be deleted")
})

test('a document goes to a second chat by its file_id, without an upload, as a document of its own name', async () => {
  await using stage = await setStage()
  const { client, emulator } = stage
  const sent = await stage.sendDocument('bytes', 'part.age', { caption: 'one' })
  const replica = emulator.createChat({ type: 'channel', administrators: [{ bot: client.bot }] })
  const fields = { chat_id: replica.id, document: sent.document.file_id, caption: 'two' }
  const { result } = await client.call('sendDocument', fields)
  expect(result).toMatchObject({
    message_id: 2,
    caption: 'two',
    document: { file_name: 'part.age', file_size: 5 },
  })
  expect(result.document.file_unique_id).toBe(sent.document.file_unique_id)
  const foreign = await secondBot({ ...stage, chat: replica }).call('sendDocument', fields)
  expect(foreign.description).toBe('Bad Request: wrong file identifier/HTTP URL specified')
})

test.for([
  ['demoted', 'Bad Request: need administrator rights in the channel chat'],
  ['kicked', 'Forbidden: bot was kicked from the channel chat'],
  ['robbed of its token', 'Unauthorized'],
] as const)(
  'a bot that was %s is told so by posts and by chat actions alike',
  async ([fate, description]) => {
    await using stage = await setStage()
    const { client, emulator, chat } = stage
    if (fate === 'demoted') emulator.asHuman.demote(chat.id, client.bot)
    if (fate === 'kicked') emulator.asHuman.kick(chat.id, client.bot)
    if (fate === 'robbed of its token') emulator.asHuman.revokeToken(client.bot)
    const fields = { chat_id: chat.id, text: 'a', action: 'upload_document' }
    expect((await client.call('sendMessage', fields)).description).toBe(description)
    expect((await client.call('sendChatAction', fields)).description).toBe(description)
  },
)

test.for(['upload_document', 'typing'])('the chat action %s is true and leaves nothing', async action => {
  await using stage = await setStage()
  const { client, emulator, chat } = stage
  const before = emulator.inspect.allMessages(chat.id)
  expect((await client.call('sendChatAction', { chat_id: chat.id, action })).result).toBe(true)
  expect(emulator.inspect.allMessages(chat.id)).toEqual(before)
})

test('a message that comes late gets an id above the newest that was seen before', async () => {
  await inTime(async ms => {
    await using stage = await setStage()
    const { client, emulator, chat } = stage
    const first = (await stage.sendDocument()).message_id
    emulator.faults.on('sendDocument', {}, { kind: 'late', ms })
    await expect(stage.sendDocument('late', 'b', { caption: 'late' })).rejects.toThrow('fetch failed')
    const newest = (await forward(client, stage, first)).result.message_id
    if (emulator.inspect.messages(chat.id).some(({ caption }) => caption === 'late')) return false
    await lateOnesDone(stage)
    expect((await forward(client, stage, newest + 1)).result.caption).toBe('late')
    return true
  })
})
