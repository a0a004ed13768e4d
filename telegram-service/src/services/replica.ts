import { setTimeout as sleep } from 'node:timers/promises'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import type { ReplicaOutcome, SentMessage } from '#services/backup-metadata.ts'
import type { MessageDraft } from '#services/message-drafts.ts'
import { MessageSender } from '#services/message-sender.ts'
import type { MessageLedger } from '#services/part-ledger.ts'
import type { PreparedChat } from '#services/prepare-chat.ts'
import { TelegramError } from '#telegram-error.ts'

/** How long a complete backup waits for its copies, in milliseconds. `reconcile` makes the rest. */
const FINISH_WITHIN_MS = 5 * 60_000

/** The second chat of a run: gets each proven message by its file id. Failures fail no backup. */
export class Replica {
  readonly #chatName: string
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  readonly #opening: Promise<{ chat: PreparedChat; sender: MessageSender }>
  readonly #caption: (draft: MessageDraft, chat: PreparedChat) => string
  #queue: Promise<void> = Promise.resolve()
  #failure: { error: unknown } | undefined

  constructor(options: {
    client: TelegramClient
    ledger: MessageLedger | undefined
    backupId: string
    chatName: string
    prepare: (signal: AbortSignal) => Promise<PreparedChat>
    caption: (draft: MessageDraft, chat: PreparedChat) => string
    signal: AbortSignal
  }) {
    const { client, ledger, backupId, chatName, prepare, caption, signal } = options
    this.#chatName = chatName
    this.#caption = caption
    this.#signal = AbortSignal.any([signal, this.#stop.signal])
    this.#opening = prepare(this.#signal).then(chat => ({
      chat,
      sender: new MessageSender({ client, ledger, chatId: chat.chatId, backupId, onWait: () => {} }),
    }))
    this.#opening.catch(error => this.#fail(error))
  }

  copy(draft: MessageDraft, original: SentMessage, from: { chatId: string }): void {
    this.#queue = this.#queue.then(async () => {
      if (this.#failure) return
      try {
        const { chat, sender } = await this.#opening
        assertOther(chat, from)
        const { fileId } = original
        const message = { facts: draft.facts, caption: this.#caption(draft, chat), document: { fileId } }
        await sender.send(message, this.#signal)
      } catch (error) {
        this.#fail(error)
      }
    })
  }

  /** After the manifest: waits for the copies. Never fails. */
  async finish(): Promise<ReplicaOutcome> {
    const enough = new AbortController()
    const late = sleep(FINISH_WITHIN_MS, undefined, { signal: enough.signal }).then(
      () => this.#fail(new TelegramError('The copies were not made in time', { code: 'UNREACHABLE' })),
      () => {},
    )
    await Promise.race([this.#queue, late])
    enough.abort()
    await this.#queue
    const opened = await this.#opening.catch(() => undefined)
    await opened?.sender.messages.eraseLateOnes(this.#signal)
    const chatId = opened?.chat.chatId ?? this.#chatName
    if (!this.#failure) return { chatId, isWhole: true }
    const { error } = this.#failure
    return { chatId, isWhole: false, error: error instanceof Error ? error.message : String(error) }
  }

  /** After a failed run: makes no more copies. */
  async stop(): Promise<void> {
    this.#fail(new TelegramError('The backup failed', { code: 'CANCELLED' }))
    await this.#queue
  }

  /** Erases the copies. Returns how many may stay. Never fails. */
  async takeBack(): Promise<number> {
    await this.stop()
    const opened = await this.#opening.catch(() => undefined)
    return (await opened?.sender.messages.takeBack()) ?? 0
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#stop.abort()
  }
}

/** Two names may mean the same chat. */
function assertOther(chat: PreparedChat, main: { chatId: string }): void {
  if (chat.chatId === main.chatId) throw isFirstChat()
}

export function isFirstChat(): TelegramError {
  return new TelegramError('The second chat is the first one', {
    code: 'CONFIGURATION',
    hint: 'Set TELEGRAM_REPLICA_CHAT_ID to another chat, or unset it.',
  })
}
