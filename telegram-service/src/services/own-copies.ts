import type { TelegramClient } from '#bot-api/telegram-client.ts'

/** Looks of a good hour, also where many runs have died; what was forgotten is asked about again. */
const REMEMBERED = 2000

/** By the client: message ids of a private chat are those of its bot alone. */
const copies = new WeakMap<TelegramClient, Map<string, Set<number>>>()

/**
 * Remembers the id of a copy that this process has made and removed. No other message has it, so that a search for those of
 * one run need not ask about what the searches for the others have left: of ten runs that died, each would ask about the copies of all.
 */
export function noteRemovedCopy(client: TelegramClient, chatId: string, messageId: number): void {
  const chats = copies.get(client) ?? new Map<string, Set<number>>()
  copies.set(client, chats)
  const ids = chats.get(chatId) ?? new Set<number>()
  chats.set(chatId, ids)
  ids.add(messageId)
  const [oldest] = ids
  if (ids.size > REMEMBERED && oldest !== undefined) ids.delete(oldest)
}

/** Whether the id is that of such a copy. */
export function isRemovedCopy(client: TelegramClient, chatId: string, messageId: number): boolean {
  return copies.get(client)?.get(chatId)?.has(messageId) ?? false
}
