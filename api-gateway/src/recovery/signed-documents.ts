import { createHash } from 'node:crypto'
import { type Manifest, openIndex, openManifest, type VaultIndex } from '@telegram-backup/archive'
import {
  locateBriefly,
  PUBLIC_FETCH_LIMIT_BYTES,
  type TelegramClient,
  TelegramError,
} from 'telegram-deployment-bot'
import { describeError } from '#lib/backups/backup-error.ts'
import type { Signers } from '#recovery/signers.ts'

/** A document as it came from the chat. */
export interface Downloaded {
  bytes: Buffer
  /** Hex. */
  sha256: string
}

/** A signed document that opened and is believed, or why not. */
export type Reading<Content> = { content: Content; signer: string } | { refusal: Refusal }

export interface Refusal {
  /** What is wrong with it, as the end of a sentence about it. */
  words: string
  /** Nothing wrong is known of it: there is no key, or another one opens it. */
  isLocked: boolean
}

const AGE_HEADER = Buffer.from('age-encryption.org/')

/** Opens manifests and indexes with the key, and believes them for their signatures. */
export class SignedDocuments {
  readonly signers: Signers
  readonly #client: TelegramClient
  readonly #identities: readonly string[]
  readonly #signal: AbortSignal
  #opened = 0
  #wrongKey: unknown

  constructor(of: {
    client: TelegramClient
    identities: readonly string[]
    signers: Signers
    signal: AbortSignal
  }) {
    this.signers = of.signers
    this.#client = of.client
    this.#identities = of.identities
    this.#signal = of.signal
  }

  get hasKey(): boolean {
    return this.#identities.length > 0
  }

  /** The error of a document that another key opens, when no document at all has opened; else undefined. */
  get wrongKey(): unknown {
    return this.#opened === 0 ? this.#wrongKey : undefined
  }

  /**
   * The file, of at most `maxBytes`; undefined when the server does not give it: it is gone, or the file id is another
   * bot's. With `isBrief` the server is asked only twice, since it says the same of a file that is unavailable for a moment.
   */
  async download(
    fileId: string,
    { maxBytes = PUBLIC_FETCH_LIMIT_BYTES, isBrief = false }: { maxBytes?: number; isBrief?: boolean } = {},
  ): Promise<Downloaded | undefined> {
    const signal = this.#signal
    try {
      const path = isBrief ? await locateBriefly(this.#client, { fileId, signal }) : undefined
      const located = path === undefined ? undefined : Promise.resolve(path)
      const { bytes } = await this.#client.downloadFile(fileId, { maxBytes, located, signal })
      return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
    } catch (error) {
      if (isAboutTheFile(error)) return undefined
      throw error
    }
  }

  /** An index that is signed by somebody who is believed, and was drawn for this chat. */
  async readIndex({ bytes }: Downloaded, chatId: string): Promise<Reading<VaultIndex>> {
    const reading = await this.#open(bytes, async unlocking => {
      const { index, signer } = await openIndex(bytes, unlocking)
      return { content: index, signer }
    })
    if ('refusal' in reading) return reading
    if (reading.content.chatId !== chatId) return refuse('was drawn for another chat')
    if (!this.signers.believes(reading.signer)) return this.#unbelieved(reading.signer)
    this.signers.vouchFor(reading.content.signers)
    return reading
  }

  /** A manifest that a believed index names, whoever signed it, or one that is signed by somebody who is believed. */
  async readManifest({ bytes }: Downloaded, options: { isVouchedFor: boolean }): Promise<Reading<Manifest>> {
    const reading = await this.#open(bytes, async unlocking => {
      const { manifest, signer } = await openManifest(bytes, unlocking)
      return { content: manifest, signer }
    })
    if ('refusal' in reading || options.isVouchedFor || this.signers.believes(reading.signer)) return reading
    return this.#unbelieved(reading.signer)
  }

  async #open<Content>(
    bytes: Buffer,
    open: (unlocking: { encrypted: boolean; identities: readonly string[] }) => Promise<{
      content: Content
      signer: string
    }>,
  ): Promise<Reading<Content>> {
    const encrypted = bytes.subarray(0, AGE_HEADER.length).equals(AGE_HEADER)
    if (encrypted && !this.hasKey)
      return { refusal: { words: 'is encrypted, and there is no key', isLocked: true } }
    try {
      const opened = await open({ encrypted, identities: encrypted ? this.#identities : [] })
      this.#opened++
      return opened
    } catch (error) {
      const { code } = describeError(error)
      if (code === 'WRONG_KEY') {
        this.#wrongKey ??= error
        return { refusal: { words: 'is encrypted for another key', isLocked: true } }
      }
      if (code !== 'INTEGRITY') throw error
      return refuse('is damaged, or its signature does not fit')
    }
  }

  #unbelieved(signer: string): { refusal: Refusal } {
    const why = this.signers.areGiven
      ? 'which --signer does not name'
      : `while others are signed by ${this.signers.first}`
    return refuse(`is signed by ${signer}, ${why}`)
  }
}

/** The server does not give the file, or something else in its place. */
function isAboutTheFile(error: unknown): boolean {
  if (!(error instanceof TelegramError)) return false
  return error.code === 'UNPROVEN' || (error.code === 'REFUSED' && error.retryAfterSeconds === undefined)
}

function refuse(words: string): { refusal: Refusal } {
  return { refusal: { words, isLocked: false } }
}
