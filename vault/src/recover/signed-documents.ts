import {
  type DocumentUnlocking,
  type Manifest,
  openIndex,
  openManifest,
  type VaultIndex,
} from '@telegram-backup/archive'
import { describeError } from '@telegram-backup/errors'
import { fetchFrom, PUBLIC_FETCH_LIMIT_BYTES, type TelegramClient } from 'telegram-deployment-bot'
import type { Signers } from '#recover/signers.ts'

/** A document as it came from the chat. */
export interface Downloaded {
  bytes: Buffer
  /** Hex. */
  sha256: string
}

/** A signed document that opened and is believed, or why it is not. */
export type Reading<Content> = { content: Content; signer: string } | { refusal: Refusal }

export interface Refusal {
  /** What is wrong with it, as the end of a sentence about it. */
  words: string
  /** It may be right: there is no key, or another key opens it. */
  isLocked: boolean
  /** Fingerprint of a key whose signature fits and is not believed. */
  signer?: string
}

const AGE_HEADER = Buffer.from('age-encryption.org/')

/** Opens manifests and indexes with the key, and believes them for their signatures. */
export class SignedDocuments {
  readonly signers: Signers
  readonly #client: TelegramClient
  readonly #identities: readonly string[]
  readonly #signal: AbortSignal
  readonly #isClearBelieved: boolean
  #owner: { catalogId: string; generation: number } | undefined
  #opened = 0
  #wrongKey: unknown

  /**
   * @param of.isClearBelieved whether an unencrypted document may be ours although there is a key and no
   * named signer
   */
  constructor(of: {
    client: TelegramClient
    identities: readonly string[]
    signers: Signers
    isClearBelieved: boolean
    signal: AbortSignal
  }) {
    this.signers = of.signers
    this.#client = of.client
    this.#identities = of.identities
    this.#isClearBelieved = of.isClearBelieved
    this.#signal = of.signal
  }

  get hasKey(): boolean {
    return this.#identities.length > 0
  }

  /**
   * The catalog that the first believed document names, with the highest generation that any of them names.
   */
  get owner(): { catalogId: string; generation: number } | undefined {
    return this.#owner
  }

  /** The error of a document that another key opens, while no document has opened; else undefined. */
  get wrongKey(): unknown {
    return this.#opened === 0 ? this.#wrongKey : undefined
  }

  /**
   * The file, of at most `maxBytes`; undefined when the server does not give it: it is gone, or the file id
   * is another bot's. A file without the expected SHA-256 is downloaded again before it is believed to be
   * what lies there. With `isBrief` the server is asked only twice, since it says the same of a file that is
   * unavailable for a moment.
   */
  async download(
    fileId: string,
    { sha256, ...options }: { sha256: string; maxBytes?: number; isBrief?: boolean },
  ): Promise<Downloaded | undefined> {
    return await this.#fetch(fileId, { ...options, isRight: file => file.sha256 === sha256 })
  }

  /** The index in a file, or why it is none; undefined when the server does not give the file. */
  async downloadIndex(
    fileId: string,
    chatId: string,
  ): Promise<{ sha256: string; reading: Reading<VaultIndex> } | undefined> {
    let reading: Reading<VaultIndex> | undefined
    const isRight = async (file: Downloaded): Promise<boolean> => {
      reading = await this.#readIndex(file, chatId)
      return 'content' in reading
    }
    const file = await this.#fetch(fileId, { isRight })
    return file && reading && { sha256: file.sha256, reading }
  }

  async #fetch(
    fileId: string,
    of: {
      maxBytes?: number
      isBrief?: boolean
      isRight: (file: Downloaded) => boolean | Promise<boolean>
    },
  ): Promise<Downloaded | undefined> {
    const { maxBytes = PUBLIC_FETCH_LIMIT_BYTES, isBrief = false, isRight } = of
    const options = { maxBytes, isRight, signal: this.#signal }
    const fetched = await fetchFrom(this.#client, { fileId, isBrief }, options)
    return 'failure' in fetched ? undefined : fetched
  }

  /** An index that a believed key signed, and that was drawn for this chat. */
  async #readIndex({ bytes }: Downloaded, chatId: string): Promise<Reading<VaultIndex>> {
    const reading = await this.#open(bytes, { isVouchedFor: false }, async unlocking => {
      const { index, signer } = await openIndex(bytes, unlocking)
      return { content: index, signer }
    })
    if ('refusal' in reading) return reading
    if (reading.content.chatId !== chatId) return refuse('was drawn for another chat')
    if (!this.signers.takes(reading.signer)) return this.#unbelieved(reading.signer)
    this.signers.vouchFor(reading.content.signers)
    this.#noteOwner(reading.content)
    return reading
  }

  /** A manifest that a believed index names, or that a believed key signed. */
  async readManifest({ bytes }: Downloaded, options: { isVouchedFor: boolean }): Promise<Reading<Manifest>> {
    const reading = await this.#open(bytes, options, async unlocking => {
      const { manifest, signer } = await openManifest(bytes, unlocking)
      return { content: manifest, signer }
    })
    if ('refusal' in reading) return reading
    if (!options.isVouchedFor && !this.signers.takes(reading.signer)) return this.#unbelieved(reading.signer)
    const { catalogId, generation } = reading.content
    if (catalogId !== undefined && generation !== undefined) this.#noteOwner({ catalogId, generation })
    return reading
  }

  #noteOwner({ catalogId, generation }: { catalogId: string; generation: number }): void {
    this.#owner ??= { catalogId, generation }
    if (this.#owner.catalogId === catalogId && this.#owner.generation < generation)
      this.#owner = { catalogId, generation }
  }

  async #open<Content>(
    bytes: Buffer,
    { isVouchedFor }: { isVouchedFor: boolean },
    open: (unlocking: DocumentUnlocking) => Promise<{ content: Content; signer: string }>,
  ): Promise<Reading<Content>> {
    const encrypted = bytes.subarray(0, AGE_HEADER.length).equals(AGE_HEADER)
    if (encrypted && !this.hasKey)
      return { refusal: { words: 'is encrypted, and there is no key', isLocked: true } }
    const mayBeAnybodys = !encrypted && this.hasKey && !this.#isClearBelieved
    if (mayBeAnybodys && !isVouchedFor && !this.signers.areGiven) {
      return refuse(
        'is not encrypted, although there is a key (BACKUP_ENCRYPTION=off or --signer believes it)',
      )
    }
    let stranger: string | undefined
    const mayBeSignedBy = (signer: string): boolean => {
      if (isVouchedFor || this.signers.believes(signer)) return true
      stranger = signer
      return false
    }
    try {
      const identities = encrypted ? this.#identities : []
      const opened = await open({ encrypted, identities, mayBeSignedBy })
      this.#opened++
      return opened
    } catch (error) {
      const { code, message, hint } = describeError(error)
      if (code === 'WRONG_KEY') {
        this.#wrongKey ??= error
        return { refusal: { words: 'is encrypted for another key', isLocked: true } }
      }
      if (code !== 'INTEGRITY') throw error
      if (stranger !== undefined) {
        this.#opened++
        return this.#unbelieved(stranger)
      }
      if (hint !== undefined) return refuse(`cannot be read here (${message}. ${hint})`)
      return refuse('is damaged, or its signature does not fit')
    }
  }

  #unbelieved(signer: string): { refusal: Refusal } {
    this.signers.noteOther(signer)
    const why = this.signers.areGiven
      ? 'which --signer does not name'
      : `while others are signed by ${this.signers.first}`
    return { refusal: { words: `is signed by ${signer}, ${why}`, isLocked: false, signer } }
  }
}

function refuse(words: string): { refusal: Refusal } {
  return { refusal: { words, isLocked: false } }
}
