import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { foundFor, type LostAnswers } from '#services/lost-answers.ts'
import type { SenderRecords, SentKey } from '#services/part-ledger.ts'
import { TelegramError } from '#telegram-error.ts'

interface RunMessage<Key> {
  readonly key: Key
  /** The chat that the server named, to which the message id belongs. */
  readonly chatId: string
  readonly messageId: number
  /** The call that made it, while it is open in the ledger. */
  sendId: string | undefined
}

interface LostCall<Key> {
  readonly key: Key
  readonly sendId: string | undefined
  /** Why its answer is missing. */
  readonly lost: TelegramError
}

/** Longest time to erase a failed run's messages. */
const ERASE_WITHIN_MS = 60_000

/** What a run has put into a chat: after a failure it is erased, or looked for and counted. */
export class RunMessages<Key extends SentKey> {
  readonly #client: TelegramClient
  readonly #records: SenderRecords<Key> | undefined
  readonly #lostAnswers: LostAnswers | undefined
  #inChat: RunMessage<Key>[] = []
  #lostCalls: LostCall<Key>[] = []
  /** The network was down at the last try to erase. */
  #isCutOff = false

  constructor(options: {
    client: TelegramClient
    records: SenderRecords<Key> | undefined
    lostAnswers: LostAnswers | undefined
  }) {
    this.#client = options.client
    this.#records = options.records
    this.#lostAnswers = options.lostAnswers
  }

  /** Known by an answer or a look. */
  made(message: RunMessage<Key>): RunMessage<Key> {
    const { sendId } = message
    if (sendId !== undefined) this.#lostCalls = this.#lostCalls.filter(call => call.sendId !== sendId)
    this.#inChat.push(message)
    return message
  }

  confirmed(message: RunMessage<Key>): void {
    message.sendId = undefined
  }

  mayHaveMade(call: LostCall<Key>): void {
    this.#lostCalls.push(call)
  }

  /** Why the outcome of the last of these calls is unknown. */
  lostAnswerOf(sendIds: ReadonlySet<string>): TelegramError | undefined {
    return this.#lostCalls.findLast(({ sendId }) => sendId !== undefined && sendIds.has(sendId))?.lost
  }

  /**
   * Whether an unknown manifest or pack may exist. Then the backup may be complete, and erasing parts could
   * leave a manifest without them: `reconcile` decides, once it finds the message or not.
   */
  get manifestMayBeThere(): boolean {
    return this.#lostCalls.some(({ key }) => key.kind !== 'part')
  }

  get count(): number {
    return this.#inChat.length + this.#lostCalls.length
  }

  /** Tries to erase; `takeBack` knows what stays. Never fails, and does nothing without the lease. */
  async erase(
    message: RunMessage<Key>,
    signal: AbortSignal = AbortSignal.timeout(ERASE_WITHIN_MS),
  ): Promise<boolean> {
    if (this.#records?.holdsLease() === false) return false
    try {
      await this.#client.deleteMessage(message.chatId, message.messageId, { signal })
    } catch (error) {
      // Without a network, the other messages would wait as long in vain.
      if (error instanceof TelegramError && error.code === 'UNREACHABLE') this.#isCutOff = true
      return false
    }
    this.#inChat = this.#inChat.filter(other => other !== message)
    if (message.sendId !== undefined) await this.#records?.sendRefused(message.sendId).catch(() => {})
    return true
  }

  /**
   * Looks once more for lost messages that were sent again meanwhile: the later of two for one part is
   * erased. What is not found stays open in the ledger. Never fails.
   */
  async eraseLateOnes(signal: AbortSignal): Promise<void> {
    for (const late of await this.#lookForLost(signal)) await this.erase(late, signal)
  }

  /**
   * Erases this run's messages, the manifest first. Never fails: it returns how many may stay, which a ledger
   * still names. `giveUp` first records that nobody may finish the backup; if it fails, all stays for
   * `reconcile`.
   */
  async takeBack(giveUp: () => Promise<void> = async () => {}): Promise<number> {
    const signal = AbortSignal.timeout(ERASE_WITHIN_MS)
    await this.#lookForLost(signal)
    if (this.manifestMayBeThere || this.#records?.holdsLease() === false) return this.count
    const hasGivenUp = await giveUp().then(
      () => true,
      () => false,
    )
    if (!hasGivenUp) return this.count
    this.#isCutOff = false
    for (const message of manifestFirst(this.#inChat)) {
      const isErased = await this.erase(message, signal)
      if (isErased) await this.#tellErased(message.key)
      // Parts are erased only after their manifest.
      else if (this.#isCutOff || message.key.kind === 'manifest') break
    }
    return this.count
  }

  /** Records the erasure, unless another message of the part is left. */
  async #tellErased(key: Key): Promise<void> {
    const { kind, partNumber } = key
    const isThereTwice = this.#inChat.some(
      other => other.key.kind === kind && other.key.partNumber === partNumber,
    )
    if (!isThereTwice) await this.#records?.messageErased(key).catch(() => {})
  }

  async #lookForLost(signal: AbortSignal): Promise<RunMessage<Key>[]> {
    const calls = new Map(this.#lostCalls.flatMap(call => (call.sendId ? [[call.sendId, call]] : [])))
    if (calls.size === 0 || !this.#lostAnswers || this.#records?.holdsLease() === false) return []
    const { found } = await this.#lostAnswers.lookOnce(calls.keys(), signal).catch(() => ({ found: [] }))
    return foundFor(found, new Set(calls.keys())).flatMap(({ open, messageId }) => {
      const call = calls.get(open.id)
      return call ? [this.made({ key: call.key, chatId: open.chatId, messageId, sendId: open.id })] : []
    })
  }
}

function manifestFirst<Key extends SentKey>(messages: readonly RunMessage<Key>[]): RunMessage<Key>[] {
  const isManifest = ({ key }: RunMessage<Key>): boolean => key.kind === 'manifest'
  return [...messages.filter(isManifest), ...messages.filter(message => !isManifest(message)).toReversed()]
}
