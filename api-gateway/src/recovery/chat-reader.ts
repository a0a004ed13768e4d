import {
  lookAtMessage,
  newestMessageId,
  type ParsedCaption,
  parseCaption,
  type SeenDocument,
  type TelegramClient,
  type VaultLedger,
} from 'telegram-deployment-bot'

/** A message, as the forwarded copy of it told. */
export interface Sighting {
  messageId: number
  /** When it was sent; of a message that is itself a forward, when the original was. */
  sentAt: Date
  /** Empty where there is none. */
  caption: string
  /** What its last line says, when that is one of ours. Somebody may have written it as well. */
  facts: ParsedCaption | undefined
  document: SeenDocument | undefined
}

/** A message with a document and a line of ours under it. */
export type OwnSighting = Sighting & { facts: ParsedCaption; document: SeenDocument }

/** Reads single messages of a chat, which a bot can only do by forwarding them, and remembers what it has seen. */
export class ChatReader {
  readonly chatId: string
  readonly #movedTo: string | undefined
  readonly #client: TelegramClient
  readonly #vault: VaultLedger
  readonly #signal: AbortSignal
  readonly #seen = new Map<number, Sighting | undefined>()
  #onLook: () => void = () => {}

  /** @param of.movedTo the id under which the chat goes on; its messages stay where they are, and copies are made there */
  constructor(of: {
    client: TelegramClient
    vault: VaultLedger
    chatId: string
    movedTo?: string
    signal: AbortSignal
  }) {
    this.chatId = of.chatId
    this.#movedTo = of.movedTo
    this.#client = of.client
    this.#vault = of.vault
    this.#signal = of.signal
  }

  /** How many messages were forwarded. */
  get lookedAt(): number {
    return this.#seen.size
  }

  /** Those of the messages read so far that name a catalog, by its id. */
  *messagesOf(catalogId: string | undefined): Generator<number> {
    for (const [messageId, sighting] of this.#seen) {
      const named = sighting?.facts?.catalog?.id
      if (named !== undefined && named === catalogId) yield messageId
    }
  }

  /** Hears of each message id that is asked about. */
  set onLook(listener: () => void) {
    this.#onLook = listener
  }

  /** The newest message id of the chat now. Only a new message tells it: a copy of one that is there, or a short text. */
  async newestId(existingMessageId: number | undefined): Promise<number> {
    const signal = this.#signal
    const copy =
      existingMessageId === undefined
        ? undefined
        : await lookAtMessage(this.#client, this.#vault, {
            chatId: this.chatId,
            messageId: existingMessageId,
            signal,
          })
    return (
      copy?.messageId ?? (await newestMessageId(this.#client, this.#vault, { chatId: this.chatId, signal }))
    )
  }

  /**
   * Whether a message has that id; asking leaves no trace. In a chat that has moved it cannot be asked: what was there
   * counts as there until it is fetched.
   */
  async exists(messageId: number): Promise<boolean> {
    return (await this.#presence(messageId)) !== 'gone'
  }

  /** `ours` is what this bot may edit. */
  async #presence(messageId: number): Promise<'ours' | 'there' | 'gone'> {
    this.#onLook()
    if (this.#movedTo !== undefined) return 'there'
    return await this.#client.messageExists(this.chatId, messageId, { signal: this.#signal })
  }

  /** The message; undefined when there is none, or none that can be forwarded. */
  async look(messageId: number): Promise<Sighting | undefined> {
    if (this.#seen.has(messageId)) return this.#seen.get(messageId)
    const { chatId } = this
    const signal = this.#signal
    const where = this.#movedTo === undefined ? { chatId } : { chatId: this.#movedTo, fromChatId: chatId }
    const copy = await lookAtMessage(this.#client, this.#vault, { ...where, messageId, signal })
    const origin = copy?.forwarded
    // Somebody who forwards a message of ours does not make another one of it.
    const isForward =
      origin?.messageId !== undefined &&
      (origin.messageId !== messageId || String(origin.chatId) !== this.chatId)
    const sighting = copy && {
      messageId,
      sentAt: origin?.date ?? copy.date,
      caption: copy.caption ?? '',
      facts: isForward ? undefined : parseCaption(copy.caption),
      document: copy.document,
    }
    this.#seen.set(messageId, sighting)
    return sighting
  }

  /** Our messages with ids from `from` down to `to`, those of `known` left out. */
  async *down(range: DownRange): AsyncGenerator<OwnSighting> {
    const { readAllTo = 1, onUnread } = range
    for (let id = range.from; id >= Math.max(1, range.to); id--) {
      if (range.known.has(id)) continue
      const presence = this.#seen.has(id) ? 'ours' : await this.#presence(id)
      if (presence === 'gone') continue
      if (presence === 'there' && id < readAllTo) {
        onUnread?.(id)
        continue
      }
      const sighting = await this.look(id)
      if (sighting !== undefined && isOwn(sighting)) yield sighting
    }
  }
}

/** Which messages to go through, from the newest down. */
interface DownRange {
  from: number
  to: number
  known: ReadonlySet<number>
  /** Below this id only what this bot may edit is read: a message that it may not is most likely one of people's. */
  readAllTo?: number
  /** Hears of each message that was left unread. */
  onUnread?: (messageId: number) => void
}

function isOwn(sighting: Sighting): sighting is OwnSighting {
  return sighting.facts !== undefined && sighting.document !== undefined
}
