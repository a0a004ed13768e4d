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

/** A fetched part, unchecked. */
export interface ReceivedPart {
  /** From 1. */
  number: number
  bytes: Uint8Array
  /** SHA-256 of these bytes, hex, if it is already known. */
  sha256?: string
}

/** A part as sent, by the manifest. */
export interface ExpectedPart {
  number: number
  /** Bytes. */
  size: number
  /** Hex. */
  sha256: string
}

export interface PartExpectations extends Unlocking {
  backupId: string
  /** From the signed manifest, compared before anything else. */
  expectedParts?: readonly ExpectedPart[]
  /**
   * The parts are consecutive, but not all. Needs `expectedParts`; the plain bytes begin with the first
   * part's.
   */
  partial?: boolean
}

export interface OpenedPart {
  header: PartHeader
  headerFrame: Uint8Array
  /** Decrypted as they are read. */
  frames: PieceReader
}

/** Checks and decrypts the parts of one backup, in order. */
export class PartOpener {
  readonly #expected: PartExpectations
  readonly #manifest: ReadonlyMap<number, ExpectedPart> | undefined
  readonly #firstNumber: number
  #opened = 0
  #isAtEnd = false
  /** Unknown before the first part of a partial archive. */
  #plainOffset: number | undefined

  /** @throws ArchiveError `CONFIGURATION` for a partial archive without consecutive expected parts */
  constructor(expected: PartExpectations) {
    const { expectedParts, partial } = expected
    this.#expected = expected
    if (expectedParts) this.#manifest = new Map(expectedParts.map(part => [part.number, part]))
    this.#firstNumber = partial ? firstOfConsecutive(expectedParts ?? []) : 1
    if (!partial) this.#plainOffset = 0
  }

  get nextNumber(): number {
    return this.#firstNumber + this.#opened
  }

  get isPartial(): boolean {
    return this.#expected.partial === true
  }

  /** Whether the last part was opened. */
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

  incomplete(): ArchiveError {
    const partNumber = this.nextNumber
    return new ArchiveError(`Part ${partNumber} is missing: the archive ends before its last part`, {
      code: 'INTEGRITY',
      partNumber,
    })
  }

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
      // Without a manifest, only the age tags, the last included, show that the part is complete.
      return this.#manifest ? plain : { ...plain, pieces: [joined(plain)] }
    } catch (error) {
      // All parts have the same recipients: a key that opened the first one is right.
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

export function cannotOpen(partNumber: number, error: unknown): ArchiveError {
  const { code, message, hint, cause } = toArchiveError(
    error,
    'INTEGRITY',
    `Part ${partNumber} cannot be opened`,
  )
  const words = code === 'WRONG_KEY' ? `None of the given keys opens part ${partNumber}` : message
  return new ArchiveError(words, { code, hint, cause, partNumber })
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
