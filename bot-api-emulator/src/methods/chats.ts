import { refusal } from '#answers.ts'
import { accessChat, type MethodCall } from '#methods/method.ts'
import { latestPinned } from '#methods/pinning.ts'
import type { Membership } from '#world/records.ts'
import { visibleRights } from '#world/rights.ts'
import { type Json, showBot, showChat, showMessage, showUser } from '#world/showing.ts'

/** getMe. */
export function getMe({ bot }: MethodCall): Json {
  return {
    ...showBot(bot),
    can_join_groups: true,
    can_read_all_group_messages: false,
    supports_inline_queries: false,
    supports_guest_queries: false,
    can_connect_to_business: false,
    has_main_web_app: false,
    has_topics_enabled: false,
    allows_users_to_create_topics: false,
    can_manage_bots: false,
  }
}

/** getChat, with the pinned message that was sent last: not the one that was pinned last. */
export function getChat(call: MethodCall): Json {
  const access = accessChat(call, 'read')
  const pinned = latestPinned(call, access)
  return {
    ...showChat(access.chat),
    ...(pinned ? { pinned_message: showMessage(call.world, call.bot, pinned, true) } : {}),
    max_reaction_count: 11,
    accent_color_id: 0,
  }
}

/** getChatMember, of a bot or of the human who owns the chat. */
export function getChatMember(call: MethodCall): Json {
  const userId = call.parameters.integer('user_id')
  if (userId <= 0) throw refusal('userIdInvalid')
  const { chat } = accessChat(call, userId === call.bot.id ? 'read' : 'change')
  const user = showUser(call.world, userId)
  if (userId === chat.ownerId) {
    return chat.type === 'private'
      ? { user, status: 'member' }
      : { user, status: 'creator', is_anonymous: false }
  }
  if (!call.world.bots.has(userId)) throw refusal('memberUnknown')
  const membership: Membership = call.world.membership(chat.id, userId) ?? { status: 'left' }
  switch (membership.status) {
    case 'administrator':
      return {
        user,
        status: 'administrator',
        can_be_edited: false,
        ...visibleRights(membership.rights, chat.type),
      }
    case 'kicked':
      return { user, status: 'kicked', until_date: 0 }
    default:
      return { user, status: membership.status }
  }
}
