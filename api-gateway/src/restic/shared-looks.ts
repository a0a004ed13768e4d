import { SharedLook } from '@telegram-backup/vault/objects/messages/shared-look.ts'

/**
 * Looks into the catalog that requests share. Each request gets an answer to a question that was asked after
 * it came, so a key that was revoked before opens nothing; but hundreds of requests at once ask only a few.
 */
export class SharedLooks<What, Answer> {
  readonly #ask: (what: What) => Promise<Answer>
  readonly #nameOf: (what: What) => string
  /** By the name of what is looked up; `callers` wait for an answer. */
  readonly #looks = new Map<string, { look: SharedLook<Answer>; callers: number }>()

  /** @param nameOf the same for the same question, and for no other one */
  constructor(ask: (what: What) => Promise<Answer>, nameOf: (what: What) => string) {
    this.#ask = ask
    this.#nameOf = nameOf
  }

  /** Throws what the look throws. */
  async afterNow(what: What): Promise<Answer> {
    const name = this.#nameOf(what)
    const shared = this.#looks.get(name) ?? { look: new SharedLook(() => this.#ask(what)), callers: 0 }
    this.#looks.set(name, shared)
    shared.callers++
    try {
      return await shared.look.afterNow()
    } finally {
      shared.callers--
      if (shared.callers === 0) this.#looks.delete(name)
    }
  }
}
