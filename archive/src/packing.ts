import { availableParallelism } from 'node:os'
import { ArchiveError, toArchiveError } from '#archive-error.ts'
import type { ArchiveRun } from '#archive-run.ts'
import type { EarlierParts } from '#earlier-parts.ts'
import {
  type BackupIdentity,
  decodePartHeader,
  MAX_HEADER_FRAME_BYTES,
  type PartHeader,
} from '#part-header.ts'
import { PartMemory, type PartSlot } from '#part-memory.ts'
import type { PartPlan } from '#part-planner.ts'
import { type ArchiveSource, fillBlocks, isDescriptor } from '#source.ts'
import { assistantRing, BlockClaims } from '#threads/assistance.ts'
import type { BlockRing } from '#threads/block-ring.ts'
import type { AssistantTask } from '#threads/compressing-assistant.ts'
import type { CompressorTask } from '#threads/compressor.ts'
import { PART_PLACE_BYTES, type PartPlace, readPartPlace } from '#threads/part-place.ts'
import type { ReaderTask, WatchEnd } from '#threads/reader.ts'
import type { Thread } from '#threads/thread.ts'

/** Plain blocks before the compressor: enough for its assistant to find work. */
const BLOCK_SLOTS = 8
/** Parts that the compressor fills, or has finished: one of each. */
const PART_SLOTS = 2

export interface PackedPart {
  header: PartHeader
  /** The part's memory, now the caller's. */
  slot: PartSlot
  place: PartPlace
}

export interface PackingOptions {
  plan: PartPlan
  backup: BackupIdentity
  /** Free bytes in the memory before a part, for its growth. */
  growthBytes: number
  /** Finished parts, whose plain bytes are skipped. */
  earlier: EarlierParts
  onProgress: ((plainBytesRead: number) => void) | undefined
}

/**
 * Packs the source into parts, in threads. While the last part is sealed and sent, only the next one is
 * prepared.
 */
export class Packing {
  readonly #run: ArchiveRun
  readonly #memory: PartMemory
  readonly #slots: PartSlot[] = []
  readonly #blocks: BlockRing
  readonly #supplied: BlockRing
  readonly #parts: BlockRing
  readonly #compressor: Thread
  readonly #assistant: AssistantTask
  readonly #progress: (plainBytes: number) => void
  readonly #earlier: EarlierParts

  constructor(run: ArchiveRun, source: ArchiveSource, options: PackingOptions) {
    const { plan, backup, growthBytes, earlier, onProgress } = options
    const framesOffset = growthBytes + MAX_HEADER_FRAME_BYTES
    const blocks = run.ring({ slots: BLOCK_SLOTS, slotSizeBytes: plan.blockSizeBytes })
    const supplied = run.ring({ slots: PART_SLOTS, slotSizeBytes: 1 })
    const parts = run.ring({ slots: PART_SLOTS, slotSizeBytes: PART_PLACE_BYTES })
    const assistantFrames = run.ring(assistantRing(plan.blockSizeBytes))
    const assistance = { claims: BlockClaims.allocate(BLOCK_SLOTS), frames: assistantFrames.shared }
    this.#run = run
    this.#earlier = earlier
    this.#memory = new PartMemory(framesOffset + plan.capacityBytes)
    this.#blocks = blocks.ring
    this.#supplied = supplied.ring
    this.#parts = parts.ring
    this.#progress = run.progress(onProgress)
    this.#assistant = { blocks: blocks.shared, assistance }
    const task: CompressorTask = {
      blocks: blocks.shared,
      memory: supplied.shared,
      framesOffset,
      parts: parts.shared,
      assistance,
      plan,
      backup,
      first: { number: earlier.parts.length + 1, plainOffset: earlier.plainSize },
      reportProgress: onProgress !== undefined,
    }
    this.#compressor = run.start<number>({
      module: '#threads/compressor.ts',
      task,
      onMessage: this.#progress,
      onFailure: this.#compressingFailed,
    })
    this.#startReading(source, blocks)
    this.#supplyMemory()
  }

  /** @throws the failure of the run */
  async next(): Promise<PackedPart> {
    const block = await this.#parts.blockAvailable(this.#run.check)
    const slot = this.#slots.shift()
    if (!block || !slot)
      throw new ArchiveError('The compressor ended before the last part', { code: 'INTEGRITY' })
    const place = readPartPlace(block)
    this.#parts.release()
    const { header } = decodePartHeader(new Uint8Array(slot.memory, place.start, place.end - place.start))
    if (!header.last) this.#supplyMemory()
    // Not for a small backup: a thread costs time and memory.
    if (!header.last && header.part === this.#earlier.parts.length + 1) this.#startAssistant()
    return { header, slot, place }
  }

  /** After the last part: plain bytes, those of earlier parts included. @throws the failure of the run */
  async end(): Promise<number> {
    await this.#parts.blockAvailable(this.#run.check)
    const plainBytesRead = this.#earlier.plainSize + this.#blocks.producedBytes
    this.#progress(plainBytesRead)
    return plainBytesRead
  }

  /** After the threads are gone: gives back the memory of parts that nobody took. */
  close(): void {
    for (const { release } of this.#slots.splice(0)) release()
    this.#memory.close()
  }

  #supplyMemory(): void {
    const slot = this.#memory.take()
    this.#slots.push(slot)
    this.#compressor.post(slot.memory)
    this.#supplied.fill(0, 1)
  }

  /** A second compressor, if there is a core for it. */
  #startAssistant(): void {
    if (availableParallelism() < 2) return
    this.#run.start({
      module: '#threads/compressing-assistant.ts',
      task: this.#assistant,
      onFailure: this.#compressingFailed,
    })
  }

  #startReading(source: ArchiveSource, blocks: ReturnType<ArchiveRun['ring']>): void {
    const failed = (error: unknown): void =>
      this.#run.fail(toArchiveError(error, 'SOURCE', 'The source of the backup failed while it was read'))
    if (isDescriptor(source)) {
      const earlier = this.#earlier.parts.map(({ plainSize, plainSha256 }) => ({ plainSize, plainSha256 }))
      const { fd, holes = [], watch } = source
      const task: ReaderTask = {
        ...{ fd, blocks: blocks.shared, earlier, holes },
        watch: watch && { module: watch.module, task: watch.task },
      }
      this.#run.start<WatchEnd>({
        module: '#threads/reader.ts',
        task,
        onMessage: ({ found }) => watch?.onEnd(found),
        onFailure: failed,
      })
    } else {
      fillBlocks(source, blocks.ring, this.#run.check).catch(failed)
    }
  }

  readonly #compressingFailed = (error: Error): void =>
    this.#run.fail(toArchiveError(error, 'INTEGRITY', 'Compressing failed'))
}
