import {
  type ChatAccess,
  checkChatAccess,
  followMovedChat,
  guardChat,
  type TelegramClient,
  type VaultLedger,
} from 'telegram-deployment-bot'

/**
 * R0: a chat is entered only when the bot can work in it and it belongs to this catalog. Each chat is asked
 * once.
 */
export class ChatGates {
  readonly #entered = new Map<string, Promise<ChatAccess>>()
  readonly #of: { client: TelegramClient; vault: VaultLedger; signal: AbortSignal }

  constructor(of: { client: TelegramClient; vault: VaultLedger; signal: AbortSignal }) {
    this.#of = of
  }

  /**
   * Throws what stands against the chat, the same at each call: `CONFIGURATION` for one that is not ours, and
   * the client's errors.
   */
  enter(chatId: string): Promise<ChatAccess> {
    const entering = this.#entered.get(chatId) ?? this.#check(chatId)
    this.#entered.set(chatId, entering)
    return entering
  }

  /** The ids of all chats that could be entered so far; numeric. */
  async entered(): Promise<string[]> {
    const settled = await Promise.allSettled(this.#entered.values())
    return settled.flatMap(gate => (gate.status === 'fulfilled' ? [gate.value.chatId] : []))
  }

  async #check(chatId: string): Promise<ChatAccess> {
    const { client, vault, signal } = this.#of
    const access = await checkChatAccess(client, await followMovedChat(client, vault, chatId, { signal }), {
      signal,
    })
    await guardChat(client, vault, access, { signal })
    return access
  }
}
