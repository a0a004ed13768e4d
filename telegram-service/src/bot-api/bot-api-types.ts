import type { UnprovenMessage } from '#telegram-error.ts'

/** The fields of the Bot API's objects that this package reads; answers are checked. */
export interface BotUser {
  id: number
  username: string
}

export interface BotChat {
  /** Numeric; negative for groups, supergroups and channels. */
  id: number
  type: string
  title: string
  /** The name in t.me/NAME. A group or a channel with one is public: everyone can read it. */
  publicName?: string | undefined
  /** The pinned message that was sent last. */
  pinned?: SeenMessage | undefined
}

/** A member's status and the rights that this project needs. */
export interface ChatMember {
  status: string
  canPostMessages: boolean
  canEditMessages: boolean
  canDeleteMessages: boolean
  canPinMessages: boolean
  canSendDocuments: boolean
}

export interface SentDocument extends SeenDocument {
  messageId: number
  chatId: number
  /** Telegram's clock. */
  sentAt: Date
}

export interface SeenMessage {
  messageId: number
  chatId: number
  date: Date
  /** A person sent it. Absent in channels, and for a sender in a group's own name: nobody knows. */
  isByPerson?: true
  text?: string
  /** Without markup. */
  caption?: string
  forwarded?: ForwardOrigin
  document?: SeenDocument
}

export interface SeenDocument {
  /** Belongs to this bot. */
  fileId: string
  fileUniqueId: string
  fileName: string
  /** Undefined when the server did not say. */
  sizeBytes: number | undefined
}

/** The origin of a forwarded message. */
export interface ForwardOrigin {
  date: Date
  /** Only of a channel: elsewhere the server names the author, not the chat. */
  chatId?: number
  messageId?: number
  /** Outside of channels; a hidden author has only a name. */
  author?: string
  /** Undefined where nobody knows, as in a channel. */
  isByBot?: boolean
}

/** Message ids have 32 bits (td MessageId). A recorded greater one would hide every later message. */
const MAX_MESSAGE_ID = 2 ** 31 - 1
/** The last second of a Date. */
const MAX_UNIX_SECONDS = 8.64e12

type Json = Record<string, unknown>

function object(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new UnexpectedAnswer(what)
  return value as Json
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string' || value === '') throw new UnexpectedAnswer(what)
  return value
}

function integer(value: unknown, what: string, range: { min?: number; max?: number } = {}): number {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = range
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
    throw new UnexpectedAnswer(what)
  }
  return value
}

/** The server said yes, but the result is not the method's. */
export class UnexpectedAnswer extends Error {
  override readonly name: string = 'UnexpectedAnswer'
  readonly what: string
  /** The message that was made, if the answer names it. */
  readonly unprovenMessage: UnprovenMessage | undefined

  constructor(what: string, unprovenMessage?: UnprovenMessage) {
    super(`it has no valid ${what}`)
    this.what = what
    this.unprovenMessage = unprovenMessage
  }
}

export function readUser(result: unknown): BotUser {
  const user = object(result, 'user')
  return {
    id: integer(user['id'], 'user id'),
    username: typeof user['username'] === 'string' ? user['username'] : '',
  }
}

export function readChat(result: unknown): BotChat {
  const chat = object(result, 'chat')
  const title = chat['title'] ?? chat['username'] ?? chat['first_name']
  return {
    id: integer(chat['id'], 'chat id'),
    type: text(chat['type'], 'chat type'),
    title: typeof title === 'string' ? oneLine(title) : '',
    publicName: publicNameOf(chat),
    pinned: chat['pinned_message'] === undefined ? undefined : readSeenMessage(chat['pinned_message']),
  }
}

/** Others choose a title: it must not look like another line of a recovery card. */
function oneLine(title: string): string {
  return title.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, '\ufffd')
}

function publicNameOf({ username, active_usernames: names }: Json): string | undefined {
  const [name] = [username, ...(Array.isArray(names) ? names : [])].filter(one => typeof one === 'string')
  return name || undefined
}

/** Chats that an answer of `getUpdates` names, in order, and the offset that confirms these updates. */
export interface SeenChats {
  chats: BotChat[]
  /** Undefined when there were no updates. */
  nextOffset: number | undefined
}

/** Where something happened that a person did: a post, a message, a change of the bot's own rights. */
const EVENTS = ['channel_post', 'message', 'edited_channel_post', 'edited_message', 'my_chat_member']

export function readSeenChats(result: unknown): SeenChats {
  if (!Array.isArray(result)) throw new UnexpectedAnswer('list of updates')
  const updates = result.map(update => object(update, 'update'))
  const ids = updates.map(update => integer(update['update_id'], 'update id'))
  const chats = updates.flatMap(update =>
    EVENTS.filter(event => update[event] !== undefined).map(event =>
      readChat(object(update[event], 'event')['chat']),
    ),
  )
  return { chats, nextOffset: ids.length === 0 ? undefined : Math.max(...ids) + 1 }
}

export function readChatMember(result: unknown): ChatMember {
  const member = object(result, 'member')
  return {
    status: text(member['status'], 'member status'),
    canPostMessages: member['can_post_messages'] === true,
    canEditMessages: member['can_edit_messages'] === true,
    canDeleteMessages: member['can_delete_messages'] === true,
    canPinMessages: member['can_pin_messages'] === true,
    canSendDocuments: member['can_send_documents'] !== false,
  }
}

/** Throws `UnexpectedAnswer`, with the made message if the answer names it. */
export function readSentDocument(result: unknown): SentDocument {
  return readMadeMessage(result, (message, made) => ({
    ...made,
    ...readDocument(message['document']),
    sentAt: time(message['date']),
  }))
}

/** Throws `UnexpectedAnswer`, with the message if the answer names it. */
export function readSeenMessage(result: unknown): SeenMessage {
  return readMadeMessage(result, (message, made) => {
    const { text: words, caption, document, forward_origin: origin } = message
    return {
      ...made,
      date: time(message['date']),
      ...(isByPerson(message) ? { isByPerson: true } : {}),
      ...(typeof words === 'string' ? { text: words } : {}),
      ...(typeof caption === 'string' ? { caption } : {}),
      ...(origin === undefined ? {} : { forwarded: readOrigin(object(origin, 'origin')) }),
      ...(document === undefined ? {} : { document: readDocument(document) }),
    }
  })
}

function readMadeMessage<Result>(
  result: unknown,
  read: (message: Json, made: { messageId: number; chatId: number }) => Result,
): Result {
  const message = object(result, 'message')
  const made = {
    // 0 means that the server will send the message later (documented).
    messageId: integer(message['message_id'], 'message id', { min: 1, max: MAX_MESSAGE_ID }),
    chatId: integer(object(message['chat'], 'chat')['id'], 'chat id'),
  }
  try {
    return read(message, made)
  } catch (error) {
    if (!(error instanceof UnexpectedAnswer)) throw error
    throw new UnexpectedAnswer(error.what, made)
  }
}

/** A chat that speaks is named together with a placeholder person. */
function isByPerson({ from, sender_chat: chat }: Json): boolean {
  if (typeof from !== 'object' || from === null || chat !== undefined) return false
  return 'is_bot' in from && from.is_bot === false
}

function readDocument(value: unknown): SeenDocument {
  const document = object(value, 'document')
  const size = document['file_size']
  return {
    fileId: text(document['file_id'], 'file id'),
    fileUniqueId: text(document['file_unique_id'], 'unique file id'),
    fileName: typeof document['file_name'] === 'string' ? document['file_name'] : '',
    sizeBytes: size === undefined ? undefined : integer(size, 'file size', { min: 0 }),
  }
}

function readOrigin(origin: Json): ForwardOrigin {
  const date = time(origin['date'])
  const { chat, message_id: messageId, sender_user: user, sender_user_name: name } = origin
  if (chat !== undefined && messageId !== undefined) {
    return {
      date,
      chatId: integer(object(chat, 'chat of origin')['id'], 'chat id of origin'),
      messageId: integer(messageId, 'message id of origin', { min: 1 }),
    }
  }
  if (user !== undefined) {
    const { id, is_bot: isBot } = object(user, 'user')
    return { date, author: String(integer(id, 'user id')), isByBot: isBot === true }
  }
  return { date, ...(typeof name === 'string' ? { author: name } : {}) }
}

function time(value: unknown): Date {
  return new Date(integer(value, 'date', { min: 0, max: MAX_UNIX_SECONDS }) * 1000)
}

export function readFilePath(result: unknown): string {
  return text(object(result, 'file')['file_path'], 'file path')
}
