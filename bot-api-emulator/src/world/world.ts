import type { ShiftableClock } from '#clock.ts'
import type {
  Bot,
  Chat,
  FilePath,
  Membership,
  Message,
  StoredDocument,
  Update,
  WorldRecord,
} from '#world/records.ts'

/** Where the world keeps what happens; the journal in production. */
export interface RecordKeeper {
  append(record: WorldRecord): void
}

/**
 * Bots, chats, messages and documents, all in memory, made of records alone: replaying them gives the same
 * world. `commit` keeps a record and applies it in one synchronous step, so a method's checks and its deed
 * cannot be parted.
 */
export class World {
  readonly clock: ShiftableClock
  fileIdKey: Buffer = Buffer.alloc(0)
  readonly bots: Map<number, Bot> = new Map()
  readonly chats: Map<number, Chat> = new Map()
  readonly documents: Map<number, StoredDocument> = new Map()
  readonly #keeper: RecordKeeper
  readonly #memberships = new Map<string, Membership>()
  readonly #boxes = new Map<string, Map<number, Message>>()
  readonly #messageCounters = new Map<string, number>()
  readonly #filePaths = new Map<string, FilePath>()
  readonly #updates = new Map<number, Update[]>()
  readonly #updateCounters = new Map<number, number>()
  readonly #updateListeners = new Set<() => void>()

  constructor(options: { clock: ShiftableClock; keeper: RecordKeeper }) {
    this.clock = options.clock
    this.#keeper = options.keeper
  }

  commit(record: WorldRecord): void {
    this.#keeper.append(record)
    this.apply(record)
  }

  /** Applies a record that is already kept: the journal's, when a data folder is opened again. */
  apply(record: WorldRecord): void {
    switch (record.kind) {
      case 'opened':
        this.fileIdKey = Buffer.from(record.fileIdKey, 'hex')
        break
      case 'clock':
        this.clock.offsetMs = record.offsetMs
        break
      case 'bot':
        this.bots.set(record.bot.id, record.bot)
        break
      case 'chat':
        this.chats.set(record.chat.id, record.chat)
        break
      case 'membership':
        this.#memberships.set(`${record.chatId}:${record.userId}`, record.membership)
        break
      case 'document':
        this.documents.set(record.document.number, record.document)
        break
      case 'message':
        this.#applyMessage(record.message)
        break
      case 'deleted':
        for (const id of record.messageIds) this.#applyDeletion(record.box, id, record.atMs)
        break
      case 'file-path':
        this.#filePaths.set(`${record.filePath.botId}:${record.filePath.path}`, record.filePath)
        break
      case 'update':
        this.#applyUpdate(record.update)
        break
      case 'updates-confirmed':
        this.#updates.set(
          record.botId,
          this.updates(record.botId).filter(update => update.id >= record.below),
        )
        break
    }
  }

  botByToken(token: string): Bot | undefined {
    const bot = this.bots.get(Number(token.split(':', 1)[0]))
    return bot?.token === token ? bot : undefined
  }

  membership(chatId: number, userId: number): Membership | undefined {
    return this.#memberships.get(`${chatId}:${userId}`)
  }

  /** The bots that can see the chat now. */
  botsIn(chatId: number): Bot[] {
    return [...this.bots.values()].filter(bot => {
      const status = this.membership(chatId, bot.id)?.status
      return status === 'administrator' || status === 'member'
    })
  }

  /** A message by its counter and id, alive or deleted. */
  anyMessage(box: string, id: number): Message | undefined {
    return this.#boxes.get(box)?.get(id)
  }

  /** A message of the chat that has not been deleted. */
  message(box: string, chatId: number, id: number): Message | undefined {
    const message = this.anyMessage(box, id)
    return message?.chatId === chatId && message.deletedAtMs === undefined ? message : undefined
  }

  /** Every message that the chat ever had, by counter and id. */
  messagesOf(chatId: number): Message[] {
    const found: Message[] = []
    for (const box of this.#boxes.values()) {
      for (const message of box.values()) if (message.chatId === chatId) found.push(message)
    }
    return found
  }

  /** The id that the next message of this counter gets. */
  nextMessageId(box: string): number {
    return (this.#messageCounters.get(box) ?? 0) + 1
  }

  filePath(botId: number, path: string): FilePath | undefined {
    return this.#filePaths.get(`${botId}:${path}`)
  }

  filePathsOf(botId: number): FilePath[] {
    return [...this.#filePaths.values()].filter(filePath => filePath.botId === botId)
  }

  /** Unconfirmed updates of a bot, oldest first, those that are too old included. */
  updates(botId: number): readonly Update[] {
    return this.#updates.get(botId) ?? []
  }

  nextUpdateId(botId: number): number {
    return (this.#updateCounters.get(botId) ?? 0) + 1
  }

  /** Calls the listener after each new update; the answer stops that. */
  onUpdate(listener: () => void): () => void {
    this.#updateListeners.add(listener)
    return () => this.#updateListeners.delete(listener)
  }

  #applyMessage(message: Message): void {
    const box = this.#boxes.get(message.box) ?? new Map<number, Message>()
    this.#boxes.set(message.box, box)
    box.set(message.id, message)
    this.#messageCounters.set(message.box, Math.max(message.id, this.#messageCounters.get(message.box) ?? 0))
  }

  #applyDeletion(box: string, id: number, deletedAtMs: number): void {
    const message = this.anyMessage(box, id)
    if (message !== undefined) this.#applyMessage({ ...message, pinned: false, deletedAtMs })
  }

  #applyUpdate(update: Update): void {
    const waiting = this.#updates.get(update.botId) ?? []
    this.#updates.set(update.botId, waiting)
    waiting.push(update)
    this.#updateCounters.set(update.botId, update.id)
    for (const listener of this.#updateListeners) listener()
  }
}

/**
 * Channels and supergroups count their own messages; elsewhere each account counts (inferred from td
 * MessageQueryManager).
 */
export function isNumberedByChat(chat: Chat): boolean {
  return chat.type === 'channel' || chat.type === 'supergroup'
}

/** The counter that numbers a chat's messages as this account sees them. */
export function boxOf(chat: Chat, accountId: number): string {
  return isNumberedByChat(chat) ? `chat:${chat.id}` : `bot:${accountId}`
}
