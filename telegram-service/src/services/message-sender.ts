import type { SentDocument } from '#bot-api/bot-api-types.ts'
import type { CallWait } from '#bot-api/call-policy.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import type { SentMessage } from '#services/backup-metadata.ts'
import type { MessageIntent, MessageKey, PartLedger } from '#services/part-ledger.ts'
import { TelegramError } from '#telegram-error.ts'

export interface OutgoingMessage extends Omit<MessageIntent, 'botId' | 'sizeBytes'> {
  caption: string
  bytes: Buffer
}

/** How long the messages of a failed run may take to be erased, in milliseconds. */
const ERASE_WITHIN_MS = 60_000

/** Sends the messages of one run and remembers each that the chat has, so that a run that fails can take them back. */
export class MessageSender {
  readonly #client: TelegramClient
  readonly #ledger: PartLedger | undefined
  readonly #onWait: (wait: CallWait) => void
  readonly #onBytesOut: (bytesOut: number) => void
  /** Each with the chat that the server named: message ids mean something else in any other. */
  readonly #inChat: Array<{ key: MessageKey; chatId: string; messageId: number }> = []
  #maybeInChat = 0
  #manifestMayBeThere = false
  readonly #bytesOut = new Map<string, number>()

  constructor(options: {
    client: TelegramClient
    ledger: PartLedger | undefined
    onWait: (wait: CallWait) => void
    /** Bytes handed to the connection, of all messages. */
    onBytesOut: (bytesOut: number) => void
  }) {
    this.#client = options.client
    this.#ledger = options.ledger
    this.#onWait = options.onWait
    this.#onBytesOut = options.onBytesOut
  }

  /** Intent, send, proof, confirmation; the same for every message. */
  async send(message: OutgoingMessage, signal: AbortSignal): Promise<SentMessage> {
    const { bytes, caption, ...intent } = message
    const { backupId, chatId, kind, partNumber, fileName, sha256 } = intent
    const key: MessageKey = { backupId, chatId, kind, partNumber }
    await this.#ledger?.intendMessage({ ...intent, botId: this.#client.botId, sizeBytes: bytes.length })
    const document = await this.#client
      .sendDocument(
        { chatId, fileName, bytes, caption },
        { signal, onWait: this.#onWait, onBytesOut: bytesOut => this.#countBytesOut(fileName, bytesOut) },
      )
      .catch((error: unknown) => {
        this.#rememberStray(error, key)
        throw error
      })
    this.#inChat.push({ key, chatId: String(document.chatId), messageId: document.messageId })
    assertProven(document, { chatId, sizeBytes: bytes.length })
    const { messageId, fileId, fileUniqueId, sentAt } = document
    const confirmed = this.#ledger?.confirmMessage({ ...key, messageId, fileId, fileUniqueId, sentAt })
    // A proven manifest makes the backup whole. A ledger that cannot note it is no reason to erase a whole backup; its
    // owner knows that it failed.
    await (kind === 'manifest' ? confirmed?.catch(() => {}) : confirmed)
    return { messageId, fileId, fileUniqueId, fileName, size: bytes.length, sha256, sentAt }
  }

  /**
   * Whether the answer to the manifest was lost. Then the backup may be whole in the chat, and taking parts back could
   * leave a manifest without them: whoever finds the manifest, or finds it missing, settles it.
   */
  get manifestMayBeThere(): boolean {
    return this.#manifestMayBeThere
  }

  /**
   * Erases what this run has put into the chat, the manifest first. Never fails: it returns how many messages may stay.
   * A ledger still names them, as sent or as intended.
   */
  async takeBack(): Promise<number> {
    const signal = AbortSignal.timeout(ERASE_WITHIN_MS)
    let left = this.#inChat.length + this.#maybeInChat
    if (this.#manifestMayBeThere) return left
    for (const { key, chatId, messageId } of this.#inChat.toReversed()) {
      try {
        await this.#client.deleteMessage(chatId, messageId, { signal })
        left--
      } catch (error) {
        // Without a network the others would only wait as long as this one did; and parts go only after their manifest.
        if (error instanceof TelegramError && error.code === 'UNREACHABLE') break
        if (key.kind === 'manifest') break
        continue
      }
      await this.#ledger?.messageErased(key).catch(() => {})
    }
    return left
  }

  /** A send that failed may have made a message all the same: a known one is to be erased, an unknown one to be told. */
  #rememberStray(error: unknown, key: MessageKey): void {
    if (!(error instanceof TelegramError)) return
    const { code, strayMessage } = error
    if (strayMessage) {
      const { chatId, messageId } = strayMessage
      this.#inChat.push({ key, chatId: String(chatId), messageId })
    } else if (code === 'ANSWER_LOST' || code === 'UNPROVEN') {
      this.#maybeInChat++
      if (key.kind === 'manifest') this.#manifestMayBeThere = true
    }
  }

  /** A message that is sent once more, after a flood wait, begins again; the count does not. */
  #countBytesOut(fileName: string, bytesOut: number): void {
    this.#bytesOut.set(fileName, Math.max(bytesOut, this.#bytesOut.get(fileName) ?? 0))
    this.#onBytesOut([...this.#bytesOut.values()].reduce((sum, bytes) => sum + bytes, 0))
  }
}

/** "Sent" means that the server describes the very document: the chat, and every byte of it. */
function assertProven(document: SentDocument, expected: { chatId: string; sizeBytes: number }): void {
  if (document.sizeBytes !== expected.sizeBytes) {
    throw new TelegramError(
      `Telegram stored ${document.sizeBytes ?? 'an unknown number of'} bytes of a message of ${expected.sizeBytes}`,
      'UNPROVEN',
    )
  }
  if (String(document.chatId) !== expected.chatId) {
    throw new TelegramError('Telegram put a message into another chat', 'UNPROVEN')
  }
}
