/** A bot account. The token is its id, a colon and 35 characters of base64url. */
export interface Bot {
  readonly id: number
  readonly token: string
  readonly username: string
  readonly firstName: string
}

/** The four kinds of chat of the Bot API. */
export type ChatType = 'channel' | 'supergroup' | 'group' | 'private'

/** A chat without its members and messages. A private chat's id is its human's user id. */
export interface Chat {
  readonly id: number
  readonly type: ChatType
  readonly title: string
  /** The human who made the chat, or sits at the other end of a private one. */
  readonly ownerId: number
  /** The supergroup that a basic group became. */
  readonly migratedTo?: number
}

/** The rights of an administrator, named as in the Bot API's ChatMemberAdministrator. */
export interface AdministratorRights {
  is_anonymous: boolean
  can_manage_chat: boolean
  can_change_info: boolean
  can_post_messages: boolean
  can_edit_messages: boolean
  can_delete_messages: boolean
  can_invite_users: boolean
  can_restrict_members: boolean
  can_pin_messages: boolean
  can_manage_topics: boolean
  can_promote_members: boolean
  can_manage_video_chats: boolean
  can_post_stories: boolean
  can_edit_stories: boolean
  can_delete_stories: boolean
}

/** What a bot is in a chat; a bot without any membership has never seen the chat. */
export type Membership =
  | { readonly status: 'administrator'; readonly rights: AdministratorRights }
  | { readonly status: 'member' | 'left' | 'kicked' }

/** The bytes of one upload. Every upload is a document of its own, also for equal bytes. */
export interface StoredDocument {
  /** Counts from 1. */
  readonly number: number
  /** Name of the file in the data folder. */
  readonly storedAs: string
  readonly sizeBytes: number
  /** Lower-case hex. */
  readonly sha256: string
  readonly fileName: string
  readonly mimeType: string
}

/** A formatted piece of a text; offset and length in UTF-16 units. */
export interface TextEntity {
  readonly type: string
  readonly offset: number
  readonly length: number
  readonly url?: string
  readonly language?: string
}

/** Where a forwarded message comes from. */
interface ForwardOrigin {
  readonly chatId: number
  readonly messageId: number
  readonly authorId: number
  readonly date: number
}

/** Service messages are written by the server and consume an id. */
export type ServiceEvent =
  | { readonly type: 'created' }
  | { readonly type: 'pinned'; readonly messageId: number }
  | { readonly type: 'migrated-to' | 'migrated-from'; readonly chatId: number }

/** A message as kept: its latest content, also after deletion. */
export interface Message {
  /** Whose counter gave the id: `chat:<id>` in channels and supergroups, else `bot:<id>`. */
  readonly box: string
  readonly chatId: number
  readonly id: number
  /** Bot or human; a bot id belongs to a bot. */
  readonly authorId: number
  /** Unix seconds. */
  readonly date: number
  readonly editDate?: number
  readonly text?: string
  readonly caption?: string
  readonly entities?: readonly TextEntity[]
  readonly documentNumber?: number
  readonly service?: ServiceEvent
  readonly replyToId?: number
  readonly forward?: ForwardOrigin
  /** As received; `inline_keyboard` is shown, any other keyboard makes the message uneditable. */
  readonly replyMarkup?: Readonly<Record<string, unknown>>
  readonly protected?: boolean
  readonly pinned?: boolean
  /** Milliseconds since 1970; absent while the message is alive. */
  readonly deletedAtMs?: number
}

/** Kinds of update that the emulator produces. */
export type UpdateType = 'message' | 'channel_post' | 'edited_message' | 'edited_channel_post'

/** An update for one bot, kept until it is confirmed or too old. */
export interface Update {
  readonly botId: number
  readonly id: number
  readonly type: UpdateType
  readonly box: string
  readonly messageId: number
  readonly atMs: number
}

/** A way to a document's bytes, given by getFile to one bot. */
export interface FilePath {
  readonly botId: number
  readonly documentNumber: number
  readonly path: string
  readonly grantedAtMs: number
}

/** One line of the journal: everything the world is made of arrives as one of these. */
export type WorldRecord =
  | { readonly kind: 'opened'; readonly format: 1; readonly fileIdKey: string }
  | { readonly kind: 'clock'; readonly offsetMs: number }
  | { readonly kind: 'bot'; readonly bot: Bot }
  | { readonly kind: 'chat'; readonly chat: Chat }
  | {
      readonly kind: 'membership'
      readonly chatId: number
      readonly userId: number
      readonly membership: Membership
    }
  | { readonly kind: 'document'; readonly document: StoredDocument }
  | { readonly kind: 'message'; readonly message: Message }
  | {
      readonly kind: 'deleted'
      readonly box: string
      readonly messageIds: readonly number[]
      readonly atMs: number
    }
  | { readonly kind: 'file-path'; readonly filePath: FilePath }
  | { readonly kind: 'update'; readonly update: Update }
  | { readonly kind: 'updates-confirmed'; readonly botId: number; readonly below: number }
