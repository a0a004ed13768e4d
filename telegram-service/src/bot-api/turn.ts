import type { PaceSlot } from '#bot-api/chat-pace.ts'

/**
 * The right to make one message in a chat now. It counts as a message under way until it is used or released,
 * so it should not be kept for long. One that was not used must be released.
 */
export class Turn {
  #slot: PaceSlot | undefined

  constructor(slot: PaceSlot) {
    this.#slot = slot
  }

  /** The slot, once; undefined when the turn was used or released. */
  claim(): PaceSlot | undefined {
    const slot = this.#slot
    this.#slot = undefined
    return slot
  }

  /** Gives an unused turn to the next who waits. May be called twice, and after the turn was used. */
  release(): void {
    this.claim()?.release()
  }
}
