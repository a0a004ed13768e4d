/**
 * The keys whose signatures are believed: those that a person named and this machine's own; without named
 * keys, the signer of the first document that opens. Always also the signers that a believed index names.
 */
export class Signers {
  readonly #given: ReadonlySet<string>
  readonly #own: string | undefined
  readonly #believed: Set<string>
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
  }

  /** Whether a person named keys. */
  get areGiven(): boolean {
    return this.#given.size > 0
  }

  isOwn(signer: string | null): boolean {
    return signer !== null && signer === this.#own
  }

  /** The signer of the first believed document; undefined until there was one. */
  get first(): string | undefined {
    return this.#first
  }

  /** Fingerprints of keys with valid signatures that were not believed. */
  get others(): readonly string[] {
    return [...this.#others]
  }

  /** Whether this key would be believed. Changes nothing, so it can be called before a document is read. */
  believes(signer: string): boolean {
    return this.#believed.has(signer) || (!this.areGiven && this.#first === undefined)
  }

  /** The same for a document that was read. Without named keys only its signer is believed from then on. */
  takes(signer: string): boolean {
    if (!this.believes(signer)) return false
    this.#believed.add(signer)
    this.#first ??= signer
    return true
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
