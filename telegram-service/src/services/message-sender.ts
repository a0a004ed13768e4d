import type { SentDocument } from '#bot-api/bot-api-types.ts'
import type { CallWait } from '#bot-api/call-policy.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import type { SentMessage } from '#services/backup-metadata.ts'
import { LostAnswers } from '#services/lost-answers.ts'
import type { MessageIntent, MessageKey, MessageLedger, MessageProof } from '#services/part-ledger.ts'
import { RunMessages } from '#services/run-messages.ts'
import { leaseLost, TelegramError } from '#telegram-error.ts'

/** What is recorded of a message beforehand, the same for every chat. */
export type MessageFacts = Omit<MessageIntent, 'botId' | 'backupId' | 'chatId'>

export interface OutgoingMessage {
  facts: MessageFacts
  caption: string
  /** Bytes to upload, or a document that Telegram has. */
  document: { bytes: Buffer } | { fileId: string }
}

/** A message, and the call that made it; without a ledger, calls have no ids. */
interface MadeMessage {
  document: SentDocument
  sendId: string | undefined
}

/** Sends of one message, again after each lost answer without a message. */
const MAX_SENDS = 3

/** Sends the messages of one run to one chat. */
export class MessageSender {
  /** Messages that this run has made, or may have made. */
  readonly messages: RunMessages
  readonly #client: TelegramClient
  readonly #ledger: MessageLedger | undefined
  readonly #of: { chatId: string; backupId: string }
  readonly #onWait: (wait: CallWait) => void
  readonly #onBytesOut: (bytesOut: number) => void
  readonly #lostAnswers: LostAnswers | undefined
  readonly #bytesOut = new Map<string, number>()

  constructor(options: {
    client: TelegramClient
    ledger: MessageLedger | undefined
    /** Numeric, as text. */
    chatId: string
    backupId: string
    onWait: (wait: CallWait) => void
    onBytesOut?: (bytesOut: number) => void
  }) {
    const { client, ledger, chatId, backupId, onWait, onBytesOut = () => {} } = options
    this.#client = client
    this.#ledger = ledger
    this.#of = { chatId, backupId }
    this.#onWait = onWait
    this.#onBytesOut = onBytesOut
    const vault = ledger?.vault
    this.#lostAnswers = vault && new LostAnswers({ client, vault, ...this.#of, onWait })
    this.messages = new RunMessages({ client, ledger, lostAnswers: this.#lostAnswers })
  }

  /** Intent, send, proof, confirmation. After a lost answer, a message is adopted or sent again. */
  async send(message: OutgoingMessage, signal: AbortSignal): Promise<SentMessage> {
    const unanswered = new Set<string>()
    for (;;) {
      const sendId = await this.#intendMessage(message)
      const made =
        (await this.#sendDocument(message, { sendId, unanswered, signal })) ??
        (await this.#findLostMessage(message, { unanswered, signal }))
      if (made) return this.#confirmMessage(message, made)
    }
  }

  async #intendMessage({ facts }: OutgoingMessage): Promise<string | undefined> {
    if (!this.#ledger) return undefined
    // The ledger checks the lease with the intent; this need not wait for a renewal.
    if (this.#ledger.leaseLost.aborted) throw leaseLost()
    const opened = await this.#ledger.intendMessage({ ...facts, ...this.#of, botId: this.#client.botId })
    return opened.sendId
  }

  /** The message of the answer; undefined if the answer was lost and the message can be looked for. */
  async #sendDocument(
    message: OutgoingMessage,
    call: { sendId: string | undefined; unanswered: Set<string>; signal: AbortSignal },
  ): Promise<MadeMessage | undefined> {
    const { sendId, unanswered, signal } = call
    try {
      return { document: await this.#transmit(message, signal), sendId }
    } catch (error) {
      if (!(error instanceof TelegramError)) throw error
      const { code, unprovenMessage } = error
      const key = this.#key(message)
      if (unprovenMessage) {
        const { chatId, messageId } = unprovenMessage
        await this.messages.erase(this.messages.made({ key, chatId: String(chatId), messageId, sendId }))
        throw error
      }
      if (code !== 'ANSWER_LOST' && code !== 'UNPROVEN') {
        // The refusal is certain; it is reported even if the ledger fails.
        if (sendId !== undefined) await this.#ledger?.sendRefused(sendId).catch(() => {})
        throw error
      }
      this.messages.mayHaveMade({ key, sendId, lost: error })
      if (sendId === undefined || !this.#lostAnswers) throw error
      unanswered.add(sendId)
      return undefined
    }
  }

  async #transmit(message: OutgoingMessage, signal: AbortSignal): Promise<SentDocument> {
    const { document, caption, facts } = message
    const { fileName } = facts
    const { chatId } = this.#of
    const onWait = this.#onWait
    if ('fileId' in document) {
      return this.#client.sendStoredDocument({ chatId, fileId: document.fileId, caption }, { signal, onWait })
    }
    const onBytesOut = (bytesOut: number): void => this.#countBytesOut(fileName, bytesOut)
    const request = { chatId, fileName, bytes: document.bytes, caption }
    return this.#client.sendDocument(request, { signal, onWait, onBytesOut })
  }

  /** Undefined when no message was found, so that it may be sent again. */
  async #findLostMessage(
    message: OutgoingMessage,
    { unanswered, signal }: { unanswered: ReadonlySet<string>; signal: AbortSignal },
  ): Promise<MadeMessage | undefined> {
    const lost = this.messages.lostAnswerOf(unanswered)
    const [first, ...others] = (await this.#lostAnswers?.find(unanswered, { signal, lost })) ?? []
    if (!first) {
      if (unanswered.size >= MAX_SENDS) throw lost
      return undefined
    }
    const { chatId } = this.#of
    for (const { open, messageId } of others) {
      await this.messages.erase(
        this.messages.made({ key: this.#key(message), chatId, messageId, sendId: open.id }),
      )
    }
    const { open, messageId, fileId, fileUniqueId, size, sentAt } = first
    const { fileName } = message.facts
    return {
      sendId: open.id,
      document: {
        messageId,
        chatId: Number(chatId),
        fileId,
        fileUniqueId,
        fileName,
        sizeBytes: size,
        sentAt,
      },
    }
  }

  async #confirmMessage(message: OutgoingMessage, { document, sendId }: MadeMessage): Promise<SentMessage> {
    const { fileName, sizeBytes, sha256 } = message.facts
    const { messageId, fileId, fileUniqueId, sentAt } = document
    const key = this.#key(message)
    const made = this.messages.made({ key, chatId: String(document.chatId), messageId, sendId })
    try {
      assertProven(document, { chatId: this.#of.chatId, sizeBytes })
    } catch (error) {
      await this.messages.erase(made)
      throw error
    }
    await this.#tellLedger({ ...key, messageId, fileId, fileUniqueId, sentAt }, sendId)
    this.messages.confirmed(made)
    return { messageId, fileId, fileUniqueId, fileName, size: sizeBytes, sha256, sentAt }
  }

  /** A manifest completes the backup: if recording it fails, the backup is kept all the same. */
  async #tellLedger(proof: Omit<MessageProof, 'sendId'>, sendId: string | undefined): Promise<void> {
    if (!this.#ledger || sendId === undefined) return
    const confirmed = this.#ledger.confirmMessage({ ...proof, sendId })
    await (proof.kind === 'manifest' ? confirmed.catch(() => {}) : confirmed)
  }

  #key({ facts }: OutgoingMessage): MessageKey {
    return { ...this.#of, kind: facts.kind, partNumber: facts.partNumber }
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
