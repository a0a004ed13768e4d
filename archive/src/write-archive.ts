import { createHash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { ArchiveError, toArchiveError } from '#archive-error.ts'
import { ArchiveRun } from '#archive-run.ts'
import { type Encryption, recipientsOf, sealFor } from '#encryption.ts'
import { hashInTurns } from '#hashing.ts'
import {
  type BackupIdentity,
  checkedIdentity,
  decodePartHeader,
  MAX_HEADER_FRAME_BYTES,
  type PartHeader,
} from '#part-header.ts'
import { PartMemory } from '#part-memory.ts'
import { DEFAULT_PART_SIZE_BYTES, type PartPlan, planParts } from '#part-planner.ts'
import { type ArchiveSource, abandon, fillBlocks, isDescriptor } from '#source.ts'
import { assistantRing, BlockClaims, type SharedAssistance } from '#threads/assistance.ts'
import type { BlockRing, SharedBlocks } from '#threads/block-ring.ts'
import type { AssistantTask } from '#threads/compressing-assistant.ts'
import type { CompressorTask } from '#threads/compressor.ts'
import type { ReaderTask } from '#threads/reader.ts'

/** Plain blocks between the source and the compressor, so many that its assistant finds some to do. */
const BLOCK_SLOTS = 8
/** One part is sealed, or held by the consumer, while the next is filled. */
const PART_SLOTS = 2

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
  const tally = new ArchiveTally(plan)
  const parts = writeParts(source, { ...options, backup, plan, tally })
  return {
    get summary() {
      return tally.summary
    },
    [Symbol.asyncIterator]: () => parts,
  }
}

type Writing = WriteArchiveOptions & { plan: PartPlan; tally: ArchiveTally }

async function* writeParts(source: ArchiveSource, options: Writing): AsyncGenerator<SealedPart, void> {
  const { plan, tally } = options
  const run = new ArchiveRun(options.signal)
  try {
    run.atEnd(() => abandon(source))
    const blocks = run.ring({ slots: BLOCK_SLOTS, slotSizeBytes: plan.blockSizeBytes })
    const parts = run.ring({ slots: PART_SLOTS, slotSizeBytes: plan.capacityBytes + MAX_HEADER_FRAME_BYTES })
    const progress = run.progress(options.onProgress)
    const reportProgress = options.onProgress !== undefined
    const assistance: SharedAssistance = {
      claims: BlockClaims.allocate(BLOCK_SLOTS),
      frames: run.ring(assistantRing(plan.blockSizeBytes)).shared,
    }
    const task = {
      blocks: blocks.shared,
      parts: parts.shared,
      assistance,
      plan,
      backup: options.backup,
      reportProgress,
    }
    startCompressor(run, task, progress)
    startReading(run, source, blocks)
    // Loads the age library, which takes its time, while the threads already work.
    const seal = sealFor(options.encryption)
    const memory = new PartMemory(plan.partSizeBytes)

    for (let last = false; !last; ) {
      const plain = await parts.ring.blockAvailable(run.check)
      if (!plain) throw new ArchiveError('INTEGRITY', 'The compressor ended before the last part')
      const { header } = decodePartHeader(plain)
      let release = (): void => undefined
      const bytes = await seal(plain, sizeBytes => {
        const taken = memory.take(sizeBytes)
        release = taken.release
        return taken.bytes
      })
      const sealed = { ...(await tally.add(header, bytes)), release }
      run.check()
      if (header.last) {
        last = true
        parts.ring.release()
        await parts.ring.blockAvailable(run.check)
        tally.finish(header.wholeSha256, blocks.ring.producedBytes)
        progress(header.plainOffset + header.plainSize)
        yield sealed
      } else {
        // Not for a small backup: a thread takes time to start, and memory.
        if (header.part === 1) startAssistant(run, { blocks: blocks.shared, assistance })
        yield sealed
        // Only now may the part after the next one be begun.
        parts.ring.release()
      }
    }
  } catch (error) {
    throw toArchiveError(error, 'INTEGRITY', 'The archive could not be written')
  } finally {
    await run.close()
  }
}

function startCompressor(
  run: ArchiveRun,
  task: CompressorTask,
  progress: (plainBytes: number) => void,
): void {
  run.start<number>({
    module: '#threads/compressor.ts',
    task,
    onMessage: progress,
    onFailure: compressingFailed(run),
  })
}

/** A second compressor, of use when there is a core for it. */
function startAssistant(run: ArchiveRun, task: AssistantTask): void {
  if (availableParallelism() < 2) return
  run.start({ module: '#threads/compressing-assistant.ts', task, onFailure: compressingFailed(run) })
}

function compressingFailed(run: ArchiveRun): (error: Error) => void {
  return error => run.fail(toArchiveError(error, 'INTEGRITY', 'Compressing failed'))
}

function startReading(
  run: ArchiveRun,
  source: ArchiveSource,
  { ring, shared }: { ring: BlockRing; shared: SharedBlocks },
): void {
  const failed = (error: unknown): void =>
    run.fail(toArchiveError(error, 'SOURCE', 'The source of the backup failed while it was read'))
  if (isDescriptor(source)) {
    const task: ReaderTask = { fd: source.fd, blocks: shared }
    run.start({ module: '#threads/reader.ts', task, onFailure: failed })
  } else {
    fillBlocks(source, ring, run.check).catch(failed)
  }
}

/** Adds up the parts and compares with what was read: what is lost on the way must not pass for a backup. */
class ArchiveTally {
  readonly #plan: PartPlan
  readonly #hash = createHash('sha256')
  #summary: ArchiveSummary | undefined
  #parts = 0
  #frames = 0
  #plainSize = 0
  #archiveSize = 0

  constructor(plan: PartPlan) {
    this.#plan = plan
  }

  get summary(): ArchiveSummary {
    if (this.#summary) return this.#summary
    throw new ArchiveError('CONFIGURATION', 'The archive has no summary before its last part was taken')
  }

  async add(header: PartHeader, bytes: Buffer): Promise<Omit<SealedPart, 'release'>> {
    const { part: number, last, plainOffset, plainSize, plainSha256 } = header
    if (number !== this.#parts + 1 || plainOffset !== this.#plainSize) {
      throw new ArchiveError('INTEGRITY', `Part ${number} came out of order`, { partNumber: number })
    }
    if (bytes.length > this.#plan.partSizeBytes) {
      throw new ArchiveError('INTEGRITY', 'A part became too large', { partNumber: number })
    }
    this.#parts += 1
    this.#frames += header.frames.length
    this.#plainSize += plainSize
    this.#archiveSize += bytes.length
    const hash = createHash('sha256')
    await hashInTurns(bytes, hash, this.#hash)
    return { number, last, bytes, sha256: hash.digest('hex'), plainOffset, plainSize, plainSha256 }
  }

  finish(plainSha256: string, plainBytesRead: number): void {
    const frames = Math.max(1, Math.ceil(plainBytesRead / this.#plan.blockSizeBytes))
    if (this.#plainSize !== plainBytesRead || this.#frames !== frames) {
      throw new ArchiveError(
        'INTEGRITY',
        `${plainBytesRead} bytes in ${frames} blocks were read, ${this.#plainSize} in ${this.#frames} were packed`,
      )
    }
    this.#summary = {
      parts: this.#parts,
      plainSize: this.#plainSize,
      plainSha256,
      archiveSize: this.#archiveSize,
      archiveSha256: this.#hash.digest('hex'),
    }
  }
}
