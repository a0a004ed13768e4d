import type { CallWait } from '#bot-api/call-policy.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import type { SentMessage } from '#services/backup-metadata.ts'
import { DocumentSender, type OutgoingDocument } from '#services/document-sender.ts'
import { LostAnswers } from '#services/lost-answers.ts'
import type { MessageIntent, MessageKey, MessageLedger, MessageProof } from '#services/part-ledger.ts'
import type { RunMessages } from '#services/run-messages.ts'
import type { OpenedSend } from '#services/vault-ledger.ts'

/** What is recorded of a message beforehand, the same for every chat. */
export type MessageFacts = Omit<MessageIntent, 'botId' | 'backupId' | 'chatId'>

export interface OutgoingMessage {
  facts: MessageFacts
  caption: string
  /** Bytes to upload, or a document that Telegram has. */
  document: { bytes: Buffer } | { fileId: string }
}

/** Sends the messages of one backup to one chat. */
export class MessageSender {
  readonly #sender: DocumentSender<MessageKey>
  readonly #client: TelegramClient
  readonly #ledger: MessageLedger | undefined
  readonly #of: { chatId: string; backupId: string }

  constructor(options: {
    client: TelegramClient
    ledger: MessageLedger | undefined
    /** Numeric, as text. */
    chatId: string
    backupId: string
    onWait: (wait: CallWait) => void
    onBytesOut?: (bytesOut: number) => void
  }) {
    const { client, ledger, chatId, backupId, ...on } = options
    this.#client = client
    this.#ledger = ledger
    this.#of = { chatId, backupId }
    const vault = ledger?.vault
    const lostAnswers = vault && new LostAnswers({ client, vault, ...this.#of, onWait: on.onWait })
    this.#sender = new DocumentSender({
      ...{ client, records: ledger, chatId, flow: backupId, lostAnswers },
      ...on,
    })
  }

  /** Messages that this run has made, or may have made. */
  get messages(): RunMessages<MessageKey> {
    return this.#sender.messages
  }

  /** Intent, send, proof, confirmation. After a lost answer, a message is adopted or sent again. */
  async send({ facts, ...content }: OutgoingMessage, signal: AbortSignal): Promise<SentMessage> {
    const { fileName, sizeBytes, sha256, kind, partNumber } = facts
    const key = { ...this.#of, kind, partNumber }
    const document: OutgoingDocument<MessageKey> = {
      ...{ key, fileName, sizeBytes, sha256, ...content },
      intend: () => this.#intend(facts),
      confirm: ({ sendId, ...proof }) => this.#confirm({ ...key, ...proof }, sendId),
    }
    return await this.#sender.send(document, signal)
  }

  async #intend(facts: MessageFacts): Promise<OpenedSend | undefined> {
    return await this.#ledger?.intendMessage({ ...facts, ...this.#of, botId: this.#client.botId })
  }

  /** A manifest completes the backup: if recording it fails, the backup is kept all the same. */
  async #confirm(proof: Omit<MessageProof, 'sendId'>, sendId: string | undefined): Promise<void> {
    if (!this.#ledger || sendId === undefined) return
    const confirmed = this.#ledger.confirmMessage({ ...proof, sendId })
    await (proof.kind === 'manifest' ? confirmed.catch(() => {}) : confirmed)
  }
}
