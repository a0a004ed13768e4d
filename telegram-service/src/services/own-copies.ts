import type { TelegramClient } from '#bot-api/telegram-client.ts'

/** More than an hour of looks, even after many dead runs; a forgotten one is asked about again. */
const REMEMBERED = 2000

/** By client: in a private chat, message ids are the bot's own. */
const copies = new WeakMap<TelegramClient, Map<string, Set<number>>>()

/**
 * Remembers a copy that this process made and removed. Searches skip its id: otherwise, after ten dead runs,
 * each search would ask about the copies of all.
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

export function isRemovedCopy(client: TelegramClient, chatId: string, messageId: number): boolean {
  return copies.get(client)?.get(chatId)?.has(messageId) ?? false
}
