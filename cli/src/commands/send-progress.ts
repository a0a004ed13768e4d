import type {
  CallWait,
  SendEstimate,
  SendPace,
  SendProgress,
} from '@telegram-backup/engine/operations/backup.ts'
import { count, formatBytes, formatSeconds } from '@telegram-backup/engine/units/human-units.ts'
import { type ProgressGoal, ProgressMeter } from '@telegram-backup/engine/units/progress-meter.ts'
import { countFact, shareFacts, timeFacts } from '#commands/progress-facts.ts'
import type { ProgressFact } from '#commands/progress-line.ts'

/** Shorter sends get no estimate. */
const WORTH_TELLING_SECONDS = 60

/** The estimate that is printed before a long send; undefined for a short one. */
export function describeEstimate(estimate: SendEstimate, messagesPerMinute: number): string | undefined {
  if (estimate.seconds < WORTH_TELLING_SECONDS) return undefined
  return `${estimateWords(estimate, messagesPerMinute)}, less if the data compresses well`
}

/** `up to 41 messages, at 20 messages a minute: this takes up to 2:00`. */
export function estimateWords({ messages, seconds }: SendEstimate, messagesPerMinute: number): string {
  const pace = messagesPerMinute === 0 ? '' : `, at ${messagesPerMinute} messages a minute`
  return `up to ${count(messages, 'message')}${pace}: this takes up to ${formatSeconds(seconds)}`
}

/** Follows a send: what its progress line says. */
export class SendFollower {
  /** Over the bytes of the archive: they are what the line takes. */
  readonly #meter: ProgressMeter
  readonly #partSizeBytes: number
  readonly #now: () => number
  #state: SendProgress | undefined
  #waitsUntilMs = 0

  constructor({ messagesPerMinute, partSizeBytes }: SendPace, now: () => number = () => performance.now()) {
    this.#meter = new ProgressMeter({ messagesPerMinute, now })
    this.#partSizeBytes = partSizeBytes
    this.#now = now
  }

  follow(state: SendProgress): void {
    this.#state = state
    const { bytesOut, partsSent, wait } = state
    if (wait !== undefined) {
      this.#meter.wait(wait.seconds)
      this.#waitsUntilMs = this.#now() + wait.seconds * 1000
    }
    this.#meter.aim(this.#goalOf(state))
    this.#meter.advance({ bytes: bytesOut, messages: partsSent })
  }

  facts(): ProgressFact[] {
    const state = this.#state
    if (state === undefined) return []
    const now = this.#meter.read()
    const about = state.plainBytesTotal === undefined ? 'about ' : ''
    return [
      ...(now.fraction === undefined
        ? [{ text: `${formatBytes(state.plainBytesRead)} read`, rank: 1 }]
        : shareFacts(now, about)),
      { text: `${formatBytes(state.bytesOut)} sent`, rank: 4 },
      countFact(state.partsSent, undefined, 'part'),
      ...timeFacts(now),
      ...waitFacts(state.wait, (this.#waitsUntilMs - this.#now()) / 1000),
    ]
  }

  /** The whole archive, with the compression so far. Nothing once an estimate turns out too low. */
  #goalOf({
    plainBytesTotal,
    plainBytesEstimated,
    plainBytesOut,
    bytesOut,
    partsSent,
  }: SendProgress): ProgressGoal {
    const total = plainBytesTotal ?? plainBytesEstimated
    if (!total || plainBytesOut > total) return {}
    const ratio = plainBytesOut === 0 ? 1 : bytesOut / plainBytesOut
    const bytes = Math.max(bytesOut, total * ratio)
    // The manifest is a message, too.
    return { bytes, messages: partsSent + Math.ceil((bytes - bytesOut) / this.#partSizeBytes) + 1 }
  }
}

const WAIT_WORDS: Readonly<Record<CallWait['reason'], string>> = {
  flood: 'Telegram asks to wait',
  pace: 'waiting, because of TELEGRAM_MESSAGES_PER_MINUTE',
  retry: 'no connection, trying again in',
}

function waitFacts(wait: CallWait | undefined, secondsLeft: number): ProgressFact[] {
  if (wait === undefined || secondsLeft <= 0) return []
  return [{ text: `(${WAIT_WORDS[wait.reason]} ${formatSeconds(Math.ceil(secondsLeft))})`, rank: 7 }]
}
