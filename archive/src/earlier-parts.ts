import { createHash } from 'node:crypto'
import { ArchiveError } from '#archive-error.ts'
import { hashInTurns } from '#hashing.ts'
import { type ArchiveSource, isDescriptor } from '#source.ts'

/** A part of an earlier run. Sizes in bytes, hashes in hex. */
export interface FinishedPart {
  /** As sent. */
  size: number
  sha256: string
  plainSize: number
  plainSha256: string
}

export interface Resumption {
  /** Parts 1 to n, in order, without the archive's last part. */
  parts: readonly FinishedPart[]
  /** The bytes of these parts as sent, in order, for the hash of the whole. */
  bytes: AsyncIterable<Uint8Array>
}

/** The parts that need not be made. */
export interface EarlierParts {
  readonly parts: readonly FinishedPart[]
  readonly plainSize: number
  readonly archiveSize: number
}

/** @throws ArchiveError `CONFIGURATION` for a source that cannot be read again */
export function earlierParts(resumption: Resumption | undefined, source: ArchiveSource): EarlierParts {
  const parts = resumption?.parts ?? []
  if (parts.length > 0 && !isDescriptor(source)) {
    throw new ArchiveError('Only the archive of a file can be resumed', { code: 'CONFIGURATION' })
  }
  const sum = (size: (part: FinishedPart) => number): number =>
    parts.reduce((total, part) => total + size(part), 0)
  return { parts, plainSize: sum(part => part.plainSize), archiveSize: sum(part => part.size) }
}

/**
 * Passes on the bytes of the earlier parts.
 * @throws ArchiveError `INTEGRITY` for a missing or changed part
 */
export async function* provenEarlier(resumption: Resumption): AsyncGenerator<Uint8Array> {
  let number = 0
  for await (const bytes of resumption.bytes) {
    const part = resumption.parts[number]
    number += 1
    const hash = createHash('sha256')
    await hashInTurns(bytes, hash)
    if (bytes.length !== part?.size || hash.digest('hex') !== part.sha256) throw notAsSent(number)
    yield bytes
  }
  if (number !== resumption.parts.length) throw notAsSent(number + 1)
}

function notAsSent(number: number): ArchiveError {
  return new ArchiveError(`Part ${number} is not what was sent`, { code: 'INTEGRITY', partNumber: number })
}
