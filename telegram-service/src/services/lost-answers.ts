import type { CallWait } from '#bot-api/call-policy.ts'
import { pause } from '#bot-api/clock.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { type FoundMessage, findLostMessages, type LookResult } from '#services/lost-messages.ts'
import type { VaultLedger } from '#services/vault-ledger.ts'
import { TelegramError, type TelegramErrorCode } from '#telegram-error.ts'

/** A server that lost an answer may still make the message. */
const LOOK_AGAIN_AFTER_MS = 3_000
/** Fruitless looks before a message is sent again. */
const LOOKS_BEFORE_SENDING_AGAIN = 2
/** Incomplete looks before the run fails. */
const FAILED_LOOKS = 5

/** Failures of a look that may pass. */
const PASSING: ReadonlySet<TelegramErrorCode> = new Set(['ANSWER_LOST', 'UNREACHABLE', 'UNPROVEN'])

/** Looks for the messages of one run whose answers were lost; calls lost at the same time share a look. */
export class LostAnswers {
  readonly #look: (signal: AbortSignal) => Promise<LookResult>
  /** Only the run's lost calls: others may be under way. */
  readonly #lost = new Set<string>()
  #looking: Promise<unknown> = Promise.resolve()
  #next: Promise<LookResult> | undefined

  constructor(options: {
    client: TelegramClient
    vault: VaultLedger
    chatId: string
    /** `null`: of no backup. */
    backupId: string | null
    onWait: (wait: CallWait) => void
  }) {
    const { client, vault, ...of } = options
    this.#look = signal => findLostMessages(client, vault, { ...of, sendIds: this.#lost, signal })
  }

  /**
   * The messages that these calls have made, the lowest id first; none if two looks found none. Throws `lost`
   * when no look was possible: then the outcome is unknown, and nothing may be sent again.
   */
  async find(
    sendIds: ReadonlySet<string>,
    options: { signal: AbortSignal; lost: unknown },
  ): Promise<FoundMessage[]> {
    const { signal, lost } = options
    let done = 0
    for (let failed = 0; done < LOOKS_BEFORE_SENDING_AGAIN; ) {
      if (done + failed > 0) await pause(LOOK_AGAIN_AFTER_MS, signal)
      try {
        const { found, beyondLimit } = await this.lookOnce(sendIds, signal)
        const ours = foundFor(found, sendIds)
        if (ours.length > 0) return ours
        if (beyondLimit) failed++
        else done++
      } catch (error) {
        if (!(error instanceof TelegramError) || !PASSING.has(error.code)) throw error
        failed++
      }
      if (failed >= FAILED_LOOKS) throw lost
    }
    return []
  }

  /** Begins a look after the current one, which may have passed the message already. */
  lookOnce(sendIds: Iterable<string>, signal: AbortSignal): Promise<LookResult> {
    for (const id of sendIds) this.#lost.add(id)
    this.#next ??= this.#looking.then(() => {
      this.#next = undefined
      const look = this.#look(signal)
      this.#looking = look.catch(() => {})
      return look
    })
    return this.#next
  }
}

/** What these calls made, by ascending message id. */
export function foundFor(found: readonly FoundMessage[], sendIds: ReadonlySet<string>): FoundMessage[] {
  return found.filter(({ open }) => sendIds.has(open.id)).sort((a, b) => a.messageId - b.messageId)
}
