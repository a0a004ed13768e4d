import type { AdministratorRights, ChatType, Membership } from '#world/records.ts'

/** Every right but anonymity. What is not named when a bot is made administrator is taken from here. */
export const ALL_RIGHTS: Readonly<AdministratorRights> = {
  is_anonymous: false,
  can_manage_chat: true,
  can_change_info: true,
  can_post_messages: true,
  can_edit_messages: true,
  can_delete_messages: true,
  can_invite_users: true,
  can_restrict_members: true,
  can_pin_messages: true,
  can_manage_topics: true,
  can_promote_members: true,
  can_manage_video_chats: true,
  can_post_stories: true,
  can_edit_stories: true,
  can_delete_stories: true,
}

/** Rights that exist in some kinds of chat only, and are not shown in the others (documented). */
const RIGHTS_OF_SOME_CHATS: Partial<Record<keyof AdministratorRights, readonly ChatType[]>> = {
  can_post_messages: ['channel'],
  can_edit_messages: ['channel'],
  can_pin_messages: ['group', 'supergroup'],
  can_manage_topics: ['supergroup'],
}

/** The rights as getChatMember shows them in this kind of chat. */
export function visibleRights(rights: AdministratorRights, type: ChatType): Partial<AdministratorRights> {
  const shown = Object.entries(rights).filter(([name]) => {
    const types = RIGHTS_OF_SOME_CHATS[name as keyof AdministratorRights]
    return types === undefined || types.includes(type)
  })
  return Object.fromEntries(shown)
}

function hasRight(membership: Membership, right: keyof AdministratorRights): boolean {
  return membership.status === 'administrator' && membership.rights[right]
}

/** One bot, one chat, one question. `own` says whether the bot wrote the message. */
interface MessageQuestion {
  readonly type: ChatType
  readonly membership: Membership
  readonly own: boolean
}

/** In a channel only administrators who may post write; elsewhere every member does. */
export function mayPost(type: ChatType, membership: Membership): boolean {
  return type !== 'channel' || hasRight(membership, 'can_post_messages')
}

/** Says who may delete a message that is young enough (td can_delete_channel_message, can_revoke_message). */
export function mayDelete({ type, membership, own }: MessageQuestion): boolean {
  switch (type) {
    case 'private':
      return true
    case 'group':
      return own || membership.status === 'administrator'
    case 'supergroup':
      return own || hasRight(membership, 'can_delete_messages')
    case 'channel':
      return hasRight(membership, 'can_delete_messages') || (own && hasRight(membership, 'can_post_messages'))
  }
}

/**
 * Says who may edit a message's content; no age limit holds for a bot's own messages (td can_edit_message).
 */
export function mayEdit({ type, membership, own }: MessageQuestion): boolean {
  if (type !== 'channel') return own
  return hasRight(membership, 'can_edit_messages') || (own && hasRight(membership, 'can_post_messages'))
}

/** Pinning is editing in a channel, a right of its own in groups, and free in private. */
export function mayPin(type: ChatType, membership: Membership): boolean {
  switch (type) {
    case 'private':
      return true
    case 'channel':
      return hasRight(membership, 'can_edit_messages')
    default:
      return hasRight(membership, 'can_pin_messages')
  }
}
