import { type FetchedFile, fetchDocument, fetchPartDocuments } from 'telegram-deployment-bot'
import { assertMayGoOn, endsEverything, type HeldBackup, type VaultSession } from '#session/session.ts'
import { nameOf, type PlacedMessage } from '#session/whole-messages.ts'
import { findingOf, learnDocument } from '#verify/look-at-message.ts'
import { canBeHad, canIndexBeHad, impatient, mayBeAboutTheDocument, whyOf } from '#verify/outages.ts'
import type { Finding } from '#verify/verification-report.ts'

/**
 * A message whose document is to be read. The file id belongs to this bot, as a look at the message showed.
 */
export interface ReadableMessage {
  message: PlacedMessage
  fileId: string
  fileUniqueId: string
}

/**
 * A document as it came: right to the last byte, or what is wrong. `bytes` are valid until the next document
 * is asked for.
 */
export interface ReadMessage {
  message: PlacedMessage
  bytes: Uint8Array
  sha256: string
  finding: Finding | undefined
}

/** So many witnesses are asked for, besides a document that came before; an outage meets all of them. */
const MOST_WITNESSES = 3

/**
 * Reads documents to the last byte, some ahead, and compares each with its size and SHA-256. A wrong document
 * is read three times. A document that does not come is given up within half a minute. It is a finding when
 * another document of the chat comes; else there is an outage, which is no damage, and the client's error is
 * thrown.
 */
export class DocumentReader {
  readonly #session: VaultSession
  readonly #held: HeldBackup
  /** A document of each chat that came, to tell an outage from damage. */
  readonly #readable = new Map<string, ReadableMessage>()
  /** Messages that were seen to hold a document, by chat; the document was not asked for yet. */
  readonly #seen = new Map<string, ReadableMessage[]>()

  constructor(session: VaultSession, held: HeldBackup) {
    this.#session = session
    this.#held = held
  }

  /** Adds a message that holds a document, as a look showed: one more witness. */
  noteSeen(of: ReadableMessage): void {
    const { chat_id } = of.message
    const seen = this.#seen.get(chat_id)
    if (seen === undefined) this.#seen.set(chat_id, [of])
    else seen.push(of)
  }

  /** One document; its bytes stay valid. */
  async readOne(of: ReadableMessage): Promise<ReadMessage> {
    const { client, signal } = this.#session
    assertMayGoOn(this.#session, this.#held.lease)
    const { message, fileId } = of
    const { size, sha256 } = message
    const { onWait } = impatient(this.#session)
    try {
      const options = { name: nameOf(message), signal, onWait }
      return await this.#judge(of, await fetchDocument(client, { fileId, size, sha256 }, options))
    } catch (error) {
      return await this.#unreadable(message, error)
    }
  }

  /** The parts of one chat, in their order. */
  async *readParts(parts: readonly ReadableMessage[]): AsyncGenerator<ReadMessage, void> {
    const { client, signal } = this.#session
    let next = 0
    while (next < parts.length) {
      const patience = impatient(this.#session)
      const wanted = parts.slice(next).map(toFetch)
      const received = fetchPartDocuments(client, wanted, { signal, onWait: patience.onWait })
      try {
        for (;;) {
          assertMayGoOn(this.#session, this.#held.lease)
          let came: Awaited<ReturnType<typeof received.next>>
          try {
            came = await received.next()
          } catch (error) {
            const read = await this.#unreadable((parts[next] as ReadableMessage).message, error)
            next++
            yield read
            break
          }
          if (came.done) return
          patience.reset()
          next++
          yield await this.#judge(came.value.part.of, came.value.fetched)
        }
      } finally {
        await received.return(undefined)
      }
    }
  }

  async #judge(of: ReadableMessage, fetched: FetchedFile): Promise<ReadMessage> {
    const { message } = of
    if (fetched.state === 'refused') return await this.#unreadable(message, fetched.failure)
    if (fetched.state === 'another file')
      return notRead(message, findingOf(message, 'damaged', 'is longer than what was sent'))
    const { bytes, sha256 } = fetched
    this.#readable.set(message.chat_id, of)
    if (fetched.state === 'right') {
      await learnDocument(this.#session, this.#held, message, of)
      return { message, bytes, sha256, finding: undefined }
    }
    const words =
      bytes.length === message.size
        ? 'has other bytes than those that were sent'
        : `has ${bytes.length} bytes; ${message.size} were sent`
    return { message, bytes, sha256, finding: findingOf(message, 'damaged', words) }
  }

  /** Throws an `error` that says nothing about this message: an outage, the catalog, a cancel. */
  async #unreadable(message: PlacedMessage, error: unknown): Promise<ReadMessage> {
    if (endsEverything(this.#session, error) || !mayBeAboutTheDocument(error)) throw error
    await this.#assertNoOutage(message, error)
    return notRead(message, findingOf(message, 'unreadable', `cannot be read: ${whyOf(error)}`))
  }

  /** Throws `error` unless another document of the same chat comes now. */
  async #assertNoOutage(message: PlacedMessage, error: unknown): Promise<void> {
    for (const witness of this.#witnessesFor(message)) {
      const { fileId, message: of } = witness
      if (!(await canBeHad(this.#session, { fileId, size: of.size }))) continue
      this.#readable.set(message.chat_id, witness)
      return
    }
    if (!(await canIndexBeHad(this.#session, message.chat_id))) throw error
  }

  /** The document that came before, then small ones; damaged ones last. */
  #witnessesFor(message: PlacedMessage): ReadableMessage[] {
    const isOther = (of: ReadableMessage): boolean => of.message !== message
    const known = this.#readable.get(message.chat_id)
    const seen = (this.#seen.get(message.chat_id) ?? [])
      .filter(of => of !== known && isOther(of))
      .sort((a, b) => Number(isKnownBad(a)) - Number(isKnownBad(b)) || a.message.size - b.message.size)
      .slice(0, MOST_WITNESSES)
    return known !== undefined && isOther(known) ? [known, ...seen] : seen
  }
}

function isKnownBad({ message }: ReadableMessage): boolean {
  return message.state !== 'sent'
}

function toFetch(of: ReadableMessage) {
  const { part_no: number, size, sha256 } = of.message
  return { number, fileId: of.fileId, size, sha256, of }
}

function notRead(message: PlacedMessage, finding: Finding): ReadMessage {
  return { message, bytes: new Uint8Array(), sha256: '', finding }
}
