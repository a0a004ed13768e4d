import {
  type DocumentUnlocking,
  type Manifest,
  type OpenedPack,
  openEvidence,
  openIndex,
  openManifest,
  openPack,
  type SignedEvidence,
  type Signer,
  type VaultIndex,
} from '@telegram-backup/archive'
import { describeError, hint, option } from '@telegram-backup/errors'
import { fetchFrom, PUBLIC_FETCH_LIMIT_BYTES, type TelegramClient } from 'telegram-deployment-bot'
import type { Signers } from '#recover/signers.ts'

/** A downloaded document. */
export interface Downloaded {
  bytes: Buffer
  /** Hex. */
  sha256: string
}

/** A signed document that opened and is believed, or why it is not. */
export type Reading<Content> = ({ content: Content } & Signer) | { refusal: Refusal }

export interface Refusal {
  /** The problem, as the end of a sentence. */
  words: string
  /** It may be right: only a matching key is missing. */
  isLocked: boolean
  /** Fingerprint of the key that signed it and is not believed. */
  signer?: string
}

const AGE_HEADER = Buffer.from('age-encryption.org/')

/** Whether the bytes are those of an age file. */
export function isEncrypted(bytes: Buffer): boolean {
  return bytes.subarray(0, AGE_HEADER.length).equals(AGE_HEADER)
}

interface SignedDocumentsOptions {
  client: TelegramClient
  /** age identities. */
  identities: readonly string[]
  signers: Signers
  /** Whether an unencrypted document may be ours although there is a key and no named signer. */
  isClearBelieved: boolean
  signal: AbortSignal
}

/** Opens manifests, indexes, packs and evidence, and judges them by their signatures. */
export class SignedDocuments {
  readonly signers: Signers
  readonly #of: SignedDocumentsOptions
  #owner: { catalogId: string; generation: number } | undefined
  #opened = 0
  #wrongKey: unknown

  constructor(of: SignedDocumentsOptions) {
    this.signers = of.signers
    this.#of = of
  }

  get hasKey(): boolean {
    return this.#of.identities.length > 0
  }

  /** The catalog of the first believed document, with the highest generation of all of them. */
  get owner(): { catalogId: string; generation: number } | undefined {
    return this.#owner
  }

  /** The error of a document that needs another key, as long as no document has opened. */
  get wrongKey(): unknown {
    return this.#opened === 0 ? this.#wrongKey : undefined
  }

  /**
   * The file, of at most `maxBytes`; undefined when the server refuses it: it is gone, or the file id is
   * another bot's. A file with another SHA-256 is downloaded again before it counts. `isBrief`: only two
   * tries, since the server says the same of a file that is unavailable for a moment.
   */
  async download(
    fileId: string,
    { sha256, ...options }: { sha256: string; maxBytes?: number; isBrief?: boolean },
  ): Promise<Downloaded | undefined> {
    return await this.#fetch(fileId, { ...options, isRight: file => file.sha256 === sha256 })
  }

  /** The index in a file, or why it is refused; undefined when the server refuses the file. */
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
    const { client, signal } = this.#of
    const fetched = await fetchFrom(client, { fileId, isBrief }, { maxBytes, isRight, signal })
    return 'failure' in fetched ? undefined : fetched
  }

  /** Accepts an index of this chat that a believed key signed. */
  async #readIndex({ bytes }: Downloaded, chatId: string): Promise<Reading<VaultIndex>> {
    const reading = await this.#open(bytes, { isVouchedFor: false }, async unlocking => {
      const { index, ...signed } = await openIndex(bytes, unlocking)
      return { content: index, ...signed }
    })
    if ('refusal' in reading) return reading
    if (reading.content.chatId !== chatId) return refuse('was written for another chat')
    if (!this.signers.takes(reading)) return this.#unbelieved(reading.signer)
    this.signers.vouchFor(reading.content.signers)
    this.#noteOwner(reading.content)
    return reading
  }

  /** Accepts a manifest that a believed index names, or that a believed key signed. */
  async readManifest({ bytes }: Downloaded, options: { isVouchedFor: boolean }): Promise<Reading<Manifest>> {
    const reading = await this.#open(bytes, options, async unlocking => {
      const { manifest, ...signed } = await openManifest(bytes, unlocking)
      return { content: manifest, ...signed }
    })
    if ('refusal' in reading) return reading
    if (!options.isVouchedFor && !this.signers.takes(reading)) return this.#unbelieved(reading.signer)
    const { catalogId, generation } = reading.content
    if (catalogId !== undefined && generation !== undefined) this.#noteOwner({ catalogId, generation })
    return reading
  }

  /** Accepts a record that a believed index names, or that a believed key signed. */
  async readEvidence(
    { bytes }: Downloaded,
    options: { isVouchedFor: boolean },
  ): Promise<Reading<SignedEvidence>> {
    const reading = await this.#open(bytes, options, async unlocking => {
      const { before, ...content } = await openEvidence(bytes, unlocking)
      return { content, signer: content.signer, before }
    })
    if ('refusal' in reading) return reading
    if (!options.isVouchedFor && !this.signers.takes(reading)) return this.#unbelieved(reading.signer)
    return reading
  }

  /** Accepts a pack that a believed document names, or that a believed key signed. */
  async readPack({ bytes }: Downloaded, options: { isVouchedFor: boolean }): Promise<Reading<OpenedPack>> {
    const reading = await this.#open(bytes, options, async unlocking => {
      const pack = await openPack(bytes, unlocking)
      return { content: pack, signer: pack.signer, before: pack.before }
    })
    if ('refusal' in reading) return reading
    if (!options.isVouchedFor && !this.signers.takes(reading)) return this.#unbelieved(reading.signer)
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
    open: (unlocking: DocumentUnlocking) => Promise<{ content: Content } & Signer>,
  ): Promise<Reading<Content>> {
    const encrypted = isEncrypted(bytes)
    if (encrypted && !this.hasKey)
      return { refusal: { words: 'is encrypted, and there is no key', isLocked: true } }
    const mayBeAnybodys = !encrypted && this.hasKey && !this.#of.isClearBelieved
    if (mayBeAnybodys && !isVouchedFor && !this.signers.areGiven) {
      return refuse(
        String(
          hint`is not encrypted, although there is a key (to accept it: BACKUP_ENCRYPTION=off or ${option('signer')})`,
        ),
      )
    }
    let stranger: string | undefined
    const mayBeSignedBy = (signed: Signer): boolean => {
      this.signers.learn(signed)
      if (isVouchedFor || this.signers.believes(signed)) return true
      stranger = signed.signer
      return false
    }
    try {
      const identities = encrypted ? this.#of.identities : []
      const opened = await open({ encrypted, identities, mayBeSignedBy })
      this.#opened++
      return opened
    } catch (error) {
      const { code, message, hint: advice } = describeError(error)
      if (code === 'WRONG_KEY') {
        this.#wrongKey ??= error
        return { refusal: { words: 'is encrypted for another key', isLocked: true } }
      }
      if (code !== 'INTEGRITY') throw error
      if (stranger !== undefined) {
        this.#opened++
        return this.#unbelieved(stranger)
      }
      if (advice !== undefined) return refuse(`cannot be read here (${message}. ${advice})`)
      return refuse('is damaged, or its signature is invalid')
    }
  }

  #unbelieved(signer: string): { refusal: Refusal } {
    this.signers.noteOther(signer)
    const why = this.signers.areGiven
      ? String(hint`which ${option('signer')} does not name`)
      : `while others are signed by ${this.signers.first}`
    return { refusal: { words: `is signed by ${signer}, ${why}`, isLocked: false, signer } }
  }
}

function refuse(words: string): { refusal: Refusal } {
  return { refusal: { words, isLocked: false } }
}
