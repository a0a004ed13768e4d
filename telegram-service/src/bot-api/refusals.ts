import { TelegramError } from '#telegram-error.ts'

/** What the server says of one message, told apart by its words: the Bot API has no codes for them. */

/** There is no such message in the chat, or not any more. */
export function isMessageGone(error: unknown): boolean {
  return says(error, /message to (?:delete|edit|forward|copy|pin|unpin) not found/i)
}

/** The message is too old to be deleted, or the right to is missing; the server says the same of both. */
export function isNotDeletable(error: unknown): boolean {
  return says(error, /message can't be deleted/i)
}

/** The message is somebody else’s, or a forwarded one. */
export function isNotEditable(error: unknown): boolean {
  return says(error, /message (?:media )?can't be edited/i)
}

/** The message is already what the edit would have made of it. */
export function isNotModified(error: unknown): boolean {
  return says(error, /message is not modified/i)
}

/** There is no file of that id; said of an edit whose message is there, and may be edited. */
export function isNoSuchFile(error: unknown): boolean {
  return says(error, /wrong (?:remote )?file.?id/i)
}

/** A message that nobody can forward: of the chat itself, such as "pinned a message". Nothing that was sent is. */
export function isNotForwardable(error: unknown): boolean {
  return says(error, /the message can't be forwarded/i)
}

/** There is no such chat, or none that the bot is in; the server does not tell which. */
export function isChatHidden(error: unknown): boolean {
  return says(error, /chat not found|group chat was deleted|was kicked|not a member/i)
}

/** The bot may not pin in this chat. */
export function lacksRightToPin(error: unknown): boolean {
  return says(error, /not enough rights to (?:manage pinned messages|pin a message)/i)
}

function says(error: unknown, words: RegExp): boolean {
  return error instanceof TelegramError && words.test(error.description ?? '')
}
