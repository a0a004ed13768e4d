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

/** A message, as the forwarded copy of it told. */
export interface Sighting {
  messageId: number
  /** When it was sent; of a message that is itself a forward, when the original was. */
  sentAt: Date
  /** Empty where there is none. */
  caption: string
  /** Of another message; then `facts` are none. */
  isForward: boolean
  /** Somebody said it who is no bot, as a group tells: a copy, if it says what ours say. A channel does not tell. */
  isByPerson: boolean
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
  readonly #presences = new Map<number, Presence>()
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

  /**
   * Those of the messages read so far that say what ours say, and of which backup each is: forwards, indexes, tombstones,
   * parts and manifests. A copy that a look has left behind and one that a person has made look the same.
   */
  *marked(): Generator<MarkedMessage> {
    for (const [messageId, sighting] of this.#seen) {
      const facts = parseCaption(sighting?.caption)
      if (facts === undefined) continue
      const backupId = facts.kind === 'index' ? undefined : facts.backupId
      yield { messageId, backupId, what: sighting?.isForward ? 'forward' : facts.kind, facts }
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
   * Whether a message repeats another one: somebody who forwards a message of ours does not make another one of it. A channel
   * names the message that was first. Elsewhere this bot is named, and it may edit what it sent, but no forward of that.
   * Another bot's messages and their forwards look the same there.
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
  /** None of an index. */
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
   * Further than so many ids below all of ours only what this bot may edit is read: a message that it may not is most likely
   * one of people's.
   */
  maxGap?: number
  /** Hears of each message that was left unread. */
  onUnread?: (messageId: number) => void
  /** Asked where to go on, with the next id and how far that is below the lowest of ours; undefined: just there. */
  leadFrom?: (at: { below: number; gap: number }) => number | undefined
}

function isOwn(sighting: Sighting): sighting is OwnSighting {
  return sighting.facts !== undefined && sighting.document !== undefined
}
