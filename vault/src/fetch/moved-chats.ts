import { followMovedChat, type TelegramClient, type VaultLedger } from 'telegram-deployment-bot'

/** Under which ids chats go on, each asked once. */
export class MovedChats {
  readonly #client: TelegramClient
  readonly #signal: AbortSignal
  readonly #targets = new Map<string, Promise<string>>()

  constructor(client: TelegramClient, signal: AbortSignal) {
    this.#client = client
    this.#signal = signal
  }

  /** The new id of a group that has become a supergroup; undefined for a chat that has not moved. */
  async targetOf(chatId: string, vault: VaultLedger): Promise<string | undefined> {
    const known = this.#targets.get(chatId)
    const asked = known ?? followMovedChat(this.#client, vault, chatId, { signal: this.#signal })
    this.#targets.set(chatId, asked)
    const target = await asked
    return target === chatId ? undefined : target
  }
}
