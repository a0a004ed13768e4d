import type { Emulator } from '@telegram-backup/bot-api-emulator'

/** A living message, as somebody sees it who looks into the chat. */
export interface VisibleMessage {
  readonly id: number
  readonly byBot: boolean
  readonly pinned: boolean
  /** It is too old to be deleted by anybody but people. Unknown where the chat is only probed. */
  readonly isFixed?: boolean
  /**
   * The bot's, with a person's words, in a group: a copy of that person's message, or what that person
   * copied. Unknown where the chat is only probed.
   */
  readonly isOfAPerson?: boolean
  readonly text?: string
  readonly caption?: string
  readonly document?: { readonly fileName: string; readonly size: number }
}

/** The chat from outside: neither the program under test nor its catalog is asked. */
export interface ChatView {
  /** Living messages, without service messages, by id. */
  messages(): Promise<VisibleMessage[]>
  /** The bytes of a message's document. */
  bytes(messageId: number): Promise<Buffer>
}

const DELETABLE_MS = 48 * 3600 * 1000

/** Looks into the emulator. */
export function emulatedView(emulator: Emulator, chatId: number): ChatView {
  return {
    messages: async () => {
      const bots = new Set(emulator.inspect.bots().map(({ id }) => id))
      const isChannel = emulator.inspect.chats().some(({ id, type }) => id === chatId && type === 'channel')
      const messages = emulator.inspect.messages(chatId)
      const wordsOf = ({ text, caption }: (typeof messages)[number]): string | undefined => text ?? caption
      const said = new Set(messages.filter(one => !bots.has(one.author_id)).map(wordsOf))
      return messages.map(message => ({
        id: message.message_id,
        byBot: bots.has(message.author_id),
        isOfAPerson: !isChannel && bots.has(message.author_id) && said.has(wordsOf(message)),
        pinned: message.pinned,
        isFixed: message.date * 1000 <= emulator.clock.now() - DELETABLE_MS,
        ...(message.text === undefined ? {} : { text: message.text }),
        ...(message.caption === undefined ? {} : { caption: message.caption }),
        ...(message.document && {
          document: { fileName: message.document.file_name, size: message.document.file_size },
        }),
      }))
    },
    bytes: messageId => emulator.inspect.documentBytes(chatId, messageId),
  }
}

interface ApiMessage {
  message_id: number
  caption?: string
  text?: string
  document?: { file_id: string; file_name?: string; file_size?: number }
}

/**
 * Looks into a chat on any Bot API server with the bot's own means: each id up to the newest is forwarded,
 * read, and the copy deleted. It cannot tell a bot's messages from those of people, so it takes documents for
 * the bot's.
 */
export function probedView(apiRoot: string, token: string, chatId: string, beginAfter: number): ChatView {
  const call = async <Result>(method: string, parameters: object): Promise<Result | undefined> => {
    const response = await fetch(`${apiRoot}/bot${token}/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ chat_id: chatId, ...parameters }),
    })
    const answer = (await response.json()) as { ok: boolean; result?: Result }
    return answer.ok ? answer.result : undefined
  }
  const forward = async (messageId: number): Promise<ApiMessage | undefined> => {
    const copy = await call<ApiMessage>('forwardMessage', { from_chat_id: chatId, message_id: messageId })
    if (copy) await call('deleteMessage', { message_id: copy.message_id })
    return copy
  }
  return {
    messages: async () => {
      const newest = await call<ApiMessage>('sendMessage', { text: 'Is anybody there?' })
      if (!newest) throw new Error('The chat does not take a message')
      await call('deleteMessage', { message_id: newest.message_id })
      const chat = await call<{ pinned_message?: ApiMessage }>('getChat', {})
      const seen: VisibleMessage[] = []
      for (let id = beginAfter + 1; id < newest.message_id; id++) {
        const message = await forward(id)
        if (!message) continue
        seen.push({
          id,
          byBot: message.document !== undefined,
          pinned: chat?.pinned_message?.message_id === id,
          ...(message.text === undefined ? {} : { text: message.text }),
          ...(message.caption === undefined ? {} : { caption: message.caption }),
          ...(message.document && {
            document: { fileName: message.document.file_name ?? '', size: message.document.file_size ?? 0 },
          }),
        })
      }
      return seen
    },
    bytes: async messageId => {
      const message = await forward(messageId)
      const file = await call<{ file_path?: string }>('getFile', { file_id: message?.document?.file_id })
      if (!file?.file_path) throw new Error(`Message ${messageId} has no document that can be fetched`)
      const response = await fetch(`${apiRoot}/file/bot${token}/${file.file_path}`)
      return Buffer.from(await response.arrayBuffer())
    },
  }
}
