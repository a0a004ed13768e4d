import { refusal } from '#answers.ts'

/** Who is waiting for updates: one poll a bot, the latest. */
export class LongPolls {
  readonly #current = new Map<number, AbortController>()

  /** Begins a poll, and ends the bot's older one with the refusal for a conflict. */
  begin(botId: number): { signal: AbortSignal; end(): void } {
    this.#current.get(botId)?.abort(refusal('updatesConflict'))
    const poll = new AbortController()
    this.#current.set(botId, poll)
    return {
      signal: poll.signal,
      end: () => {
        if (this.#current.get(botId) === poll) this.#current.delete(botId)
      },
    }
  }
}
