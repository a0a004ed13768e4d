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

export interface SealedPart {
  /** From 1. */
  number: number
  last: boolean
  bytes: Buffer
  /** SHA-256 of `bytes`, hex. */
  sha256: string
  /** Offset of its plain bytes in the whole. */
  plainOffset: number
  plainSize: number
  /** Hex. */
  plainSha256: string
  /**
   * Gives the memory of `bytes` back, for a later part. Further calls do nothing; without any, memory is
   * lost.
   */
  release(): void
}

/** Sizes in bytes, hashes in hex. */
export interface ArchiveSummary {
  parts: number
  plainSize: number
  plainSha256: string
  archiveSize: number
  /** Of all parts joined. */
  archiveSha256: string
}

/** The parts, to be iterated once. Leaving the loop ends the threads. */
export interface ArchiveWriter extends AsyncIterable<SealedPart> {
  /** @throws ArchiveError `CONFIGURATION` before the last part was taken */
  readonly summary: ArchiveSummary
}

export interface WriteArchiveOptions {
  backup: BackupIdentity
  encryption: Encryption
  /** Most bytes of a part as sent; default {@link DEFAULT_PART_SIZE_BYTES}. */
  partSizeBytes?: number
  /**
   * Resumes an earlier run: only the missing parts come out. The source must be the same file, at its
   * beginning; `SOURCE` when its bytes are not those of the finished parts.
   */
  resume?: Resumption | undefined
  signal?: AbortSignal
  /** Called with the number of compressed plain bytes. */
  onProgress?: (plainBytesRead: number) => void
}

/**
 * Compresses the source in blocks, packs them into parts, and encrypts each part. Nothing starts before the
 * first part is asked for; while the consumer holds a part, only the next one is prepared. The last part
 * shows that the input ended, not that it is good: the caller checks whether the dump behind a pipe
 * succeeded.
 * @throws ArchiveError at the call: `NO_KEY`, `CONFIGURATION`; while iterating: `SOURCE`, `CANCELLED`,
 * `CONFIGURATION` (a malformed recipient), `INTEGRITY` (our counts do not add up)
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

/** Adds up the parts and compares with what was read: lost bytes must not pass for a backup. */
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
