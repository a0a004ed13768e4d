import { ArchiveError, toArchiveError } from '#archive-error.ts'
import type { OpenedPack } from '#packs/opened-pack.ts'
import {
  PackBuilder,
  type PackBuilderOptions,
  type PackIdentity,
  type SealedPack,
} from '#packs/pack-builder.ts'
import type { CheckpointCover, CheckpointLine, CheckpointPart } from '#packs/pack-header.ts'
import { PACK_LIMITS } from '#packs/pack-limits.ts'
import { parseLine, readCheckpointLine } from '#packs/read-lines.ts'

const LINE_FEED = 0x0a
/** A frame takes lines up to this: reading them takes 5 ms, and other work may wait. */
const FRAME_TEXT_BYTES = 256 * 1024

/** A part of a checkpoint, to be sealed under the identity of a pack. */
export interface UnsealedPart {
  /** From 1. */
  part: number
  last: boolean
  /** Plain bytes. */
  plainSize: number
  /** Valid until the next part is asked for. @throws ArchiveError `CONFIGURATION` */
  seal(identity: Omit<PackIdentity, 'place'>): Promise<SealedPack>
}

/**
 * Writes a checkpoint as packs of its own, in order; one without lines is one part, too. Each part is to be
 * sealed and sent before the next one is asked for: there is memory for one only.
 * @throws ArchiveError `NO_KEY`, `CONFIGURATION` (a line that is none, or that no part can hold)
 */
export async function* writeCheckpoint(
  lines: AsyncIterable<CheckpointLine>,
  options: PackBuilderOptions & { checkpoint: CheckpointCover },
): AsyncGenerator<UnsealedPart, void> {
  let writer = new PartWriter(options, 1)
  try {
    for await (const line of lines) {
      const text = textOf(line)
      if (writer.add(text)) continue
      if (!writer.isEmpty) yield writer.unsealed({ last: false })
      writer.release()
      writer = new PartWriter(options, writer.part + 1)
      if (!writer.add(text))
        throw new ArchiveError(`A line of ${text.length} bytes fits into no pack`, { code: 'CONFIGURATION' })
    }
    yield writer.unsealed({ last: true })
  } finally {
    writer.release()
  }
}

/** Fills a part with lines; a line is never in two parts. */
class PartWriter {
  readonly part: number
  readonly #builder: PackBuilder
  #lines: Buffer[] = []
  #linesBytes = 0

  constructor(options: PackBuilderOptions, part: number) {
    this.part = part
    this.#builder = new PackBuilder(options)
  }

  get isEmpty(): boolean {
    return this.#linesBytes === 0 && this.#builder.isEmpty
  }

  /** False when it does not fit. */
  add(line: Buffer): boolean {
    if (this.#linesBytes > 0 && this.#linesBytes + line.length > FRAME_TEXT_BYTES) this.#closeFrame()
    // Compressed, the lines before it may leave it room.
    if (!this.#builder.hasRoomFor(this.#linesBytes + line.length)) this.#closeFrame()
    if (!this.#builder.hasRoomFor(line.length)) return false
    this.#lines.push(line)
    this.#linesBytes += line.length
    return true
  }

  unsealed({ last }: { last: boolean }): UnsealedPart {
    this.#closeFrame()
    return {
      part: this.part,
      last,
      plainSize: this.#builder.plainSize,
      seal: identity => this.#builder.seal({ ...identity, place: { part: this.part, last } }),
    }
  }

  release(): void {
    this.#builder.release()
  }

  #closeFrame(): void {
    if (this.#linesBytes > 0) this.#builder.add(Buffer.concat(this.#lines))
    this.#lines = []
    this.#linesBytes = 0
  }
}

function textOf(line: CheckpointLine): Buffer {
  const text = Buffer.from(`${JSON.stringify(line)}\n`)
  try {
    if (text.length > PACK_LIMITS.lineBytes) throw new TypeError('a line that is too long')
    readCheckpointLine(line)
  } catch (cause) {
    throw new ArchiveError('A line of the checkpoint contradicts itself', { code: 'CONFIGURATION', cause })
  }
  return text
}

/**
 * The lines of a checkpoint, from all its parts in order. It is whole only when the iteration ends without an
 * error.
 * @throws ArchiveError `INTEGRITY` for a part that is missing, of another checkpoint or not in order, a line
 * that is none, or one of more than 2 MiB
 */
export async function* readCheckpoint(
  parts: AsyncIterable<OpenedPack>,
): AsyncGenerator<CheckpointLine, void> {
  let before: CheckpointPart | undefined
  for await (const pack of parts) {
    before = followed(before, pack.header.checkpoint)
    try {
      for await (const line of linesOf(pack)) yield readCheckpointLine(parseLine(line))
    } catch (error) {
      throw toArchiveError(
        error,
        'INTEGRITY',
        `Part ${before.part} of the checkpoint has a line that is none`,
      )
    }
  }
  if (!before?.last) throw damaged('The checkpoint ends before its last part')
}

function followed(before: CheckpointPart | undefined, next: CheckpointPart | undefined): CheckpointPart {
  if (!next) throw damaged('A pack that is no part of a checkpoint came in the place of one')
  if (before?.last) throw damaged('Something follows the last part of the checkpoint')
  if (next.part !== (before?.part ?? 0) + 1)
    throw damaged(`Part ${next.part} of the checkpoint came too early`)
  if (before && JSON.stringify({ ...before, part: next.part, last: next.last }) !== JSON.stringify(next))
    throw damaged(`Part ${next.part} belongs to another checkpoint`)
  return next
}

/** Lines without their line feeds. */
async function* linesOf(pack: OpenedPack): AsyncGenerator<Buffer, void> {
  let begun: Buffer[] = []
  let begunBytes = 0
  for await (const piece of pack.read()) {
    let start = 0
    for (let end = piece.indexOf(LINE_FEED); end >= 0; end = piece.indexOf(LINE_FEED, start)) {
      const rest = piece.subarray(start, end)
      yield begunBytes > 0 ? Buffer.concat([...begun, rest]) : rest
      begun = []
      begunBytes = 0
      start = end + 1
    }
    begun.push(piece.subarray(start))
    begunBytes += piece.length - start
    if (begunBytes > PACK_LIMITS.lineBytes) throw damaged('A line of the checkpoint is too long')
  }
  if (begunBytes > 0) throw damaged('The last line of a part has no end')
}

function damaged(message: string): ArchiveError {
  return new ArchiveError(message, { code: 'INTEGRITY' })
}
