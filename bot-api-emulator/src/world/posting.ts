import type { Chat, Message, ServiceEvent, UpdateType } from '#world/records.ts'
import { boxOf, type World } from '#world/world.ts'

/** What a new message says; the server adds id, date and place. */
export type MessageContent = Omit<Message, 'box' | 'chatId' | 'id' | 'authorId' | 'date'>

/** Adds a bot's message to a chat. The bot itself gets no update of it, and neither do other bots. */
export function postAsBot(
  world: World,
  options: { chat: Chat; botId: number; content: MessageContent },
): Message {
  const { chat, botId, content } = options
  return add(world, { chat, box: boxOf(chat, botId), authorId: botId, content })
}

/** Adds a human's message: once in a channel or supergroup, else once in the counter of each bot there. */
export function postAsHuman(world: World, options: { chat: Chat; content: MessageContent }): Message[] {
  const { chat, content } = options
  return deliver(world, { chat, authorId: chat.ownerId, content })
}

/** Adds a service message, which takes an id and reaches every bot in the chat, its cause included. */
export function serviceMessage(
  world: World,
  options: { chat: Chat; authorId: number; event: ServiceEvent },
): void {
  const { chat, authorId, event } = options
  deliver(world, { chat, authorId, content: { service: event } })
}

/** Tells every bot in the chat that a message was changed by someone else. */
export function announceEdit(world: World, chat: Chat, message: Message): void {
  announce(world, { chat, message, type: chat.type === 'channel' ? 'edited_channel_post' : 'edited_message' })
}

interface Delivery {
  readonly chat: Chat
  readonly authorId: number
  readonly content: MessageContent
}

function deliver(world: World, { chat, authorId, content }: Delivery): Message[] {
  const boxes = new Set(world.botsIn(chat.id).map(bot => boxOf(chat, bot.id)))
  if (boxes.size === 0) boxes.add(boxOf(chat, 0))
  return [...boxes].map(box => {
    const message = add(world, { chat, box, authorId, content })
    announce(world, { chat, message, type: chat.type === 'channel' ? 'channel_post' : 'message' })
    return message
  })
}

function add(world: World, { chat, box, authorId, content }: Delivery & { readonly box: string }): Message {
  const date = world.clock.nowSeconds()
  const message: Message = {
    ...content,
    box,
    chatId: chat.id,
    id: world.nextMessageId(box),
    authorId,
    date,
  }
  world.commit({ kind: 'message', message })
  return message
}

function announce(
  world: World,
  { chat, message, type }: { chat: Chat; message: Message; type: UpdateType },
): void {
  for (const bot of world.botsIn(chat.id)) {
    if (boxOf(chat, bot.id) !== message.box) continue
    const update = {
      botId: bot.id,
      id: world.nextUpdateId(bot.id),
      type,
      box: message.box,
      messageId: message.id,
      atMs: world.clock.now(),
    }
    world.commit({ kind: 'update', update })
  }
}
