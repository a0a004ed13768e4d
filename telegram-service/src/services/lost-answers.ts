import { setTimeout as sleep } from 'node:timers/promises'
import type { CallWait } from '#bot-api/call-policy.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { type FoundMessage, findLostMessages, type LookResult } from '#services/lost-messages.ts'
import type { VaultLedger } from '#services/vault-ledger.ts'
import { cancelled, TelegramError, type TelegramErrorCode } from '#telegram-error.ts'

/** A server that lost an answer may still be at work on the message. */
const LOOK_AGAIN_AFTER_MS = 3_000
/** Looks that found nothing before a message is sent once more. */
const LOOKS_BEFORE_SENDING_AGAIN = 2
/** Looks that could not be carried out, or not to the newest message, before that is what the run fails of. */
const FAILED_LOOKS = 5

/** What ends a look without saying anything about the chat: the next one may go through. */
const PASSING: ReadonlySet<TelegramErrorCode> = new Set(['ANSWER_LOST', 'UNREACHABLE', 'UNPROVEN'])

/** Looks for the messages of one run whose answers were lost. Several that are lost at once share one look. */
export class LostAnswers {
  readonly #look: (signal: AbortSignal) => Promise<LookResult>
  /** All calls of the run that were lost: any other may be under way. */
  readonly #lost = new Set<string>()
  #looking: Promise<unknown> = Promise.resolve()
  #next: Promise<LookResult> | undefined

  constructor(options: {
    client: TelegramClient
    vault: VaultLedger
    chatId: string
    backupId: string
    onWait: (wait: CallWait) => void
  }) {
    const { client, vault, ...of } = options
    this.#look = signal => findLostMessages(client, vault, { ...of, sendIds: this.#lost, signal })
  }

  /**
   * The message with the lowest id that one of these calls has made, and any others that they made; none when they made
   * none by now, as far as two looks can tell. Throws `lost` when no look could be carried out: then it is not known,
   * and nothing may be sent again.
   */
  async find(
    sendIds: ReadonlySet<string>,
    options: { signal: AbortSignal; lost: unknown },
  ): Promise<FoundMessage[]> {
    const { signal, lost } = options
    let done = 0
    for (let failed = 0; done < LOOKS_BEFORE_SENDING_AGAIN; ) {
      if (done + failed > 0) await pause(signal)
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

  /** A look for these calls that begins after this one: one that is under way may have passed where the message is. */
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

/** Of what a look found, what these calls made, in order of message id. */
export function foundFor(found: readonly FoundMessage[], sendIds: ReadonlySet<string>): FoundMessage[] {
  return found.filter(({ open }) => sendIds.has(open.id)).sort((a, b) => a.messageId - b.messageId)
}

async function pause(signal: AbortSignal): Promise<void> {
  await sleep(LOOK_AGAIN_AFTER_MS, undefined, { signal }).catch(() => {
    throw cancelled()
  })
}
