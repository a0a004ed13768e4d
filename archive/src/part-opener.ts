import { createHash } from 'node:crypto'
import { ArchiveError, toArchiveError } from '#archive-error.ts'
import { type Unlocking, unseal } from '#encryption.ts'
import { hashInTurns } from '#hashing.ts'
import { decodePartHeader, type PartHeader } from '#part-header.ts'

/** A part as it was fetched; nothing about it is believed. */
export interface ReceivedPart {
  /** From 1. */
  number: number
  bytes: Uint8Array
  /** SHA-256 of exactly these bytes, hex, where whoever fetched them has computed it already. */
  sha256?: string
}

/** What a manifest says about a part as sent. */
export interface ExpectedPart {
  number: number
  /** Bytes. */
  size: number
  /** Hex. */
  sha256: string
}

/** What the parts are checked against. */
export interface PartExpectations extends Unlocking {
  /** The parts must belong to this backup. */
  backupId: string
  /** From the signed manifest: size and SHA-256 of every part, compared before anything else is done with it. */
  expectedParts?: readonly ExpectedPart[]
  /**
   * The parts are consecutive, but may begin and end anywhere. `expectedParts` is required then, and the plain bytes
   * begin where those of the first part do.
   */
  partial?: boolean
}

/** A decrypted part. */
export interface OpenedPart {
  header: PartHeader
  /** The zstd frames, sized as the header says, in memory of their own. */
  frames: Uint8Array<ArrayBuffer>
}

/** Checks and decrypts the parts of one backup, in their order. */
export class PartOpener {
  readonly #expected: PartExpectations
  readonly #manifest: ReadonlyMap<number, ExpectedPart> | undefined
  readonly #firstNumber: number
  #opened = 0
  /** Where the next part begins; unknown before the first of a partial archive. */
  #plainOffset: number | undefined

  /** @throws ArchiveError `CONFIGURATION` when a partial archive has no expected parts, or not consecutive ones */
  constructor(expected: PartExpectations) {
    const { expectedParts, partial } = expected
    this.#expected = expected
    if (expectedParts) this.#manifest = new Map(expectedParts.map(part => [part.number, part]))
    this.#firstNumber = partial ? firstOfConsecutive(expectedParts ?? []) : 1
    if (!partial) this.#plainOffset = 0
  }

  /** Number of the part that must come next. */
  get nextNumber(): number {
    return this.#firstNumber + this.#opened
  }

  /** Whether everything that was expected has been opened, where that is known without the part's header. */
  get isPartialEnd(): boolean {
    return this.#expected.partial === true && this.#opened === this.#manifest?.size
  }

  /** @throws ArchiveError `INTEGRITY`, `WRONG_KEY`, with `partNumber` */
  async open(received: ReceivedPart): Promise<OpenedPart> {
    const number = this.nextNumber
    try {
      if (received.number !== number) throw damaged(`Part ${number} is missing: part ${received.number} came`)
      await this.#compareWithManifest(received)
      const plain = await this.#unseal(received.bytes)
      const { header, frames } = decodePartHeader(plain)
      this.#compareWithHeader(header)
      this.#opened += 1
      this.#plainOffset = header.plainOffset + header.plainSize
      return { header, frames }
    } catch (error) {
      const { code, message, hint, cause } = toArchiveError(
        error,
        'INTEGRITY',
        `Part ${number} cannot be opened`,
      )
      throw new ArchiveError(code, message, {
        ...(hint !== undefined && { hint }),
        cause,
        partNumber: number,
      })
    }
  }

  /** The error for an archive that ended too early. */
  incomplete(): ArchiveError {
    const partNumber = this.nextNumber
    return new ArchiveError(
      'INTEGRITY',
      `Part ${partNumber} is missing: the archive ends before its last part`,
      {
        partNumber,
      },
    )
  }

  /** The error for an archive that goes on after its last part. */
  surplus(): ArchiveError {
    return new ArchiveError('INTEGRITY', 'Something follows the last part', { partNumber: this.nextNumber })
  }

  async #compareWithManifest({ number, bytes, sha256 }: ReceivedPart): Promise<void> {
    if (!this.#manifest) return
    const expected = this.#manifest.get(number)
    if (!expected) throw damaged(`The manifest knows no part ${number}`)
    if (bytes.length !== expected.size) {
      throw damaged(`Part ${number} has ${bytes.length} bytes, the manifest says ${expected.size}`)
    }
    if ((sha256 ?? (await sha256Of(bytes))) !== expected.sha256) {
      throw damaged(`The SHA-256 of part ${number} is not the one in the manifest`)
    }
  }

  async #unseal(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return await unseal(bytes, this.#expected)
    } catch (error) {
      // All parts have the same recipients: a key that opened the first one is not the wrong one.
      if (this.#opened > 0 && error instanceof ArchiveError && error.code === 'WRONG_KEY') {
        throw new ArchiveError('INTEGRITY', 'The age header was altered', { cause: error })
      }
      throw error
    }
  }

  #compareWithHeader(header: PartHeader): void {
    const number = this.nextNumber
    if (header.backup.id !== this.#expected.backupId) {
      throw damaged(`Part ${number} belongs to another backup, ${header.backup.id}`)
    }
    if (header.part !== number) throw damaged(`Part ${header.part} came in the place of part ${number}`)
    if (this.#plainOffset !== undefined && header.plainOffset !== this.#plainOffset) {
      throw damaged(`Part ${number} begins at byte ${header.plainOffset} instead of ${this.#plainOffset}`)
    }
    const isLastExpected = this.#opened + 1 === this.#manifest?.size
    if (this.#manifest && header.last !== isLastExpected && !(this.#expected.partial && isLastExpected)) {
      throw damaged(`Part ${number} is ${header.last ? '' : 'not '}the last one, against the manifest`)
    }
  }
}

async function sha256Of(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256')
  await hashInTurns(bytes, hash)
  return hash.digest('hex')
}

function firstOfConsecutive(parts: readonly ExpectedPart[]): number {
  const numbers = parts.map(part => part.number).sort((a, b) => a - b)
  const first = numbers[0]
  if (first === undefined || numbers.some((number, index) => number !== first + index)) {
    throw new ArchiveError('CONFIGURATION', 'The parts of a partial archive must be named and consecutive')
  }
  return first
}

function damaged(message: string): ArchiveError {
  return new ArchiveError('INTEGRITY', message)
}
