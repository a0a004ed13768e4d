import { floodRefusal } from '#answers.ts'
import type { Clock } from '#clock.ts'
import type { EmulatorLimits } from '#limits.ts'
import type { ChatType } from '#world/records.ts'

const MINUTE_MS = 60_000
/** TDLib waits so long on a bot's behalf; a longer wait is told (td NetQueryCreator). */
const LONGEST_SILENT_WAIT_MS = 8000

/** At most so many messages in any span of so many milliseconds; 0 messages mean no limit. */
interface Rule {
  readonly messages: number
  readonly spanMs: number
}

/**
 * The FAQ: about thirty a second altogether; one a second in a chat, with short bursts; twenty a minute in a
 * group.
 */
const EVERYWHERE: Rule = { messages: 30, spanMs: 1000 }
const IN_EACH_CHAT: Rule = { messages: 3, spanMs: 3000 }
const IN_GROUPS_AND_CHANNELS: Rule = { messages: 20, spanMs: MINUTE_MS }
const LONGEST_SPAN_MS = MINUTE_MS

/** The times at which messages went, or will go, past one point; they never go back. */
class Passage {
  #atMs: number[] = []

  /**
   * The first time from `fromMs` on at which so many more keep the rule (as many as it ever lets pass at
   * once).
   */
  roomAt({ messages, spanMs }: Rule, fromMs: number, count: number): number {
    if (messages === 0) return fromMs
    const recent = this.#atMs.filter(atMs => atMs > fromMs - spanMs)
    const blocking = recent[recent.length + Math.min(count, messages) - messages - 1]
    return blocking === undefined ? fromMs : blocking + spanMs
  }

  pass(atMs: number, count: number): void {
    this.#atMs = this.#atMs.filter(passedMs => passedMs > atMs - LONGEST_SPAN_MS)
    this.#atMs.push(...Array.from({ length: count }, () => atMs))
  }
}

/** Who sends how many messages where. */
export interface Sending {
  readonly botId: number
  readonly chatId: number
  readonly chatType: ChatType
  readonly count: number
}

/** How fast messages may come, on the emulator's clock: the plain count per minute, and Telegram's rates. */
export class Pace {
  readonly #clock: Clock
  readonly #plain: Rule
  readonly #areTelegrams: boolean
  readonly #passages = new Map<string, Passage>()

  constructor(clock: Clock, limits: Pick<EmulatorLimits, 'messagesPerMinutePerChat' | 'rates'>) {
    this.#clock = clock
    this.#plain = { messages: limits.messagesPerMinutePerChat, spanMs: MINUTE_MS }
    this.#areTelegrams = limits.rates === 'telegram'
  }

  /**
   * Takes room for new messages: milliseconds to wait, or ApiRefusal 429 for a wait that is not served
   * silently.
   */
  takeForMessages(sending: Sending): number {
    const plain = this.#passage(`plain ${sending.chatId}`)
    const now = this.#clock.now()
    const plainWaitMs = plain.roomAt(this.#plain, now, sending.count) - now
    if (plainWaitMs > 0) throw floodRefusal(Math.ceil(plainWaitMs / 1000))
    const waitMs = this.#takeAsTelegram(sending)
    if (this.#plain.messages > 0) plain.pass(now, sending.count)
    return waitMs
  }

  /** The same for an edit, which only Telegram's rates count. */
  takeForEdit(sending: Sending): number {
    return this.#takeAsTelegram(sending)
  }

  #takeAsTelegram({ botId, chatId, chatType, count }: Sending): number {
    if (!this.#areTelegrams) return 0
    const ofBot = this.#passage(`bot ${botId}`)
    const ofChat = this.#passage(`bot ${botId} chat ${chatId}`)
    const now = this.#clock.now()
    // First in the line of all its messages, then in the chat's: waiting there holds nothing else up.
    const leavesMs = ofBot.roomAt(EVERYWHERE, now, count)
    const rules = chatType === 'private' ? [IN_EACH_CHAT] : [IN_EACH_CHAT, IN_GROUPS_AND_CHANNELS]
    const arrivesMs = Math.max(...rules.map(rule => ofChat.roomAt(rule, leavesMs, count)))
    if (arrivesMs - now > LONGEST_SILENT_WAIT_MS) throw floodRefusal(Math.ceil((arrivesMs - now) / 1000))
    ofBot.pass(leavesMs, count)
    ofChat.pass(arrivesMs, count)
    return arrivesMs - now
  }

  #passage(name: string): Passage {
    const passage = this.#passages.get(name) ?? new Passage()
    this.#passages.set(name, passage)
    return passage
  }
}
