import { TelegramError } from '#telegram-error.ts'

/** Refusals told apart by their words: the Bot API has no codes for them. */

export function isMessageGone(error: unknown): boolean {
  return says(error, /message to (?:delete|edit|forward|copy|pin|unpin) not found/i)
}

/** The message is too old, or the right is missing; the server says the same for both. */
export function isNotDeletable(error: unknown): boolean {
  return says(error, /message can't be deleted/i)
}

/** The message is somebody else's, or a forwarded one. */
export function isNotEditable(error: unknown): boolean {
  return says(error, /message (?:media )?can't be edited/i)
}

/** The message is already as the edit would make it. */
export function isNotModified(error: unknown): boolean {
  return says(error, /message is not modified/i)
}

/** No such file; the message of the edit exists and may be edited. */
export function isNoSuchFile(error: unknown): boolean {
  return says(error, /wrong (?:remote )?file.?id/i)
}

/** A service message of the chat, such as "pinned a message"; sent messages can be forwarded. */
export function isNotForwardable(error: unknown): boolean {
  return says(error, /the message can't be forwarded/i)
}

/** No such chat, or the bot is not in it; the server does not say which. */
export function isChatHidden(error: unknown): boolean {
  return says(error, /chat not found|group chat was deleted|was kicked|not a member/i)
}

export function lacksRightToPin(error: unknown): boolean {
  return says(error, /not enough rights to (?:manage pinned messages|pin a message)/i)
}

/** A webhook is set for the bot, so that the server tells updates to nobody else. */
export function isWebhookSet(error: unknown): boolean {
  return says(error, /can't use getUpdates method while webhook is active/i)
}

/** Another program asks for the updates of the same bot. */
export function isPolledElsewhere(error: unknown): boolean {
  return says(error, /terminated by (?:other getUpdates request|setWebhook)/i)
}

function says(error: unknown, words: RegExp): boolean {
  return error instanceof TelegramError && words.test(error.description ?? '')
}
