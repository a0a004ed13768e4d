import type { Fault } from '@telegram-backup/bot-api-emulator'
import { describe, expect, test } from 'vitest'
import {
  type CallOptions,
  type CallWait,
  isMessageGone,
  isNotEditable,
  type SentDocument,
  type TelegramClient,
} from '#index.ts'
import { type EmulatedChat, emulatedChat } from '#test/emulated-chat.ts'
import { failureOf } from '#test/odd-exchange.ts'
import { oddServer } from '#test/odd-server.ts'

const LOST: Fault[] = [
  { kind: 'answer-lost' },
  { kind: 'status', status: 502, html: true },
  { kind: 'late', ms: 1, answer: 'bad-gateway' },
]

type Maker = (chat: EmulatedChat, sent: SentDocument, on?: CallOptions) => Promise<unknown>

describe('an observer of a client', () => {
  test('hears of every wait and of the bytes that went either way', async () => {
    const chat = await emulatedChat()
    const waits: CallWait[] = []
    const bytes = { up: 0, down: 0 }
    const client = chat.createClient({
      observer: {
        onWait: wait => waits.push(wait),
        onTransfer: (direction, count) => {
          bytes[direction] += count
        },
      },
    })
    chat.emulator.faults.on('sendDocument', {}, { kind: 'flood', retryAfterSeconds: 1 })
    const heard: CallWait[] = []
    const { fileId } = await client.sendDocument(
      { chatId: String(chat.chatId), fileName: 'a.bin', bytes: Buffer.alloc(5000), caption: '' },
      { onWait: wait => heard.push(wait) },
    )
    expect(waits.map(({ reason }) => reason)).toContain('flood')
    expect(heard).toEqual(waits)
    expect(bytes.up).toBeGreaterThan(5000)
    await client.downloadFile(fileId, { maxBytes: 10_000 })
    expect(bytes.down).toBe(5000)
  })
})

describe('what makes a message', () => {
  const methods: [string, string, Maker][] = [
    [
      'forwarding',
      'forwardMessage',
      ({ client, chatId }, { messageId }, on) =>
        client.forwardMessage(String(chatId), String(chatId), messageId, on),
    ],
    [
      'sending a stored document',
      'sendDocument',
      ({ client, chatId }, { fileId }, on) =>
        client.sendStoredDocument({ chatId: String(chatId), fileId, caption: 'again' }, on),
    ],
    [
      'sending a text',
      'sendMessage',
      ({ client, chatId }, _, on) => client.sendText(String(chatId), 'hello', on),
    ],
  ]
  describe.each(methods)('%s', (_, method, make) => {
    test.each(LOST)('is not repeated after %j', async fault => {
      const chat = await emulatedChat()
      const sent = await send(chat)
      const calls = chat.emulator.inspect.calls(method)
      chat.emulator.faults.on(method, {}, fault)
      expect(await failureOf(make(chat, sent))).toMatchObject({ code: 'ANSWER_LOST' })
      expect(chat.emulator.inspect.calls(method)).toBe(calls + 1)
    })

    test('waits for a flood, and goes on', async () => {
      const chat = await emulatedChat()
      const sent = await send(chat)
      chat.emulator.faults.on(method, {}, { kind: 'flood', retryAfterSeconds: 1 })
      await make(chat, sent)
      expect(chat.messages()).toHaveLength(2)
    })

    test.each([
      ['the bot', (client: TelegramClient) => client],
      ['the same bot with a bound on its uploads', (client: TelegramClient) => client.withUploadLimit(1024)],
    ])('of %s counts for the pace of the chat', async (_who, limit) => {
      const chat = await emulatedChat()
      const sent = await send(chat)
      const whole = chat.createClient({ messagesPerMinute: 1 })
      const client = limit(whole)
      whole.countEarlierMessages(String(chat.chatId), {
        run: 'ours',
        earlier: [{ run: 'theirs', key: 'theirs/1', ageMs: 0 }],
      })
      const cancel = new AbortController()
      const waits: string[] = []
      const onWait = ({ reason }: CallWait): void => {
        waits.push(reason)
        cancel.abort()
      }
      const waiting = make({ ...chat, client }, sent, { signal: cancel.signal, onWait })
      expect(await failureOf(waiting)).toMatchObject({ code: 'CANCELLED' })
      expect(waits).toEqual(['pace'])
      expect(chat.messages()).toHaveLength(1)
    })
  })

  test('shows in the forwarded message all that the old one says, and where it comes from', async () => {
    const chat = await emulatedChat()
    const sent = await send(chat)
    const chatId = String(chat.chatId)
    const seen = await chat.client.forwardMessage(chatId, chatId, sent.messageId)
    expect(seen).toEqual({
      messageId: sent.messageId + 1,
      chatId: chat.chatId,
      date: expect.any(Date),
      caption: 'the caption',
      forwarded: { date: sent.sentAt, chatId: chat.chatId, messageId: sent.messageId },
      document: {
        fileId: expect.any(String),
        fileUniqueId: sent.fileUniqueId,
        fileName: 'a.zst',
        sizeBytes: 5,
      },
    })
  })

  test('is told by an answer that describes none, so that it can be removed', async () => {
    const server = await oddServer(async request => {
      await request.readBody()
      const document = { file_name: 'without an id' }
      request.json(200, { ok: true, result: { message_id: 7, chat: { id: -100 }, date: 1, document } })
    })
    const chat = await emulatedChat()
    const client = chat.createClient({ apiRoot: server.url })
    expect(await failureOf(client.forwardMessage('-100', '-100', 3))).toMatchObject({
      code: 'UNPROVEN',
      unprovenMessage: { chatId: -100, messageId: 7 },
    })
  })
})

describe('replacing a document', () => {
  test('keeps id and time, and is repeated after a lost answer', async () => {
    const chat = await emulatedChat()
    const { messageId, sentAt } = await send(chat)
    chat.emulator.faults.on('editMessageMedia', {}, { kind: 'answer-lost' })
    const edited = await chat.client.editDocument({
      chatId: String(chat.chatId),
      messageId,
      fileName: 'b.zst',
      bytes: Buffer.from('other bytes'),
      caption: 'another',
    })
    expect(edited).toMatchObject({ messageId, sentAt, sizeBytes: 11, fileName: 'b.zst' })
    expect(chat.messages()).toMatchObject([{ message_id: messageId, caption: 'another' }])
    expect(chat.emulator.inspect.calls('editMessageMedia')).toBe(2)
  })

  test('of a message that is gone, or only forwarded, tells so', async () => {
    const chat = await emulatedChat()
    const chatId = String(chat.chatId)
    const { messageId } = await send(chat)
    const copy = await chat.client.forwardMessage(chatId, chatId, messageId)
    const edit = { chatId, fileName: 'b.zst', bytes: Buffer.from('x'), caption: '' }
    const ofCopy = await failureOf(chat.client.editDocument({ ...edit, messageId: copy.messageId }))
    expect(isNotEditable(ofCopy)).toBe(true)
    await chat.client.deleteMessage(chatId, messageId)
    expect(isMessageGone(await failureOf(chat.client.editDocument({ ...edit, messageId })))).toBe(true)
  })
})

test('whether a message exists is asked without a trace', async () => {
  const chat = await emulatedChat()
  const { client, emulator } = chat
  const chatId = String(chat.chatId)
  const { messageId } = await send(chat)
  const copy = await client.forwardMessage(chatId, chatId, messageId)
  const before = emulator.inspect.allMessages(chat.chatId)
  expect(await client.messageExists(chatId, messageId)).toBe('ours')
  expect(await client.messageExists(chatId, copy.messageId)).toBe('there')
  expect(await client.messageExists(chatId, 99)).toBe('gone')
  expect(emulator.inspect.allMessages(chat.chatId)).toEqual(before)
  emulator.asHuman.kick(chat.chatId, { id: chat.botId })
  expect(await failureOf(client.messageExists(chatId, messageId))).toMatchObject({ code: 'CONFIGURATION' })
})

test('whether a message exists is asked without touching the buttons under it, also in a channel', async () => {
  const { client, emulator, chatId, createClient } = await emulatedChat()
  const other = emulator.createBot()
  emulator.asHuman.promote(chatId, other)
  const reply_markup = { inline_keyboard: [[{ text: 'yes', callback_data: 'yes' }]] }
  const call = async (method: string, parameters: object): Promise<CallAnswer> => {
    const body = JSON.stringify({ chat_id: chatId, reply_markup, ...parameters })
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${emulator.url}/bot${other.token}/${method}`, {
      method: 'POST',
      headers,
      body,
    })
    return (await answer.json()) as CallAnswer
  }
  const message_id = (await call('sendMessage', { text: 'vote' })).result?.message_id ?? 0
  for (const asking of [client, createClient({ token: other.token })]) {
    expect(await asking.messageExists(String(chatId), message_id)).toBe('ours')
  }
  expect(await call('editMessageReplyMarkup', { message_id })).toMatchObject({
    description: expect.stringContaining('message is not modified'),
  })
})

interface CallAnswer {
  result?: { message_id: number }
  description?: string
}

test('the pinned message that was sent last is told with the chat', async () => {
  const chat = await emulatedChat()
  const { client } = chat
  const chatId = String(chat.chatId)
  expect((await client.getChat(chatId)).pinned).toBeUndefined()
  const { messageId } = await send(chat)
  await client.pinMessage(chatId, messageId)
  expect((await client.getChat(chatId)).pinned).toMatchObject({ messageId, caption: 'the caption' })
  await client.unpinMessage(chatId, messageId)
  expect((await client.getChat(chatId)).pinned).toBeUndefined()
})

function send({ client, chatId }: EmulatedChat): Promise<SentDocument> {
  const document = { fileName: 'a.zst', bytes: Buffer.from('bytes'), caption: 'the caption' }
  return client.sendDocument({ chatId: String(chatId), ...document })
}
