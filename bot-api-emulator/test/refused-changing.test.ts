import { inChat, MISSING, testRefusals } from '#test/refusal-cases.ts'

const withMedia = (media: Record<string, unknown>) => inChat({ message_id: 2, media })

const UNCHANGED =
  'message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message'

testRefusals([
  {
    name: 'delete without chat',
    method: 'deleteMessage',
    parameters: () => ({ message_id: 1 }),
    expected: 'chat identifier is not specified',
  },
  {
    name: 'delete without id',
    method: 'deleteMessage',
    parameters: inChat({}),
    expected: 'message identifier is not specified',
  },
  {
    name: 'delete with negative id',
    method: 'deleteMessage',
    parameters: inChat({ message_id: -4 }),
    expected: 'message identifier is not specified',
  },
  {
    name: 'delete what is missing',
    method: 'deleteMessage',
    parameters: inChat({ message_id: MISSING }),
    expected: 'message to delete not found',
  },
  {
    name: 'delete the creation',
    method: 'deleteMessage',
    parameters: inChat({ message_id: 1 }),
    expected: "message can't be deleted",
  },
  {
    name: 'delete no ids',
    method: 'deleteMessages',
    parameters: inChat({}),
    expected: 'message identifiers are not specified',
  },
  {
    name: 'delete an empty list',
    method: 'deleteMessages',
    parameters: inChat({ message_ids: [] }),
    expected: 'message identifiers are not specified',
  },
  {
    name: 'delete broken ids',
    method: 'deleteMessages',
    parameters: inChat({ message_ids: '[1' }),
    expected: "can't parse message_ids JSON object",
  },
  {
    name: 'delete one id',
    method: 'deleteMessages',
    parameters: inChat({ message_ids: 3 }),
    expected: 'expected an Array of message identifiers',
  },
  {
    name: 'delete objects',
    method: 'deleteMessages',
    parameters: inChat({ message_ids: [{}] }),
    expected: 'message identifier must be a Number',
  },
  {
    name: 'delete words',
    method: 'deleteMessages',
    parameters: inChat({ message_ids: ['one'] }),
    expected: "can't parse message identifier as a Number",
  },
  {
    name: 'delete id 0',
    method: 'deleteMessages',
    parameters: inChat({ message_ids: [0] }),
    expected: 'invalid message identifier specified',
  },
  {
    name: 'delete 101 ids',
    method: 'deleteMessages',
    parameters: inChat({ message_ids: Array.from({ length: 101 }, (_, i) => i + 1) }),
    expected: 'too many message identifiers specified',
  },
  {
    name: 'edit without ids',
    method: 'editMessageCaption',
    parameters: () => ({}),
    expected: 'message identifier is not specified',
  },
  {
    name: 'edit what is missing',
    method: 'editMessageCaption',
    parameters: inChat({ message_id: MISSING }),
    expected: 'message to edit not found',
  },
  {
    name: 'edit without message id',
    method: 'editMessageCaption',
    parameters: inChat({}),
    expected: 'message to edit not found',
  },
  {
    name: 'edit the creation',
    method: 'editMessageCaption',
    parameters: inChat({ message_id: 1 }),
    expected: "message can't be edited",
  },
  {
    name: 'edit media of the creation',
    method: 'editMessageMedia',
    parameters: inChat({ message_id: 1, media: { type: 'document', media: 'x' } }),
    expected: "message media can't be edited",
  },
  {
    name: 'caption of a text',
    method: 'editMessageCaption',
    parameters: ({ chat, text }) => ({ chat_id: chat.id, message_id: text, caption: 'x' }),
    expected: 'there is no caption in the message to edit',
  },
  {
    name: 'text of a document',
    method: 'editMessageText',
    parameters: ({ chat, sent }) => ({ chat_id: chat.id, message_id: sent, text: 'x' }),
    expected: 'there is no text in the message to edit',
  },
  {
    name: 'same caption',
    method: 'editMessageCaption',
    parameters: ({ chat, sent }) => ({ chat_id: chat.id, message_id: sent, caption: 'first' }),
    expected: UNCHANGED,
  },
  {
    name: 'same media',
    method: 'editMessageMedia',
    parameters: ({ chat, sent, fileId }) => ({
      chat_id: chat.id,
      message_id: sent,
      media: { type: 'document', media: fileId, caption: 'first' },
    }),
    expected: UNCHANGED,
  },
  {
    name: 'edit to another keyboard',
    method: 'editMessageReplyMarkup',
    parameters: ({ chat, sent }) => ({ chat_id: chat.id, message_id: sent, reply_markup: { keyboard: [] } }),
    expected: 'inline keyboard expected',
  },
  {
    name: 'media without media',
    method: 'editMessageMedia',
    parameters: inChat({ message_id: 2 }),
    expected: 'parameter "media" is required',
  },
  {
    name: 'broken media',
    method: 'editMessageMedia',
    parameters: inChat({ message_id: 2, media: '{' }),
    expected: "can't parse input media JSON object",
  },
  {
    name: 'media that is not there',
    method: 'editMessageMedia',
    parameters: withMedia({ type: 'document', media: 'attach://x' }),
    expected: "can't parse InputMedia: media not found",
  },
  {
    name: 'media of another kind',
    method: 'editMessageMedia',
    parameters: withMedia({ type: 'photo', media: 'x' }),
    expected: 'emulator: only media of type document is modelled',
  },
  {
    name: 'pin what is missing',
    method: 'pinChatMessage',
    parameters: inChat({ message_id: MISSING }),
    expected: 'message to pin not found',
  },
  {
    name: 'pin the creation',
    method: 'pinChatMessage',
    parameters: inChat({ message_id: 1 }),
    expected: "service messages can't be pinned",
  },
  {
    name: 'unpin what is missing',
    method: 'unpinChatMessage',
    parameters: inChat({ message_id: MISSING }),
    expected: 'message to unpin not found',
  },
  {
    name: 'unpin when nothing is pinned',
    method: 'unpinChatMessage',
    parameters: inChat({}),
    expected: 'message to unpin not found',
  },
])
