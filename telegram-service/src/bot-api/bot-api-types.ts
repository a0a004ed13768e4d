/** The fields of the Bot API's objects that this package reads. Answers are checked before they are believed. */
export interface BotUser {
  id: number
  username: string
}

export interface BotChat {
  /** Numeric; negative for groups, supergroups and channels. */
  id: number
  type: string
  title: string
}

/** A member's status and, for an administrator, the rights that this project asks for. */
export interface ChatMember {
  status: string
  canPostMessages: boolean
  canEditMessages: boolean
  canDeleteMessages: boolean
  canPinMessages: boolean
  /** For a restricted member: whether it may send documents. */
  canSendDocuments: boolean
}

export interface SentDocument {
  messageId: number
  chatId: number
  fileId: string
  fileUniqueId: string
  fileName: string
  /** As the server stored it. Undefined when the server did not say. */
  sizeBytes: number | undefined
  /** Telegram's clock. */
  sentAt: Date
}

type Json = Record<string, unknown>

function object(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new UnexpectedAnswer(what)
  return value as Json
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new UnexpectedAnswer(what)
  return value
}

function integer(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new UnexpectedAnswer(what)
  return value
}

/** The server said yes, and then something that is not the method's result. */
export class UnexpectedAnswer extends Error {
  override readonly name: string = 'UnexpectedAnswer'

  constructor(what: string) {
    super(`the answer has no ${what}`)
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
    title: typeof title === 'string' ? title : '',
  }
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

export function readSentDocument(result: unknown): SentDocument {
  const message = object(result, 'message')
  const document = object(message['document'], 'document')
  const size = document['file_size']
  return {
    messageId: integer(message['message_id'], 'message id'),
    chatId: integer(object(message['chat'], 'chat')['id'], 'chat id'),
    fileId: text(document['file_id'], 'file id'),
    fileUniqueId: text(document['file_unique_id'], 'unique file id'),
    fileName: typeof document['file_name'] === 'string' ? document['file_name'] : '',
    sizeBytes: size === undefined ? undefined : integer(size, 'file size'),
    sentAt: new Date(integer(message['date'], 'date') * 1000),
  }
}

export function readFilePath(result: unknown): string {
  return text(object(result, 'file')['file_path'], 'file path')
}
