import {
  lookAtMessage,
  newestMessageId,
  type ParsedCaption,
  parseCaption,
  type SeenDocument,
  type SeenMessage,
  type TelegramClient,
  type VaultLedger,
} from 'telegram-deployment-bot'

/** A message, as its forwarded copy showed it. */
export interface Sighting {
  messageId: number
  /** When it was sent; for a forward, when its original was sent. */
  sentAt: Date
  /** Empty where there is none. */
  caption: string
  /** It forwards another message; then `facts` is undefined. */
  isForward: boolean
  /** A person sent it, as only a group shows: then a message like ours is a copy. */
  isByPerson: boolean
  /** What its last line says, when it has the form of ours. A person may have written it. */
  facts: ParsedCaption | undefined
  document: SeenDocument | undefined
}

/** A message with a document and a line of ours under it. */
export type OwnSighting = Sighting & { facts: ParsedCaption; document: SeenDocument }

/**
 * Reads single messages of a chat, which a bot can only do by forwarding them, and remembers what it has
 * seen.
 */
export class ChatReader {
  readonly chatId: string
  readonly #movedTo: string | undefined
  readonly #client: TelegramClient
  readonly #vault: VaultLedger
  readonly #signal: AbortSignal
  readonly #seen = new Map<number, Sighting | undefined>()
  readonly #presences = new Map<number, Presence>()
  #onLook: () => void = () => {}

  /**
   * @param of.movedTo the id under which the chat goes on; its messages stay where they are, and copies are
   * made there
   */
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

  /** Ids of the messages read so far that name this catalog. */
  *messagesOf(catalogId: string | undefined): Generator<number> {
    for (const [messageId, sighting] of this.#seen) {
      const named = sighting?.facts?.catalog?.id
      if (named !== undefined && named === catalogId) yield messageId
    }
  }

  /**
   * The messages read so far that say what ours say: forwards, indexes, tombstones, parts and manifests. A
   * copy that a look has left behind and a copy that a person made look the same.
   */
  *marked(): Generator<MarkedMessage> {
    for (const [messageId, sighting] of this.#seen) {
      const facts = parseCaption(sighting?.caption)
      if (facts === undefined) continue
      const backupId = facts.kind === 'index' ? undefined : facts.backupId
      yield { messageId, backupId, what: sighting?.isForward ? 'forward' : facts.kind, facts }
    }
  }

  /** Called for each message id that is asked about. */
  set onLook(listener: () => void) {
    this.#onLook = listener
  }

  /**
   * The newest message id of the chat now. Only a new message shows it: a copy of an existing message, or a
   * short text.
   */
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
   * Whether a message has that id; asking leaves no trace. In a chat that has moved it cannot be asked: what
   * was there counts as there until it is fetched.
   */
  async exists(messageId: number): Promise<boolean> {
    return (await this.#presence(messageId)) !== 'gone'
  }

  async #presenceOnce(messageId: number): Promise<Presence> {
    return this.#presences.get(messageId) ?? (await this.#presence(messageId))
  }

  async #presence(messageId: number): Promise<Presence> {
    this.#onLook()
    if (this.#movedTo !== undefined) return 'there'
    const presence = await this.#client.messageExists(this.chatId, messageId, { signal: this.#signal })
    this.#presences.set(messageId, presence)
    return presence
  }

  /** The message; undefined when there is none, or none that can be forwarded. */
  async look(messageId: number): Promise<Sighting | undefined> {
    if (this.#seen.has(messageId)) return this.#seen.get(messageId)
    const { chatId } = this
    const signal = this.#signal
    const where = this.#movedTo === undefined ? { chatId } : { chatId: this.#movedTo, fromChatId: chatId }
    const copy = await lookAtMessage(this.#client, this.#vault, { ...where, messageId, signal })
    const isForward = copy !== undefined && (await this.#isForward(messageId, copy))
    const origin = copy?.forwarded
    const sighting = copy && {
      messageId,
      sentAt: origin?.date ?? copy.date,
      caption: copy.caption ?? '',
      isForward,
      isByPerson: origin !== undefined && origin.messageId === undefined && origin.isByBot !== true,
      facts: isForward ? undefined : parseCaption(copy.caption),
      document: copy.document,
    }
    this.#seen.set(messageId, sighting)
    return sighting
  }

  /**
   * Whether a message forwards another one: a forward of our message is not ours. A channel names the
   * original message. Elsewhere this bot is named as the author, and it may edit what it sent, but no forward
   * of it. Messages of another bot and their forwards look the same there.
   */
  async #isForward(messageId: number, { forwarded }: SeenMessage): Promise<boolean> {
    if (forwarded?.messageId !== undefined) {
      return forwarded.messageId !== messageId || String(forwarded.chatId) !== this.chatId
    }
    if (forwarded?.author !== this.#client.botId || this.#movedTo !== undefined) return false
    return (await this.#presenceOnce(messageId)) === 'there'
  }

  /** Our messages with ids from `from` down to `to`, those of `known` left out. */
  async *down(range: DownRange): AsyncGenerator<OwnSighting> {
    const { maxGap = Number.POSITIVE_INFINITY, onUnread, leadFrom } = range
    let lowestOfOurs = range.from + 1
    for (let id = range.from; id >= Math.max(1, range.to); id--) {
      const lead = leadFrom?.({ below: id, gap: lowestOfOurs - id })
      if (lead !== undefined) {
        id = lead
        lowestOfOurs = lead + 1
      }
      if (range.known.has(id)) {
        lowestOfOurs = id
        continue
      }
      const presence = this.#seen.has(id) ? 'ours' : await this.#presenceOnce(id)
      if (presence === 'gone') continue
      if (presence === 'there' && lowestOfOurs - id > maxGap) {
        onUnread?.(id)
        continue
      }
      const sighting = await this.look(id)
      if (sighting === undefined || !isOwn(sighting)) continue
      lowestOfOurs = id
      yield sighting
    }
  }
}

/** `ours` is what this bot may edit. */
type Presence = 'ours' | 'there' | 'gone'

/** A message that says what ours say. */
export interface MarkedMessage {
  messageId: number
  /** Undefined for an index. */
  backupId: string | undefined
  what: 'forward' | ParsedCaption['kind']
  /** What it says, as a copy the same as what it repeats. */
  facts: ParsedCaption
}

/** Which messages to go through, from the newest down. */
interface DownRange {
  from: number
  to: number
  known: ReadonlySet<number>
  /**
   * More than so many ids below all of ours, only messages that this bot may edit are read: people most
   * likely wrote the others.
   */
  maxGap?: number
  /** Called for each message that was left unread. */
  onUnread?: (messageId: number) => void
  /**
   * Asked where to go on, with the next id and how far that is below the lowest of ours; undefined: just
   * there.
   */
  leadFrom?: (at: { below: number; gap: number }) => number | undefined
}

function isOwn(sighting: Sighting): sighting is OwnSighting {
  return sighting.facts !== undefined && sighting.document !== undefined
}
