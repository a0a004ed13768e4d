import type { Encryption, SigningKey } from '@telegram-backup/archive'
import {
  assertOwnChat,
  type CallWait,
  LostAnswers,
  type PreparedChat,
  prepareChat,
  refreshIndex,
  type TelegramClient,
  type VaultLedger,
} from 'telegram-deployment-bot'
import { SharedLook } from '#objects/messages/shared-look.ts'

export interface PackChatsOptions {
  client: TelegramClient
  vault: VaultLedger
  encryption: Encryption
  signingKey: SigningKey
  /** Ends all work. */
  signal: AbortSignal
  onWait?: ((wait: CallWait) => void) | undefined
}

/** A chat that packs go to. */
export interface PackChat extends PreparedChat {
  /** Looks that packs of this chat share whose answers were lost at the same time. */
  readonly lostAnswers: LostAnswers
  /** P5: throws `CONFIGURATION` when the chat belongs to another catalog now, and the client's errors. */
  assertOwn(): Promise<void>
  /** R8: brings its index up to date with the catalog. Throws as `assertOwn` does. */
  drawIndex(): Promise<void>
}

/** The chats that packs go to, each prepared once: S1 to S3, as for a backup. */
export class PackChats {
  readonly #options: PackChatsOptions
  readonly #prepared = new Map<string, Promise<PackChat>>()

  constructor(options: PackChatsOptions) {
    this.#options = options
  }

  /**
   * Checks the chat and makes its index, if this is the first use, or the last one failed. Throws
   * `CONFIGURATION` for a chat that is not ours, and the client's errors.
   * @param chat numeric or `@name`
   */
  async enter(chat: string): Promise<PackChat> {
    const preparing = this.#prepared.get(chat) ?? this.#prepare(chat)
    this.#prepared.set(chat, preparing)
    try {
      return await preparing
    } catch (error) {
      this.leave(chat)
      throw error
    }
  }

  /**
   * Looks at the chat, also if it was entered before. Throws `CONFIGURATION` when it belongs to another
   * catalog now, and the client's errors.
   */
  async enterAgain(chat: string): Promise<PackChat> {
    const entered = await this.enter(chat)
    try {
      await entered.assertOwn()
    } catch (error) {
      this.leave(chat)
      throw error
    }
    return entered
  }

  /** The next use prepares it anew: it may have moved, or belong to another catalog. */
  leave(chat: string): void {
    this.#prepared.delete(chat)
  }

  async #prepare(chat: string): Promise<PackChat> {
    const { client, vault, onWait = () => {}, ...of } = this.#options
    const prepared = await prepareChat(client, { chat, vault, onWait, ...of })
    const { chatId } = prepared
    // A look never looks for the calls of others: they may be under way.
    const lostAnswers = new LostAnswers({ client, vault, chatId, backupId: null, onWait })
    const ownership = new SharedLook(() => assertOwnChat(client, vault, { chatId, onWait, ...of }))
    const drawIndex = async (): Promise<void> => {
      await refreshIndex(client, vault, { chatId, onWait, ...of })
    }
    return { ...prepared, lostAnswers, assertOwn: () => ownership.afterNow(), drawIndex }
  }
}
