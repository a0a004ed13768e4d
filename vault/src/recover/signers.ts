import type { Signer } from '@telegram-backup/archive'

/** A key that named several others to sign after it: fingerprints. */
export interface Fork {
  readonly key: string
  readonly successors: readonly string[]
}

/**
 * The keys whose signatures are believed: those that a person named and this machine's own; without named
 * keys, the signer of the first document that opens. Also the keys that a believed key named as its
 * successors, and always the signers that a believed index names.
 */
export class Signers {
  readonly #given: ReadonlySet<string>
  readonly #own: string | undefined
  readonly #believed: Set<string>
  /** Believed keys whose successors are believed, too: not those that only an index names. */
  readonly #roots: Set<string>
  /** By key: those that it named as its successor, as far as documents have shown. */
  readonly #successors = new Map<string, Set<string>>()
  readonly #others = new Set<string>()
  #first: string | undefined

  /**
   * @param given fingerprints `SHA256:…`; without any, the first signer is believed
   * @param own this machine's key: its own documents are never refused
   */
  constructor(given: readonly string[], own: string | undefined) {
    this.#given = new Set(given)
    this.#own = own
    this.#believed = new Set(given)
    if (own !== undefined && this.areGiven) this.#believed.add(own)
    this.#roots = new Set(this.#believed)
  }

  /** Whether a person named keys. */
  get areGiven(): boolean {
    return this.#given.size > 0
  }

  isOwn(signer: string | null): boolean {
    return signer !== null && signer === this.#own
  }

  /** Whether a person named this key itself, and not one before it. */
  isGiven(signer: string): boolean {
    return this.#given.has(signer)
  }

  /** The signer of the first believed document; undefined until there was one. */
  get first(): string | undefined {
    return this.#first
  }

  /** Fingerprints of keys with valid signatures that were not believed. */
  get others(): readonly string[] {
    return [...this.#others]
  }

  /**
   * Believed keys with several successors. A key names one; so somebody else had that key, too. Without those
   * where a person has named a successor, and no other one was believed before that showed.
   */
  get forks(): readonly Fork[] {
    return [...this.#successors]
      .filter(([key, named]) => this.#roots.has(key) && named.size > 1)
      .map(([key, named]) => ({ key, successors: [...named] }))
      .filter(({ successors }) => {
        const unnamed = successors.filter(successor => !this.#given.has(successor))
        return unnamed.length === successors.length || unnamed.some(successor => this.#roots.has(successor))
      })
  }

  /** Notes whom the keys before this one named. Their statements were checked; this believes nobody. */
  learn({ signer, before }: Signer): void {
    const line = [...before, signer]
    for (const [index, key] of before.entries()) {
      const named = this.#successors.get(key) ?? new Set()
      this.#successors.set(key, named.add(line[index + 1] ?? signer))
    }
  }

  /** Whether this key would be believed. Believes nobody, so it can be called before a document is read. */
  believes(signed: Signer): boolean {
    return (
      this.#believed.has(signed.signer) ||
      this.#inheritedBy(signed).length > 0 ||
      (!this.areGiven && this.#first === undefined)
    )
  }

  /** The same for a document that was read. Without named keys only its signer is believed from then on. */
  takes(signed: Signer): boolean {
    if (!this.believes(signed)) return false
    const { signer, before } = signed
    for (const key of [signer, ...this.#inheritedBy(signed)]) this.#trust(key)
    // Nobody named a key: then the keys that led to the first one are as good as that.
    if (!this.areGiven && this.#first === undefined) for (const key of before) this.#trust(key)
    this.#first ??= signer
    return true
  }

  #trust(key: string): void {
    this.#believed.add(key)
    this.#roots.add(key)
  }

  /** The keys from a believed one to this one, if each of them named one successor. */
  #inheritedBy({ signer, before }: Signer): string[] {
    const line = [...before, signer]
    const from = before.findLastIndex(key => this.#roots.has(key))
    if (from === -1) return []
    const isForked = before.slice(from).some(key => (this.#successors.get(key)?.size ?? 0) > 1)
    return isForked ? [] : line.slice(from + 1)
  }

  /** Records a valid signature that is not believed. */
  noteOther(signer: string): void {
    this.#others.add(signer)
  }

  /** A believed index names these signers. */
  vouchFor(signers: readonly string[]): void {
    for (const signer of signers) this.#believed.add(signer)
  }
}
