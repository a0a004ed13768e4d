import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { foundFor, type LostAnswers } from '#services/lost-answers.ts'
import type { MessageKey, MessageLedger } from '#services/part-ledger.ts'
import { TelegramError } from '#telegram-error.ts'

/** A message that is in the chat, as far as this run knows. */
export interface RunMessage {
  readonly key: MessageKey
  /** The chat that the server named: message ids mean something else in any other. */
  readonly chatId: string
  readonly messageId: number
  /** The call that made it, as long as the ledger has that call open. */
  sendId: string | undefined
}

/** A call that may have made a message. */
interface LostCall {
  readonly key: MessageKey
  readonly sendId: string | undefined
  /** What became of its answer. */
  readonly lost: TelegramError
}

/** How long the messages of a failed run may take to be erased, in milliseconds. */
const ERASE_WITHIN_MS = 60_000

/**
 * What one run has put into a chat, or may have put there: a known message of a failed run is erased again, an unknown one
 * is looked for, and told.
 */
export class RunMessages {
  readonly #client: TelegramClient
  readonly #ledger: MessageLedger | undefined
  readonly #lostAnswers: LostAnswers | undefined
  #inChat: RunMessage[] = []
  #lostCalls: LostCall[] = []
  /** The network was away at the last try to erase. */
  #isCutOff = false

  constructor(options: {
    client: TelegramClient
    ledger: MessageLedger | undefined
    lostAnswers: LostAnswers | undefined
  }) {
    this.#client = options.client
    this.#ledger = options.ledger
    this.#lostAnswers = options.lostAnswers
  }

  /** A message is there, by an answer or by a look. */
  made(message: RunMessage): RunMessage {
    const { sendId } = message
    if (sendId !== undefined) this.#lostCalls = this.#lostCalls.filter(call => call.sendId !== sendId)
    this.#inChat.push(message)
    return message
  }

  confirmed(message: RunMessage): void {
    message.sendId = undefined
  }

  mayHaveMade(call: LostCall): void {
    this.#lostCalls.push(call)
  }

  /** Why it is not known what became of the last of these calls. */
  lostAnswerOf(sendIds: ReadonlySet<string>): TelegramError | undefined {
    return this.#lostCalls.findLast(({ sendId }) => sendId !== undefined && sendIds.has(sendId))?.lost
  }

  /**
   * Whether a manifest may be there that nobody knows of. Then the backup may be whole in the chat, and taking parts back
   * could leave a manifest without them: whoever finds the manifest, or finds it missing, settles it.
   */
  get manifestMayBeThere(): boolean {
    return this.#lostCalls.some(({ key }) => key.kind === 'manifest')
  }

  /** Messages that are in the chat, or may be. */
  get count(): number {
    return this.#inChat.length + this.#lostCalls.length
  }

  /** Tries to; a message that stays is known to `takeBack`. Never fails, and does nothing without the lease. */
  async erase(
    message: RunMessage,
    signal: AbortSignal = AbortSignal.timeout(ERASE_WITHIN_MS),
  ): Promise<boolean> {
    if (this.#ledger?.holdsLease() === false) return false
    try {
      await this.#client.deleteMessage(message.chatId, message.messageId, { signal })
    } catch (error) {
      // Without a network the others would only wait as long as this one did.
      if (error instanceof TelegramError && error.code === 'UNREACHABLE') this.#isCutOff = true
      return false
    }
    this.#inChat = this.#inChat.filter(other => other !== message)
    if (message.sendId !== undefined) await this.#ledger?.sendRefused(message.sendId).catch(() => {})
    return true
  }

  /**
   * Looks once more for what calls may have made whose messages were sent again meanwhile: of two messages for one part,
   * the later one goes. What is not found yet stays open in the ledger. Never fails.
   */
  async eraseLateOnes(signal: AbortSignal): Promise<void> {
    for (const late of await this.#lookForLost(signal)) await this.erase(late, signal)
  }

  /**
   * Erases what this run has put into the chat, the manifest first. Never fails: it returns how many messages may stay.
   * A ledger still names them, as sent or as intended. `giveUp` makes it durable that nobody may finish the backup, before
   * the first message goes; when that fails, all stays for whoever settles it.
   */
  async takeBack(giveUp: () => Promise<void> = async () => {}): Promise<number> {
    const signal = AbortSignal.timeout(ERASE_WITHIN_MS)
    await this.#lookForLost(signal)
    if (this.manifestMayBeThere || this.#ledger?.holdsLease() === false) return this.count
    const hasGivenUp = await giveUp().then(
      () => true,
      () => false,
    )
    if (!hasGivenUp) return this.count
    this.#isCutOff = false
    for (const message of manifestFirst(this.#inChat)) {
      const isErased = await this.erase(message, signal)
      if (isErased) await this.#tellErased(message.key)
      // Parts go only after their manifest.
      else if (this.#isCutOff || message.key.kind === 'manifest') break
    }
    return this.count
  }

  /** Of two messages for one part, the last one counts. */
  async #tellErased(key: MessageKey): Promise<void> {
    const { kind, partNumber } = key
    const isThereTwice = this.#inChat.some(
      other => other.key.kind === kind && other.key.partNumber === partNumber,
    )
    if (!isThereTwice) await this.#ledger?.messageErased(key).catch(() => {})
  }

  async #lookForLost(signal: AbortSignal): Promise<RunMessage[]> {
    const calls = new Map(this.#lostCalls.flatMap(call => (call.sendId ? [[call.sendId, call]] : [])))
    if (calls.size === 0 || !this.#lostAnswers || this.#ledger?.holdsLease() === false) return []
    const { found } = await this.#lostAnswers.lookOnce(calls.keys(), signal).catch(() => ({ found: [] }))
    return foundFor(found, new Set(calls.keys())).flatMap(({ open, messageId }) => {
      const call = calls.get(open.id)
      return call ? [this.made({ key: call.key, chatId: open.chatId, messageId, sendId: open.id })] : []
    })
  }
}

function manifestFirst(messages: readonly RunMessage[]): RunMessage[] {
  const isManifest = ({ key }: RunMessage): boolean => key.kind === 'manifest'
  return [...messages.filter(isManifest), ...messages.filter(message => !isManifest(message)).toReversed()]
}
