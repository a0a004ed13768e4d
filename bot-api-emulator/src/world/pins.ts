import { serviceMessage } from '#world/posting.ts'
import type { Chat, Message } from '#world/records.ts'
import type { World } from '#world/world.ts'

/** Pins a message; the chat gets a service message about it, which takes an id. */
export function pinMessage(world: World, options: { chat: Chat; message: Message; byUserId: number }): void {
  const { chat, message, byUserId } = options
  world.commit({ kind: 'message', message: { ...message, pinned: true } })
  serviceMessage(world, { chat, authorId: byUserId, event: { type: 'pinned', messageId: message.id } })
}

/** Unpins a message, silently. */
export function unpinMessage(world: World, message: Message): void {
  if (message.pinned === true) world.commit({ kind: 'message', message: { ...message, pinned: false } })
}
