import { createHash } from 'node:crypto'
import type { PlainPieces } from '#age-file.ts'
import { ArchiveError, toArchiveError } from '#archive-error.ts'
import { joined, type Unlocking, unsealPieces } from '#encryption.ts'
import { hashInTurns } from '#hashing.ts'
import {
  assertFramesTake,
  decodeHeaderFrame,
  headerFrameSizeBytes,
  type PartHeader,
  SKIPPABLE_PREFIX_BYTES,
} from '#part-header.ts'
import { PieceReader } from '#piece-reader.ts'

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

/** A part whose header was checked. */
export interface OpenedPart {
  header: PartHeader
  /** The skippable frame that holds the header. */
  headerFrame: Uint8Array
  /** The zstd frames, which are decrypted as they are taken. */
  frames: PieceReader
}

/** Checks and decrypts the parts of one backup, in their order. */
export class PartOpener {
  readonly #expected: PartExpectations
  readonly #manifest: ReadonlyMap<number, ExpectedPart> | undefined
  readonly #firstNumber: number
  #opened = 0
  #isAtEnd = false
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

  /** Whether the parts need not be all parts of the backup. */
  get isPartial(): boolean {
    return this.#expected.partial === true
  }

  /** Whether the part that was opened last is the last of all. */
  get isAtEnd(): boolean {
    return this.#isAtEnd
  }

  /** @throws ArchiveError `INTEGRITY`, `WRONG_KEY`, with `partNumber` */
  async open(received: ReceivedPart): Promise<OpenedPart> {
    const number = this.nextNumber
    try {
      if (received.number !== number) throw damaged(`Part ${number} is missing: part ${received.number} came`)
      await this.#compareWithManifest(received)
      const { sizeBytes, pieces } = await this.#unseal(received.bytes)
      const frames = new PieceReader(pieces)
      const headerFrame = readHeaderFrame(frames)
      const header = decodeHeaderFrame(headerFrame)
      assertFramesTake(sizeBytes - headerFrame.length, header)
      this.#compareWithHeader(header)
      this.#opened += 1
      this.#isAtEnd = this.#expected.partial ? this.#opened === this.#manifest?.size : header.last
      this.#plainOffset = header.plainOffset + header.plainSize
      return { header, headerFrame, frames }
    } catch (error) {
      throw cannotOpen(number, error)
    }
  }

  /** The error for an archive that ended too early. */
  incomplete(): ArchiveError {
    const partNumber = this.nextNumber
    return new ArchiveError(`Part ${partNumber} is missing: the archive ends before its last part`, {
      code: 'INTEGRITY',
      partNumber,
    })
  }

  /** The error for an archive that goes on after its last part. */
  surplus(): ArchiveError {
    return new ArchiveError('Something follows the last part', {
      code: 'INTEGRITY',
      partNumber: this.nextNumber,
    })
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

  async #unseal(bytes: Uint8Array): Promise<PlainPieces> {
    try {
      const plain = await unsealPieces(bytes, this.#expected)
      // Without a manifest only the age tags tell whether the part is whole, the last of them included.
      return this.#manifest ? plain : { ...plain, pieces: [joined(plain)] }
    } catch (error) {
      // All parts have the same recipients: a key that opened the first one is not the wrong one.
      if (this.#opened > 0 && error instanceof ArchiveError && error.code === 'WRONG_KEY') {
        throw new ArchiveError('The age header was altered', { code: 'INTEGRITY', cause: error })
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

function readHeaderFrame(part: PieceReader): Uint8Array {
  const prefix = new Uint8Array(SKIPPABLE_PREFIX_BYTES)
  part.read(prefix)
  const frame = new Uint8Array(headerFrameSizeBytes(prefix))
  frame.set(prefix)
  part.read(frame.subarray(SKIPPABLE_PREFIX_BYTES))
  return frame
}

/** The error with the number of the part that it is about. */
export function cannotOpen(partNumber: number, error: unknown): ArchiveError {
  const { code, message, hint, cause } = toArchiveError(
    error,
    'INTEGRITY',
    `Part ${partNumber} cannot be opened`,
  )
  const words = code === 'WRONG_KEY' ? `None of the given keys opens part ${partNumber}` : message
  return new ArchiveError(words, { code, ...(hint !== undefined && { hint }), cause, partNumber })
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
    throw new ArchiveError('The parts of a partial archive must be named and consecutive', {
      code: 'CONFIGURATION',
    })
  }
  return first
}

function damaged(message: string): ArchiveError {
  return new ArchiveError(message, { code: 'INTEGRITY' })
}
