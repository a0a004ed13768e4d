import type { EmulatorLimits } from '#limits.ts'
import type { Pace, Sending } from '#methods/pace.ts'
import type { Bot, Chat } from '#world/records.ts'

const MEBIBYTE = 1024 * 1024

/** The call is to be made again, from its beginning, after so many milliseconds of the emulator's clock. */
export class ServedLater extends Error {
  override readonly name = 'ServedLater'
  readonly ms: number

  constructor(ms: number) {
    super(`served in ${ms} ms`)
    this.ms = ms
  }
}

/**
 * When one call may do its deed. A method asks once all its checks have passed and before it changes
 * anything. The first question counts: it passes, or throws ApiRefusal 429, or ServedLater; asked again in
 * the same call, it passes. So what a call found before a wait is looked at again after it.
 */
export class Turn {
  readonly #botId: number
  readonly #pace: Pace
  readonly #limits: EmulatorLimits
  #isGiven = false

  constructor({ bot, pace, limits }: { bot: Bot; pace: Pace; limits: EmulatorLimits }) {
    this.#botId = bot.id
    this.#pace = pace
    this.#limits = limits
  }

  /** For new messages in a chat. */
  post(chat: Chat, count = 1): void {
    this.#give(() => this.#pace.takeForMessages(this.#sending(chat, count)))
  }

  /** For an edit in a chat. */
  edit(chat: Chat): void {
    this.#give(() => this.#pace.takeForEdit(this.#sending(chat, 1)))
  }

  /** For fetching a file that the server does not hold. */
  fetchFile(sizeBytes: number): void {
    this.#give(() => (sizeBytes / MEBIBYTE) * this.#limits.getFileMsPerMiB)
  }

  #sending(chat: Chat, count: number): Sending {
    return { botId: this.#botId, chatId: chat.id, chatType: chat.type, count }
  }

  #give(waitMs: () => number): void {
    if (this.#isGiven) return
    const ms = waitMs()
    this.#isGiven = true
    if (ms > 0) throw new ServedLater(ms)
  }
}
