/** The right to send one message now. */
export interface SendTurn {
  /** Gives it back unused; without effect after a send. */
  release(): void
}

export interface PackQueueOptions<Pack, Turn extends SendTurn> {
  /** Resolves when a message may be sent. */
  takeTurn: () => Promise<Turn>
  /** Closes the pack and sends it, under that turn. */
  send: (pack: Pack, turn: Turn) => Promise<void>
  /** Packs under way at once. */
  atOnce: number
}

interface Waiting<Pack> {
  pack: Pack
  sent(): void
  failed(error: unknown): void
}

/**
 * Packs that wait for their turn, the oldest first. A pack takes more objects as long as it waits: so an idle
 * chat gets each object at once, and in a busy one the wait itself makes the bundle, without a timer.
 */
export class PackQueue<Pack, Turn extends SendTurn> {
  readonly #options: PackQueueOptions<Pack, Turn>
  readonly #waiting: Waiting<Pack>[] = []
  /** Turns that are waited for or used. */
  #turns = 0
  #whenIdle: (() => void)[] = []
  /** Turns that are waited for. */
  #asked = 0

  constructor(options: PackQueueOptions<Pack, Turn>) {
    this.#options = options
  }

  /** Resolves when the pack was sent; throws what `takeTurn` or `send` throws for it. */
  async push(pack: Pack): Promise<void> {
    return new Promise((sent, failed) => {
      this.#waiting.push({ pack, sent, failed })
      this.#askForTurns()
    })
  }

  /** The first pack that waits and suits. */
  find(suits: (pack: Pack) => boolean): Pack | undefined {
    return this.#waiting.find(({ pack }) => suits(pack))?.pack
  }

  /** Resolves when no pack waits or is under way. */
  async idle(): Promise<void> {
    if (this.#turns > 0) await new Promise<void>(resolve => this.#whenIdle.push(resolve))
  }

  #askForTurns(): void {
    while (this.#turns < this.#options.atOnce && this.#asked < this.#waiting.length) {
      this.#turns++
      this.#asked++
      void this.#useTurn().finally(() => {
        this.#turns--
        this.#askForTurns()
        if (this.#turns === 0) for (const tell of this.#whenIdle.splice(0)) tell()
      })
    }
  }

  async #useTurn(): Promise<void> {
    let turn: Turn
    let next: Waiting<Pack> | undefined
    try {
      turn = await this.#options.takeTurn()
    } catch (error) {
      // A refused turn concerns the pack that it would have been for.
      this.#waiting.shift()?.failed(error)
      return
    } finally {
      this.#asked--
    }
    next = this.#waiting.shift()
    if (next === undefined) return turn.release()
    try {
      await this.#options.send(next.pack, turn)
      next.sent()
    } catch (error) {
      next.failed(error)
    } finally {
      turn.release()
    }
  }
}
