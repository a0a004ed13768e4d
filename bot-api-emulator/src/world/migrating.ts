import { EmulatorError } from '#errors.ts'
import { newChatId } from '#world/declaring.ts'
import { serviceMessage } from '#world/posting.ts'
import type { Chat } from '#world/records.ts'
import type { World } from '#world/world.ts'

/**
 * Makes a supergroup out of a basic group: another chat, whose ids begin anew, with the same bots and their
 * rights. A service message in each names the other. What was written and pinned before stays in the old
 * chat, which can only be read from now on. Throws EmulatorError BAD_REQUEST for a chat that is no basic
 * group, or no more.
 */
export function migrateGroup(world: World, group: Chat): Chat {
  if (group.type !== 'group' || group.migratedTo !== undefined) {
    throw new EmulatorError(`Chat ${group.id} is no basic group.`, { code: 'BAD_REQUEST' })
  }
  const { title, ownerId } = group
  const supergroup: Chat = { id: newChatId(world, 'supergroup'), type: 'supergroup', title, ownerId }
  world.commit({ kind: 'chat', chat: supergroup })
  for (const bot of world.bots.values()) {
    const membership = world.membership(group.id, bot.id)
    if (membership === undefined) continue
    world.commit({ kind: 'membership', chatId: supergroup.id, userId: bot.id, membership })
  }
  const { id: chatId } = supergroup
  serviceMessage(world, { chat: group, authorId: ownerId, event: { type: 'migrated-to', chatId } })
  world.commit({ kind: 'chat', chat: { ...group, migratedTo: chatId } })
  serviceMessage(world, {
    chat: supergroup,
    authorId: ownerId,
    event: { type: 'migrated-from', chatId: group.id },
  })
  return supergroup
}
