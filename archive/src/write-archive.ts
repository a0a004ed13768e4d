import { ArchiveError, toArchiveError } from '#archive-error.ts'
import { ArchiveRun } from '#archive-run.ts'
import { type EarlierParts, earlierParts, provenEarlier, type Resumption } from '#earlier-parts.ts'
import { type Encryption, recipientsOf } from '#encryption.ts'
import { type PackedPart, Packing } from '#packing.ts'
import { type BackupIdentity, checkedIdentity, type PartHeader } from '#part-header.ts'
import { DEFAULT_PART_SIZE_BYTES, type PartPlan, planParts } from '#part-planner.ts'
import { PartSealer, sealingGrowthBytes } from '#part-sealer.ts'
import { type ArchiveSource, abandon } from '#source.ts'
import type { PartSealed } from '#threads/sealer.ts'

/** One part, ready to be sent. */
export interface SealedPart {
  /** From 1. */
  number: number
  last: boolean
  bytes: Buffer
  /** SHA-256 of `bytes`, hex. */
  sha256: string
  /** Where the plain bytes of this part begin in the whole, in bytes. */
  plainOffset: number
  plainSize: number
  /** SHA-256 of the plain bytes of this part, hex. */
  plainSha256: string
  /**
   * Gives the memory of `bytes` back, to be overwritten by a later part: once they were sent, or will not be. Calling
   * it again does nothing; a part that is never released only costs memory.
   */
  release(): void
}

/** The finished archive. Sizes in bytes, hashes in hex. */
export interface ArchiveSummary {
  parts: number
  plainSize: number
  plainSha256: string
  archiveSize: number
  /** SHA-256 of all parts joined. */
  archiveSha256: string
}

/** The parts in order, to be iterated once. Leaving the loop early ends the threads. */
export interface ArchiveWriter extends AsyncIterable<SealedPart> {
  /** @throws ArchiveError `CONFIGURATION` until the last part was taken. */
  readonly summary: ArchiveSummary
}

/** How an archive is written. */
export interface WriteArchiveOptions {
  backup: BackupIdentity
  encryption: Encryption
  /** Bytes in one part as sent, at most; {@link DEFAULT_PART_SIZE_BYTES} by default. */
  partSizeBytes?: number
  /**
   * Goes on where an earlier run ended. The source must be the same file again, at its beginning: `SOURCE` when what it
   * begins with is not what the finished parts were made of. Only the parts that are missing come out.
   */
  resume?: Resumption | undefined
  signal?: AbortSignal
  /** Hears how many plain bytes were read and compressed so far. */
  onProgress?: (plainBytesRead: number) => void
}

/**
 * Cuts the source into blocks, compresses and packs them into parts, and encrypts each part. Nothing starts before
 * the first part is asked for; while the consumer holds a part, the next one is prepared, and no more than that.
 * The last part says that the input ended, not that it is good: whether the dump behind a pipe succeeded, the caller
 * checks before it takes the archive for a backup.
 * @throws ArchiveError at the call: `NO_KEY`, `CONFIGURATION`; while iterating: `SOURCE`, `CANCELLED`,
 *   `CONFIGURATION` (a malformed recipient), `INTEGRITY` (our own counts do not add up)
 */
export function writeArchive(source: ArchiveSource, options: WriteArchiveOptions): ArchiveWriter {
  const backup = checkedIdentity(options.backup)
  const plan = planParts({
    partSizeBytes: options.partSizeBytes ?? DEFAULT_PART_SIZE_BYTES,
    recipientCount: recipientsOf(options.encryption).length,
    backup,
  })
  const earlier = earlierParts(options.resume, source)
  const tally = new ArchiveTally(plan, earlier)
  const parts = writeParts(source, { ...options, backup, plan, tally, earlier })
  return {
    get summary() {
      return tally.summary
    },
    [Symbol.asyncIterator]: () => parts,
  }
}

type Writing = WriteArchiveOptions & { plan: PartPlan; tally: ArchiveTally; earlier: EarlierParts }

async function* writeParts(source: ArchiveSource, options: Writing): AsyncGenerator<SealedPart, void> {
  const { plan, tally, backup, encryption, earlier, resume, onProgress } = options
  const run = new ArchiveRun(options.signal)
  let packing: Packing | undefined
  let unsealed: PackedPart | undefined
  try {
    run.atEnd(() => abandon(source))
    const growthBytes = sealingGrowthBytes(plan.capacityBytes, recipientsOf(encryption).length)
    packing = new Packing(run, source, { plan, backup, growthBytes, earlier, onProgress })
    const sealer = new PartSealer(run, encryption)
    if (resume) for await (const bytes of provenEarlier(resume)) await sealer.hashEarlier(bytes)
    for (let last = false; !last; ) {
      unsealed = await packing.next()
      const { header, slot, place } = unsealed
      last = header.last
      const sealed = await sealer.seal({ memory: slot.memory, ...place })
      const bytes = Buffer.from(slot.memory, sealed.start, sealed.end - sealed.start)
      const part = { ...tally.add(header, sealed), bytes, release: slot.release }
      run.check()
      if (header.last) {
        const plainBytesRead = await packing.end()
        tally.finish({ plainSha256: header.wholeSha256, plainBytesRead, archiveSha256: sealed.archiveSha256 })
      }
      unsealed = undefined
      yield part
    }
  } catch (error) {
    throw toArchiveError(error, 'INTEGRITY', 'The archive could not be written')
  } finally {
    await run.close()
    unsealed?.slot.release()
    packing?.close()
  }
}

/** Adds up the parts and compares with what was read: what is lost on the way must not pass for a backup. */
class ArchiveTally {
  readonly #plan: PartPlan
  readonly #earlier: EarlierParts
  #summary: ArchiveSummary | undefined
  #parts: number
  #frames = 0
  #plainSize: number
  #archiveSize: number

  constructor(plan: PartPlan, earlier: EarlierParts) {
    this.#plan = plan
    this.#earlier = earlier
    this.#parts = earlier.parts.length
    this.#plainSize = earlier.plainSize
    this.#archiveSize = earlier.archiveSize
  }

  get summary(): ArchiveSummary {
    if (this.#summary) return this.#summary
    throw new ArchiveError('The archive has no summary before its last part was taken', {
      code: 'CONFIGURATION',
    })
  }

  add(header: PartHeader, sealed: PartSealed): Omit<SealedPart, 'bytes' | 'release'> {
    const { part: number, last, plainOffset, plainSize, plainSha256 } = header
    const sizeBytes = sealed.end - sealed.start
    if (number !== this.#parts + 1 || plainOffset !== this.#plainSize) {
      throw new ArchiveError(`Part ${number} came out of order`, { code: 'INTEGRITY', partNumber: number })
    }
    if (sizeBytes > this.#plan.partSizeBytes) {
      throw new ArchiveError('A part became too large', { code: 'INTEGRITY', partNumber: number })
    }
    this.#parts += 1
    this.#frames += header.frames.length
    this.#plainSize += plainSize
    this.#archiveSize += sizeBytes
    return { number, last, sha256: sealed.sha256, plainOffset, plainSize, plainSha256 }
  }

  finish(end: { plainSha256: string; plainBytesRead: number; archiveSha256: string }): void {
    const { plainBytesRead, plainSha256, archiveSha256 } = end
    const packedNow = plainBytesRead - this.#earlier.plainSize
    const frames = Math.max(1, Math.ceil(packedNow / this.#plan.blockSizeBytes))
    if (this.#plainSize !== plainBytesRead || this.#frames !== frames) {
      throw new ArchiveError(
        `${plainBytesRead} bytes were read, the rest of them in ${frames} blocks; ${this.#plainSize} in ${this.#frames} were packed`,
        { code: 'INTEGRITY' },
      )
    }
    this.#summary = {
      parts: this.#parts,
      plainSize: this.#plainSize,
      plainSha256,
      archiveSize: this.#archiveSize,
      archiveSha256,
    }
  }
}
