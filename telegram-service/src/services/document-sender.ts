import type { SentDocument } from '#bot-api/bot-api-types.ts'
import type { SendOptions } from '#bot-api/bot-connection.ts'
import type { CallWait } from '#bot-api/call-policy.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import type { SentMessage } from '#services/backup-metadata.ts'
import type { LostAnswers } from '#services/lost-answers.ts'
import type { SenderRecords, SentKey } from '#services/part-ledger.ts'
import { RunMessages } from '#services/run-messages.ts'
import type { OpenedSend } from '#services/vault-ledger.ts'
import { leaseLost, TelegramError } from '#telegram-error.ts'

/** A message, with what is recorded of it. Without records, there are no intents. */
export interface OutgoingDocument<Key extends SentKey> extends Pick<SendOptions, 'turn'> {
  key: Key
  fileName: string
  /** Of the document as sent. */
  sizeBytes: number
  sha256: string
  caption: string
  /** Bytes to upload, or a document that Telegram has. */
  document: { bytes: Buffer } | { fileId: string }
  /** Records the intent, before each send. */
  intend(): Promise<OpenedSend | undefined>
  /** Records the proof: `sendId` is the call that made the message. */
  confirm(proof: DocumentProof & { sendId: string | undefined }): Promise<void>
}

/** What the server says about the message of a document. */
export interface DocumentProof {
  messageId: number
  /** Belong to the client's bot. */
  fileId: string
  fileUniqueId: string
  sentAt: Date
}

/** A message, and the call that made it; without records, calls have no ids. */
interface MadeMessage {
  document: SentDocument
  sendId: string | undefined
}

/** Sends of one message, again after each lost answer without a message. */
const MAX_SENDS = 3

/** Sends documents to one chat, with a record before each send and after each proof. */
export class DocumentSender<Key extends SentKey> {
  /** Messages that this sender has made, or may have made. */
  readonly messages: RunMessages<Key>
  readonly #client: TelegramClient
  readonly #records: SenderRecords<Key> | undefined
  readonly #chatId: string
  readonly #flow: string | undefined
  readonly #onWait: (wait: CallWait) => void
  readonly #onBytesOut: (bytesOut: number) => void
  readonly #lostAnswers: LostAnswers | undefined
  readonly #bytesOut = new Map<string, number>()

  constructor(options: {
    client: TelegramClient
    records: SenderRecords<Key> | undefined
    /** Numeric, as text. */
    chatId: string
    /** Who sends, for the pace of the chat. */
    flow: string | undefined
    /** Looks for messages whose answers were lost; without it, such an answer is the end. */
    lostAnswers: LostAnswers | undefined
    onWait: (wait: CallWait) => void
    onBytesOut?: (bytesOut: number) => void
  }) {
    const { client, records, chatId, flow, lostAnswers, onWait, onBytesOut = () => {} } = options
    this.#client = client
    this.#records = records
    this.#chatId = chatId
    this.#flow = flow
    this.#onWait = onWait
    this.#onBytesOut = onBytesOut
    this.#lostAnswers = lostAnswers
    this.messages = new RunMessages({ client, records, lostAnswers })
  }

  /** Intent, send, proof, confirmation. After a lost answer, a message is adopted or sent again. */
  async send(message: OutgoingDocument<Key>, signal: AbortSignal): Promise<SentMessage> {
    const unanswered = new Set<string>()
    for (;;) {
      // The records check the lease with the intent; this need not wait for a renewal.
      if (this.#records?.leaseLost.aborted) throw leaseLost()
      const sendId = (await message.intend())?.sendId
      const made =
        (await this.#sendDocument(message, { sendId, unanswered, signal })) ??
        (await this.#findLostMessage(message, { unanswered, signal }))
      if (made) return this.#confirmMessage(message, made)
    }
  }

  /** The message of the answer; undefined if the answer was lost and the message can be looked for. */
  async #sendDocument(
    message: OutgoingDocument<Key>,
    call: { sendId: string | undefined; unanswered: Set<string>; signal: AbortSignal },
  ): Promise<MadeMessage | undefined> {
    const { sendId, unanswered, signal } = call
    try {
      return { document: await this.#transmit(message, signal), sendId }
    } catch (error) {
      if (!(error instanceof TelegramError)) throw error
      const { code, unprovenMessage } = error
      const { key } = message
      if (unprovenMessage) {
        const { chatId, messageId } = unprovenMessage
        await this.messages.erase(this.messages.made({ key, chatId: String(chatId), messageId, sendId }))
        throw error
      }
      if (code !== 'ANSWER_LOST' && code !== 'UNPROVEN') {
        // The refusal is certain; it is reported even if the records fail.
        if (sendId !== undefined) await this.#records?.sendRefused(sendId).catch(() => {})
        throw error
      }
      this.messages.mayHaveMade({ key, sendId, lost: error })
      if (sendId === undefined || !this.#lostAnswers) throw error
      unanswered.add(sendId)
      return undefined
    }
  }

  async #transmit(message: OutgoingDocument<Key>, signal: AbortSignal): Promise<SentDocument> {
    const { document, caption, fileName, turn } = message
    const chatId = this.#chatId
    const on = { signal, onWait: this.#onWait, flow: this.#flow, turn }
    if ('fileId' in document) {
      return this.#client.sendStoredDocument({ chatId, fileId: document.fileId, caption }, on)
    }
    const onBytesOut = (bytesOut: number): void => this.#countBytesOut(fileName, bytesOut)
    const request = { chatId, fileName, bytes: document.bytes, caption }
    return this.#client.sendDocument(request, { ...on, onBytesOut })
  }

  /** Undefined when no message was found, so that it may be sent again. */
  async #findLostMessage(
    { key, fileName }: OutgoingDocument<Key>,
    { unanswered, signal }: { unanswered: ReadonlySet<string>; signal: AbortSignal },
  ): Promise<MadeMessage | undefined> {
    const lost = this.messages.lostAnswerOf(unanswered)
    const [first, ...others] = (await this.#lostAnswers?.find(unanswered, { signal, lost })) ?? []
    if (!first) {
      if (unanswered.size >= MAX_SENDS) throw lost
      return undefined
    }
    const chatId = this.#chatId
    for (const { open, messageId } of others) {
      await this.messages.erase(this.messages.made({ key, chatId, messageId, sendId: open.id }))
    }
    const { open, messageId, fileId, fileUniqueId, size: sizeBytes, sentAt } = first
    const document = { messageId, chatId: Number(chatId), fileId, fileUniqueId, fileName, sizeBytes, sentAt }
    return { sendId: open.id, document }
  }

  async #confirmMessage(
    message: OutgoingDocument<Key>,
    { document, sendId }: MadeMessage,
  ): Promise<SentMessage> {
    const { key, fileName, sizeBytes, sha256 } = message
    const { messageId, fileId, fileUniqueId, sentAt } = document
    const made = this.messages.made({ key, chatId: String(document.chatId), messageId, sendId })
    try {
      assertProven(document, { chatId: this.#chatId, sizeBytes })
    } catch (error) {
      await this.messages.erase(made)
      throw error
    }
    await message.confirm({ messageId, fileId, fileUniqueId, sentAt, sendId })
    this.messages.confirmed(made)
    return { messageId, fileId, fileUniqueId, fileName, size: sizeBytes, sha256, sentAt }
  }

  /** A repeated upload begins again; the count does not. */
  #countBytesOut(fileName: string, bytesOut: number): void {
    this.#bytesOut.set(fileName, Math.max(bytesOut, this.#bytesOut.get(fileName) ?? 0))
    this.#onBytesOut([...this.#bytesOut.values()].reduce((sum, bytes) => sum + bytes, 0))
  }
}

/** "Sent" means that the server names this chat and the size of this document. */
function assertProven(document: SentDocument, expected: { chatId: string; sizeBytes: number }): void {
  if (document.sizeBytes !== expected.sizeBytes) {
    throw new TelegramError(
      `Telegram stored ${document.sizeBytes ?? 'an unknown number of'} bytes of a message of ${expected.sizeBytes}`,
      { code: 'UNPROVEN' },
    )
  }
  if (String(document.chatId) !== expected.chatId) {
    throw new TelegramError('Telegram put a message into another chat', { code: 'UNPROVEN' })
  }
}
