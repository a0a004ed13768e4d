import { BackupError, describeError } from '@telegram-backup/errors'
import {
  type CallWait,
  downloadDocument,
  fetchParts,
  readPinnedIndex,
  TelegramError,
} from 'telegram-deployment-bot'
import { assertMayGoOn, endsEverything, type HeldBackup, type VaultSession } from '#session/session.ts'
import { nameOf, type PlacedMessage } from '#session/whole-messages.ts'
import { findingOf, learnDocument } from '#verify/look-at-message.ts'
import type { Finding } from '#verify/verification-report.ts'

/** A message whose document is to be read, by a file id of this bot's that the message was seen to have. */
export interface ReadableMessage {
  message: PlacedMessage
  fileId: string
  fileUniqueId: string
}

/** A document as it came: right to the last byte, or what is wrong. `bytes` are valid until the next one is asked for. */
export interface ReadMessage {
  message: PlacedMessage
  bytes: Uint8Array
  sha256: string
  finding: Finding | undefined
}

/** Pauses between tries of one document that add up to more than this are not made: others are waiting to be read. */
const PATIENCE_SECONDS = 20

/** The same for a document that is asked for only to see whether any can be had. */
const WITNESS_PATIENCE_SECONDS = 3
/** So many are asked for besides one that was had before; an outage meets all of them. */
const MOST_WITNESSES = 3

/**
 * Reads documents to the last byte, some ahead, each held against size and SHA-256. One that stays wrong is read three
 * times; one that cannot be had is given up within half a minute, and is a finding when another document of the chat can
 * be had: an outage is no damage, and throws what the client said.
 */
export class DocumentReader {
  readonly #session: VaultSession
  readonly #held: HeldBackup
  /** A document of each chat that could be had, to tell an outage from damage. */
  readonly #readable = new Map<string, ReadableMessage>()
  /** Messages that were seen to hold a document, by chat; whether it can be had was not tried yet. */
  readonly #seen = new Map<string, ReadableMessage[]>()

  constructor(session: VaultSession, held: HeldBackup) {
    this.#session = session
    this.#held = held
  }

  /** A message that holds a document, as a look told: one more that tells an outage from damage. */
  noteSeen(of: ReadableMessage): void {
    const { chat_id } = of.message
    const seen = this.#seen.get(chat_id)
    if (seen === undefined) this.#seen.set(chat_id, [of])
    else seen.push(of)
  }

  /** One document; its bytes are its own. */
  async readOne(of: ReadableMessage): Promise<ReadMessage> {
    const { client, signal } = this.#session
    assertMayGoOn(this.#session, this.#held.lease)
    const { message, fileId } = of
    const { size, sha256 } = message
    const name = nameOf(message)
    try {
      const expected = { fileId, size, sha256 }
      const patience = impatient(this.#session)
      const document = await downloadDocument(client, expected, { name, signal, onWait: patience.onWait })
      return await this.#judge(of, document)
    } catch (error) {
      return await this.#unreadable(of, error)
    }
  }

  /** The parts of one chat, in their order. */
  async *readParts(parts: readonly ReadableMessage[]): AsyncGenerator<ReadMessage, void> {
    let next = 0
    while (next < parts.length) {
      const rest = parts.slice(next)
      const { signal } = this.#session
      const patience = impatient(this.#session)
      const received = fetchParts(this.#session.client, rest.map(partOf), {
        signal,
        onWait: patience.onWait,
      })
      try {
        for (;;) {
          assertMayGoOn(this.#session, this.#held.lease)
          let came: Awaited<ReturnType<typeof received.next>>
          try {
            came = await received.next()
          } catch (error) {
            const read = await this.#unreadable(parts[next] as ReadableMessage, error)
            next++
            yield read
            break
          }
          if (came.done) return
          const of = parts[next] as ReadableMessage
          patience.reset()
          next++
          yield await this.#judge(of, came.value)
        }
      } finally {
        await received.return(undefined)
      }
    }
  }

  async #judge(
    of: ReadableMessage,
    { bytes, sha256 }: { bytes: Uint8Array; sha256: string },
  ): Promise<ReadMessage> {
    const { message } = of
    this.#readable.set(message.chat_id, of)
    if (bytes.length === message.size && sha256 === message.sha256) {
      await learnDocument(this.#session, this.#held, message, of)
      return { message, bytes, sha256, finding: undefined }
    }
    const words =
      bytes.length === message.size
        ? 'has other bytes than those that were sent'
        : `has ${bytes.length} bytes; ${message.size} were sent`
    return { message, bytes, sha256, finding: findingOf(message, 'damaged', words) }
  }

  async #unreadable(of: ReadableMessage, error: unknown): Promise<ReadMessage> {
    if (endsEverything(this.#session, error) || !isAboutTheDocument(error)) throw error
    const { message } = of
    const finding = isAnotherFile(error)
      ? findingOf(message, 'damaged', 'is longer than what was sent')
      : findingOf(message, 'unreadable', `cannot be read: ${whyOf(error)}`)
    if (finding.finding === 'unreadable') await this.#assertNoOutage(message, error)
    return { message, bytes: new Uint8Array(), sha256: '', finding }
  }

  /** Throws `error` unless another document of the same chat can be had now. */
  async #assertNoOutage(message: PlacedMessage, error: unknown): Promise<void> {
    for (const witness of this.#witnessesFor(message)) {
      if (!(await this.#canBeHad(witness))) continue
      this.#readable.set(message.chat_id, witness)
      return
    }
    if (!(await this.#canIndexBeHad(message.chat_id))) throw error
  }

  /** The one that was had before, then small ones of which nothing bad is known. */
  #witnessesFor(message: PlacedMessage): ReadableMessage[] {
    const isOther = (of: ReadableMessage): boolean => of.message !== message
    const known = this.#readable.get(message.chat_id)
    const seen = (this.#seen.get(message.chat_id) ?? [])
      .filter(of => of !== known && isOther(of))
      .sort((a, b) => Number(isKnownBad(a)) - Number(isKnownBad(b)) || a.message.size - b.message.size)
      .slice(0, MOST_WITNESSES)
    return known !== undefined && isOther(known) ? [known, ...seen] : seen
  }

  async #canBeHad({ fileId, message }: { fileId: string; message: { size: number } }): Promise<boolean> {
    const { client, signal } = this.#session
    const { onWait } = impatient(this.#session, WITNESS_PATIENCE_SECONDS)
    try {
      await client.downloadFile(fileId, { maxBytes: message.size, signal, onWait })
      return true
    } catch (error) {
      if (endsEverything(this.#session, error)) throw error
      return false
    }
  }

  /** Of a backup whose other documents are all gone as well, the index of the chat tells. */
  async #canIndexBeHad(chatId: string): Promise<boolean> {
    const { client, signal } = this.#session
    try {
      const { onWait } = impatient(this.#session, WITNESS_PATIENCE_SECONDS)
      const pinned = await readPinnedIndex(client, chatId, { signal, onWait })
      if (pinned.kind !== 'index' || pinned.document?.size === undefined) return false
      const { fileId, size } = pinned.document
      return await this.#canBeHad({ fileId, message: { size } })
    } catch (error) {
      if (endsEverything(this.#session, error)) throw error
      return false
    }
  }
}

function isKnownBad({ message }: ReadableMessage): boolean {
  return message.state !== 'sent'
}

function partOf({ message, fileId }: ReadableMessage) {
  const { part_no: number, size, sha256 } = message
  return { number, fileId, size, sha256 }
}

/** Ends a call that has been tried for long enough; floods are waited for. */
function impatient(
  { onWait }: VaultSession,
  seconds: number = PATIENCE_SECONDS,
): { onWait: (wait: CallWait) => void; reset: () => void } {
  let waited = 0
  return {
    onWait: wait => {
      onWait?.(wait)
      if (wait.reason !== 'retry') return
      waited += wait.seconds
      if (waited <= seconds) return
      throw new BackupError('The server does not give it, however often it is asked', { code: 'UNREACHABLE' })
    },
    reset: () => {
      waited = 0
    },
  }
}

const ABOUT_THE_DOCUMENT: ReadonlySet<string> = new Set([
  'INTEGRITY',
  'REFUSED',
  'UNREACHABLE',
  'ANSWER_LOST',
  'UNPROVEN',
])

function isAboutTheDocument(error: unknown): boolean {
  return ABOUT_THE_DOCUMENT.has(describeError(error).code)
}

/** More came than was sent. */
function isAnotherFile(error: unknown): boolean {
  const { cause } = error instanceof TelegramError ? error : {}
  return cause instanceof TelegramError && cause.code === 'UNPROVEN'
}

function whyOf(error: unknown): string {
  const { cause } = error instanceof TelegramError ? error : {}
  return (cause instanceof TelegramError ? cause.description : undefined) ?? describeError(error).message
}
