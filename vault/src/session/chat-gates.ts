import {
  type ChatAccess,
  checkChatAccess,
  followMovedChat,
  guardChat,
  type TelegramClient,
  type VaultLedger,
} from 'telegram-deployment-bot'

/** R0: checks each chat once before its first use: the bot can work in it, and it belongs to this catalog. */
export class ChatGates {
  readonly #entered = new Map<string, Promise<ChatAccess>>()
  readonly #of: { client: TelegramClient; vault: VaultLedger; signal: AbortSignal }

  constructor(of: { client: TelegramClient; vault: VaultLedger; signal: AbortSignal }) {
    this.#of = of
  }

  /** Throws `CONFIGURATION` for a chat that is not ours, and the client's errors; the same at each call. */
  enter(chatId: string): Promise<ChatAccess> {
    const entering = this.#entered.get(chatId) ?? this.#check(chatId)
    this.#entered.set(chatId, entering)
    return entering
  }

  /** The numeric ids of all chats that passed so far. */
  async entered(): Promise<string[]> {
    const gates = await Promise.allSettled(this.#entered.values())
    return gates.flatMap(gate => (gate.status === 'fulfilled' ? [gate.value.chatId] : []))
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
