import { EmulatorError } from '#errors.ts'
import type { DocumentStore, ReceivedFile } from '#files/document-store.ts'
import { declareDocument, freshToken } from '#world/declaring.ts'
import { migrateGroup } from '#world/migrating.ts'
import { pinMessage, unpinMessage } from '#world/pins.ts'
import { announceEdit, postAsHuman } from '#world/posting.ts'
import type { AdministratorRights, Bot, Chat, Membership, Message } from '#world/records.ts'
import { ALL_RIGHTS } from '#world/rights.ts'
import type { World } from '#world/world.ts'

/** What a human writes: a text, or a document with a caption. */
export interface HumanPost {
  readonly text?: string
  readonly caption?: string
  readonly document?: { readonly fileName: string; readonly bytes: Uint8Array }
}

/**
 * What people do to a chat and to a bot; nobody asks for their rights, and no age keeps them from deleting.
 * Everything throws (or rejects with) EmulatorError UNKNOWN_CHAT, UNKNOWN_BOT or UNKNOWN_MESSAGE.
 */
export interface Humans {
  /** Gives the new message's id; in a basic group with several bots, as the first of them sees it. */
  post(chatId: number, post: HumanPost): Promise<number>
  /** Writes another text, or caption under a document. */
  edit(chatId: number, messageId: number, text: string): void
  deleteMessage(chatId: number, messageId: number): void
  pin(chatId: number, messageId: number): void
  /** Without a message id: unpins everything. */
  unpin(chatId: number, messageId?: number): void
  /** Makes a bot administrator with all rights but those set to false; also takes single rights away. */
  promote(chatId: number, bot: { readonly id: number }, rights?: Partial<AdministratorRights>): void
  /** Makes a bot a plain member. */
  demote(chatId: number, bot: { readonly id: number }): void
  /** Throws a bot out; in a private chat, blocks it. */
  kick(chatId: number, bot: { readonly id: number }): void
  /**
   * Makes a basic group a supergroup with the same bots, and gives its id. Rejects with EmulatorError
   * BAD_REQUEST for any other chat, and for a group that was made one before.
   */
  migrate(chatId: number): Promise<number>
  /** Gives the bot another token; the old one is unauthorized from now on. */
  revokeToken(bot: { readonly id: number }): Bot
}

/** Opens the hands of the people on a world. */
export function humansIn(world: World, store: DocumentStore): Humans {
  const setMembership = (chatId: number, { id }: { readonly id: number }, membership: Membership): void => {
    knownChat(world, chatId)
    knownBot(world, id)
    world.commit({ kind: 'membership', chatId, userId: id, membership })
  }
  return {
    post: async (chatId, { text, caption, document }) => {
      const chat = knownChat(world, chatId)
      const received = document && (await receiveBytes(store, document.bytes))
      const documentNumber =
        received && declareDocument(world, received, Buffer.from(document?.fileName ?? ''))
      const content = {
        ...(text === undefined ? {} : { text }),
        ...(caption === undefined ? {} : { caption }),
        ...(documentNumber === undefined ? {} : { documentNumber }),
      }
      return postAsHuman(world, { chat, content })[0]?.id ?? 0
    },
    edit: (chatId, messageId, text) => {
      const message = knownMessage(world, chatId, messageId)
      const { entities: _, ...rest } = message
      const content = message.documentNumber === undefined ? { text } : { caption: text }
      const edited = { ...rest, ...content, editDate: world.clock.nowSeconds() }
      world.commit({ kind: 'message', message: edited })
      announceEdit(world, knownChat(world, chatId), edited)
    },
    deleteMessage: (chatId, messageId) => {
      const { box, id } = knownMessage(world, chatId, messageId)
      world.commit({ kind: 'deleted', box, messageIds: [id], atMs: world.clock.now() })
    },
    pin: (chatId, messageId) => {
      const chat = knownChat(world, chatId)
      const message = knownMessage(world, chatId, messageId)
      pinMessage(world, { chat, message, byUserId: chat.ownerId })
    },
    unpin: (chatId, messageId) => {
      const messages =
        messageId === undefined
          ? world.messagesOf(knownChat(world, chatId).id)
          : [knownMessage(world, chatId, messageId)]
      for (const message of messages) unpinMessage(world, message)
    },
    promote: (chatId, bot, rights) =>
      setMembership(chatId, bot, { status: 'administrator', rights: { ...ALL_RIGHTS, ...rights } }),
    demote: (chatId, bot) => setMembership(chatId, bot, { status: 'member' }),
    kick: (chatId, bot) => setMembership(chatId, bot, { status: 'kicked' }),
    migrate: async chatId => migrateGroup(world, knownChat(world, chatId)).id,
    revokeToken: ({ id }) => {
      const bot = { ...knownBot(world, id), token: freshToken(id) }
      world.commit({ kind: 'bot', bot })
      return bot
    },
  }
}

async function receiveBytes(store: DocumentStore, bytes: Uint8Array): Promise<ReceivedFile> {
  const file = await store.receive()
  await file.write(bytes)
  return file.finish()
}

/** The chat of that id; throws EmulatorError UNKNOWN_CHAT. */
export function knownChat(world: World, chatId: number): Chat {
  const chat = world.chats.get(chatId)
  if (chat === undefined) throw new EmulatorError(`There is no chat ${chatId}.`, { code: 'UNKNOWN_CHAT' })
  return chat
}

function knownBot(world: World, botId: number): Bot {
  const bot = world.bots.get(botId)
  if (bot === undefined) throw new EmulatorError(`There is no bot ${botId}.`, { code: 'UNKNOWN_BOT' })
  return bot
}

function knownMessage(world: World, chatId: number, messageId: number): Message {
  const messages = world.messagesOf(knownChat(world, chatId).id)
  const message = messages.find(({ id, deletedAtMs }) => id === messageId && deletedAtMs === undefined)
  if (message === undefined) {
    throw new EmulatorError(`Chat ${chatId} has no message ${messageId}.`, { code: 'UNKNOWN_MESSAGE' })
  }
  return message
}
