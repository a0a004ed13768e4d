/**
 * Whose signatures are believed: the keys that a person named, and this machine's own key. Without named
 * keys, the key that signed the first document that opens. In both cases also every key that a believed index
 * names as a signer of its backups.
 */
export class Signers {
  readonly #given: ReadonlySet<string>
  readonly #own: string | undefined
  readonly #believed: Set<string>
  readonly #others = new Set<string>()
  #first: string | undefined

  /**
   * @param given fingerprints `SHA256:…`; none means that the first one is believed
   * @param own of the key that this machine signs with: what it wrote here before is not refused for a key on
   * a card
   */
  constructor(given: readonly string[], own: string | undefined) {
    this.#given = new Set(given)
    this.#own = own
    this.#believed = new Set(given)
    if (own !== undefined && this.areGiven) this.#believed.add(own)
  }

  /** Whether a person named whom to believe. */
  get areGiven(): boolean {
    return this.#given.size > 0
  }

  /** Whether this machine signs with that key. */
  isOwn(signer: string | null): boolean {
    return signer !== null && signer === this.#own
  }

  /** The signer of the first believed document; undefined until there was one. */
  get first(): string | undefined {
    return this.#first
  }

  /** Fingerprints of keys whose signatures fit and were not believed. */
  get others(): readonly string[] {
    return [...this.#others]
  }

  /**
   * Whether what this key signed would be believed. Changes nothing, so it can be asked before a document is
   * read.
   */
  believes(signer: string): boolean {
    return this.#believed.has(signer) || (!this.areGiven && this.#first === undefined)
  }

  /**
   * The same for a document that was read. Without named keys the first signer is believed from then on, and
   * no other.
   */
  takes(signer: string): boolean {
    if (!this.believes(signer)) return false
    this.#believed.add(signer)
    this.#first ??= signer
    return true
  }

  /** Notes a signature that fits and is not believed. */
  noteOther(signer: string): void {
    this.#others.add(signer)
  }

  /** A believed index names these signers. */
  vouchFor(signers: readonly string[]): void {
    for (const signer of signers) this.#believed.add(signer)
  }
}
