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

/** A message as its forwarded copy shows it. */
export interface Sighting {
  messageId: number
  /** When it was sent; for a forward, when its original was sent. */
  sentAt: Date
  /** Empty where there is none. */
  caption: string
  /** It is a forward of another message; then `facts` is undefined. */
  isForward: boolean
  /** A person sent it (known only in groups): then a message like ours is a copy. */
  isByPerson: boolean
  /** The facts in its last line, if that has our form. A person may have written it. */
  facts: ParsedCaption | undefined
  document: SeenDocument | undefined
}

/** A message with a document and a caption in our form. */
export type OwnSighting = Sighting & { facts: ParsedCaption; document: SeenDocument }

interface ChatReaderOptions {
  client: TelegramClient
  vault: VaultLedger
  chatId: string
  /** The new id of the chat; its messages keep the old one, and copies are made under the new one. */
  movedTo?: string | undefined
  signal: AbortSignal
}

/** Reads single messages of a chat, which a bot can only do by forwarding them, and remembers them. */
export class ChatReader {
  readonly chatId: string
  readonly #of: ChatReaderOptions
  readonly #seen = new Map<number, Sighting | undefined>()
  readonly #presences = new Map<number, Presence>()
  #onLook: () => void = () => {}

  constructor(of: ChatReaderOptions) {
    this.chatId = of.chatId
    this.#of = of
  }

  /** The number of forwarded messages. */
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
   * The messages read so far with a caption in our form: forwards, indexes, tombstones, evidence, parts and
   * manifests.
   * A copy that a look left behind and a copy that a person made look the same.
   */
  *marked(): Generator<MarkedMessage> {
    for (const [messageId, sighting] of this.#seen) {
      const facts = parseCaption(sighting?.caption)
      if (facts === undefined) continue
      const backupId = 'backupId' in facts ? facts.backupId : undefined
      yield { messageId, backupId, what: sighting?.isForward ? 'forward' : facts.kind, facts }
    }
  }

  /** Called for each message id that is asked about. */
  set onLook(listener: () => void) {
    this.#onLook = listener
  }

  /** The newest message id of the chat. Only a new message shows it: a copy of this one, or a short text. */
  async newestId(messageId: number | undefined): Promise<number> {
    const { client, vault, chatId, signal } = this.#of
    if (messageId !== undefined) {
      const copy = await lookAtMessage(client, vault, { chatId, messageId, signal })
      if (copy !== undefined) return copy.messageId
    }
    return await newestMessageId(client, vault, { chatId, signal })
  }

  /** Whether a message has that id; the check leaves no trace. A chat that has moved always answers yes. */
  async exists(messageId: number): Promise<boolean> {
    return (await this.#presence(messageId)) !== 'gone'
  }

  async #presenceOnce(messageId: number): Promise<Presence> {
    return this.#presences.get(messageId) ?? (await this.#presence(messageId))
  }

  async #presence(messageId: number): Promise<Presence> {
    this.#onLook()
    const { client, chatId, movedTo, signal } = this.#of
    if (movedTo !== undefined) return 'there'
    const presence = await client.messageExists(chatId, messageId, { signal })
    this.#presences.set(messageId, presence)
    return presence
  }

  /** The message; undefined when there is none that can be forwarded. */
  async look(messageId: number): Promise<Sighting | undefined> {
    if (this.#seen.has(messageId)) return this.#seen.get(messageId)
    const { client, vault, chatId, movedTo, signal } = this.#of
    const where = movedTo === undefined ? { chatId } : { chatId: movedTo, fromChatId: chatId }
    const copy = await lookAtMessage(client, vault, { ...where, messageId, signal })
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
   * Whether a message is a forward: a forward of our message is not ours. A channel names the original
   * message. Elsewhere the author is named, and the bot can edit its own messages but not forwards of them.
   * Messages of another bot and their forwards look the same there.
   */
  async #isForward(messageId: number, { forwarded }: SeenMessage): Promise<boolean> {
    if (forwarded?.messageId !== undefined) {
      return forwarded.messageId !== messageId || String(forwarded.chatId) !== this.chatId
    }
    const { client, movedTo } = this.#of
    if (forwarded?.author !== client.botId || movedTo !== undefined) return false
    return (await this.#presenceOnce(messageId)) === 'there'
  }

  /** Our messages with ids from `from` down to `to`, without those in `known`. */
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

/** `ours`: this bot may edit it. */
type Presence = 'ours' | 'there' | 'gone'

/** A message with a caption in our form. */
export interface MarkedMessage {
  messageId: number
  /** Undefined for an index and for evidence. */
  backupId: string | undefined
  what: 'forward' | ParsedCaption['kind']
  /** The facts in its caption; those of a copy are the original's. */
  facts: ParsedCaption
}

/** The messages to read, from the newest down. */
interface DownRange {
  from: number
  to: number
  known: ReadonlySet<number>
  /** More than so many ids below all of ours, only messages that this bot may edit are read. */
  maxGap?: number
  /** Called for each message that is not read for that reason. */
  onUnread?: (messageId: number) => void
  /** May name a lower id to continue at, given the next id and its distance to the lowest of ours. */
  leadFrom?: (at: { below: number; gap: number }) => number | undefined
}

function isOwn(sighting: Sighting): sighting is OwnSighting {
  return sighting.facts !== undefined && sighting.document !== undefined
}
