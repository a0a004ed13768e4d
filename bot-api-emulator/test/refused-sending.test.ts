import { expect, test } from 'vitest'
import { setStage } from '#test/bot-client.ts'
import { failureOf, inChat, MISSING, testRefusals, withinChat } from '#test/refusal-cases.ts'

testRefusals([
  { name: 'no chat', method: 'sendMessage', parameters: () => ({ text: 'a' }), expected: 'chat_id is empty' },
  {
    name: 'unknown chat',
    method: 'sendMessage',
    parameters: () => ({ chat_id: -5, text: 'a' }),
    expected: 'chat not found',
  },
  {
    name: 'unreadable chat',
    method: 'getChat',
    parameters: () => ({ chat_id: 'x' }),
    expected: 'chat not found',
  },
  {
    name: 'unknown chat action',
    method: 'sendChatAction',
    parameters: inChat({ action: 'dance' }),
    expected: 'wrong parameter action in request',
  },
  {
    name: 'chat action without a chat',
    method: 'sendChatAction',
    parameters: () => ({ action: 'typing' }),
    expected: 'chat_id is empty',
  },
  { name: 'no text', method: 'sendMessage', parameters: inChat({}), expected: 'message text is empty' },
  {
    name: 'blank text',
    method: 'sendMessage',
    parameters: inChat({ text: ' \n ' }),
    expected: 'text must be non-empty',
  },
  {
    name: 'long text',
    method: 'sendMessage',
    parameters: inChat({ text: 'x'.repeat(4097) }),
    expected: 'message is too long',
  },
  {
    name: 'unknown parse mode',
    method: 'sendMessage',
    parameters: inChat({ text: 'a', parse_mode: 'rtf' }),
    expected: 'unsupported parse_mode',
  },
  {
    name: 'unknown tag',
    method: 'sendMessage',
    parameters: inChat({ text: 'é<x>', parse_mode: 'HTML' }),
    expected: 'can\'t parse entities: Unsupported start tag "x" at byte offset 2',
  },
  {
    name: 'unclosed tag',
    method: 'sendMessage',
    parameters: inChat({ text: '<b>a', parse_mode: 'HTML' }),
    expected: 'can\'t parse entities: Can\'t find end tag corresponding to start tag "b"',
  },
  {
    name: 'broken keyboard',
    method: 'sendMessage',
    parameters: inChat({ text: 'a', reply_markup: '{' }),
    expected: "can't parse reply keyboard markup JSON object",
  },
  {
    name: 'keyboard of another kind',
    method: 'sendMessage',
    parameters: inChat({ text: 'a', reply_markup: '[]' }),
    expected: 'object expected as reply markup',
  },
  {
    name: 'reply to nothing',
    method: 'sendMessage',
    parameters: inChat({ text: 'a', reply_parameters: { message_id: MISSING } }),
    expected: 'message to be replied not found',
  },
  {
    name: 'no document',
    method: 'sendDocument',
    parameters: inChat({}),
    expected: 'there is no document in the request',
  },
  {
    name: 'attached part that is missing',
    method: 'sendDocument',
    parameters: inChat({ document: 'attach://x' }),
    expected: 'there is no document in the request',
  },
  {
    name: 'URL',
    method: 'sendDocument',
    parameters: inChat({ document: 'https://a.example/b' }),
    expected: 'wrong file identifier/HTTP URL specified',
  },
  {
    name: 'undecodable file_id',
    method: 'sendDocument',
    parameters: inChat({ document: 'BQACnonsense' }),
    expected: "wrong remote file identifier specified: can't unserialize it",
  },
  {
    name: 'foreign file_id',
    method: 'sendDocument',
    parameters: ({ chat, foreignFileId }) => ({ chat_id: chat.id, document: foreignFileId }),
    expected: 'wrong file identifier/HTTP URL specified',
  },
  {
    name: 'long caption',
    method: 'sendDocument',
    parameters: ({ chat, fileId }) => ({ chat_id: chat.id, document: fileId, caption: '𝄞'.repeat(1025) }),
    expected: 'message caption is too long',
  },
  {
    name: 'getFile without id',
    method: 'getFile',
    parameters: () => ({}),
    expected: 'file_id not specified',
  },
  {
    name: 'getFile of nonsense',
    method: 'getFile',
    parameters: () => ({ file_id: 'x' }),
    expected: 'invalid file_id',
  },
  {
    name: 'getFile of another bot',
    method: 'getFile',
    parameters: ({ foreignFileId }) => ({ file_id: foreignFileId }),
    expected: 'wrong file_id or the file is temporarily unavailable',
  },
  {
    name: 'Markdown',
    method: 'sendMessage',
    parameters: inChat({ text: '*a*', parse_mode: 'MarkdownV2' }),
    expected: 'emulator: of the parse modes only HTML is modelled',
  },
  {
    name: 'forward from nowhere',
    method: 'forwardMessage',
    parameters: inChat({ message_id: 2 }),
    expected: 'parameter "from_chat_id" is required',
  },
  {
    name: 'forward what is missing',
    method: 'forwardMessage',
    parameters: withinChat({ message_id: MISSING }),
    expected: 'message to forward not found',
  },
  {
    name: 'forward the creation',
    method: 'forwardMessage',
    parameters: withinChat({ message_id: 1 }),
    expected: "the message can't be forwarded",
  },
  {
    name: 'forward all that is missing',
    method: 'forwardMessages',
    parameters: withinChat({ message_ids: [MISSING] }),
    expected: 'there are no messages to forward',
  },
  {
    name: 'forward only the creation',
    method: 'forwardMessages',
    parameters: withinChat({ message_ids: [1] }),
    expected: "messages can't be forwarded",
  },
  {
    name: 'forward backwards',
    method: 'forwardMessages',
    parameters: withinChat({ message_ids: [3, 2] }),
    expected: 'message identifiers must be in a strictly increasing order',
  },
  {
    name: 'copy what is missing',
    method: 'copyMessage',
    parameters: withinChat({ message_id: MISSING }),
    expected: 'message to copy not found',
  },
  {
    name: 'copy the creation',
    method: 'copyMessage',
    parameters: withinChat({ message_id: 1 }),
    expected: "the message can't be copied",
  },
  {
    name: 'member without user',
    method: 'getChatMember',
    parameters: inChat({}),
    expected: 'invalid user_id specified',
  },
  {
    name: 'member that is unknown',
    method: 'getChatMember',
    parameters: inChat({ user_id: 42 }),
    expected: 'PARTICIPANT_ID_INVALID',
  },
])

test('an empty document is refused', async () => {
  await using stage = await setStage()
  const file = new File([], 'empty.zst')
  const answer = await stage.client.upload('sendDocument', { chat_id: stage.chat.id }, { document: file })
  expect(failureOf(answer)).toEqual([400, 'Bad Request: file must be non-empty'])
})

test('a method that is not emulated is a 404, whatever its parameters', async () => {
  await using stage = await setStage()
  expect(failureOf(await stage.client.call('sendPoll'))).toEqual([404, 'Not Found: method not found'])
  expect(failureOf(await stage.client.call(''))).toEqual([404, 'Not Found: method not found'])
})

test('a file above 20 MiB uploads but cannot be fetched; one of exactly 20 MiB can', async () => {
  await using stage = await setStage()
  const atLimit = await stage.sendDocument('x'.repeat(20_971_520))
  const above = await stage.sendDocument('x'.repeat(20_971_521))
  const fetched = await stage.client.call('getFile', { file_id: atLimit.document.file_id })
  expect(fetched.result['file_size']).toBe(20_971_520)
  const refused = await stage.client.call('getFile', { file_id: above.document.file_id })
  expect(failureOf(refused)).toEqual([400, 'Bad Request: file is too big'])
})
