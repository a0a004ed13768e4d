import { readFile } from 'node:fs/promises'
import { knownChat } from '#control/humans.ts'
import type { RequestEntry, Traffic } from '#control/traffic.ts'
import { EmulatorError } from '#errors.ts'
import type { DocumentStore } from '#files/document-store.ts'
import type { Bot, Chat, Message, ServiceEvent } from '#world/records.ts'
import { fileIdOf } from '#world/showing.ts'
import type { World } from '#world/world.ts'

/** A message as the emulator keeps it, for tests to look at. */
export interface StoredMessage {
  readonly message_id: number
  readonly chat_id: number
  /** Unix seconds. */
  readonly date: number
  readonly edit_date?: number
  /** Bot or human. */
  readonly author_id: number
  readonly text?: string
  readonly caption?: string
  readonly document?: {
    readonly file_name: string
    readonly file_size: number
    /** As its author got it; for a human's message, as the first bot in the chat does. */
    readonly file_id: string
    /** Lower-case hex. */
    readonly sha256: string
  }
  readonly pinned: boolean
  /** Present on service messages. */
  readonly service?: ServiceEvent['type']
  /** Milliseconds since 1970; present on deleted messages. */
  readonly deleted_at_ms?: number
}

/** What tests may see that bots may not. */
export interface Inspection {
  /** Every bot, in the order of their making. */
  bots(): Bot[]
  /** Every chat, in the order of their making. */
  chats(): Chat[]
  /** The chat's messages that are alive, without service messages, by id (in a basic group, bot by bot). */
  messages(chatId: number): StoredMessage[]
  /** Everything the chat ever had: deleted and service messages too. */
  allMessages(chatId: number): StoredMessage[]
  /**
   * The bytes of a message's document, also after its deletion. Rejects with EmulatorError UNKNOWN_MESSAGE.
   */
  documentBytes(chatId: number, messageId: number): Promise<Buffer>
  /** How many calls of a method came in (`download`: of the file route); of all together without a name. */
  calls(method?: string): number
  /** The most calls of a method that were at work at one time. */
  maximumConcurrent(method: string): number
  /** How many calls were cut off by a `late` fault and are still to be done. */
  lateCalls(): number
  /** The latest 10,000 requests that have ended, oldest first. */
  requests(): readonly RequestEntry[]
}

/** Opens the view on a world. */
export function inspectionOf(world: World, store: DocumentStore, traffic: Traffic): Inspection {
  const allMessages = (chatId: number): StoredMessage[] =>
    world.messagesOf(knownChat(world, chatId).id).map(message => inspected(world, message))
  return {
    bots: () => [...world.bots.values()],
    chats: () => [...world.chats.values()],
    allMessages,
    messages: chatId =>
      allMessages(chatId).filter(
        ({ service, deleted_at_ms }) => service === undefined && deleted_at_ms === undefined,
      ),
    documentBytes: async (chatId, messageId) => {
      const message = world.messagesOf(knownChat(world, chatId).id).find(({ id }) => id === messageId)
      const document = world.documents.get(message?.documentNumber ?? 0)
      if (document === undefined) {
        throw new EmulatorError(`Message ${messageId} of chat ${chatId} has no document.`, {
          code: 'UNKNOWN_MESSAGE',
        })
      }
      return readFile(store.pathOf(document.storedAs))
    },
    calls: method => traffic.calls(method),
    maximumConcurrent: method => traffic.maximumConcurrent(method),
    lateCalls: () => traffic.lateCalls,
    requests: () => traffic.requests(),
  }
}

function inspected(world: World, message: Message): StoredMessage {
  const document = world.documents.get(message.documentNumber ?? 0)
  const reader = world.bots.get(message.authorId) ?? world.botsIn(message.chatId)[0]
  return {
    message_id: message.id,
    chat_id: message.chatId,
    date: message.date,
    ...(message.editDate === undefined ? {} : { edit_date: message.editDate }),
    author_id: message.authorId,
    ...(message.text === undefined ? {} : { text: message.text }),
    ...(message.caption === undefined ? {} : { caption: message.caption }),
    ...(document === undefined
      ? {}
      : {
          document: {
            file_name: document.fileName,
            file_size: document.sizeBytes,
            file_id: fileIdOf(world, reader?.id ?? 0, message) ?? '',
            sha256: document.sha256,
          },
        }),
    pinned: message.pinned === true,
    ...(message.service === undefined ? {} : { service: message.service.type }),
    ...(message.deletedAtMs === undefined ? {} : { deleted_at_ms: message.deletedAtMs }),
  }
}
