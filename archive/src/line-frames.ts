import { compressFrame, decompressFirstFrame } from '#zstd-frame.ts'

/** A frame is closed after this much text. */
const FRAME_TEXT_BYTES = 256 * 1024
/** A frame's limit: the text before its last line, and that line. */
const MAX_FRAME_PLAIN_BYTES = 1024 * 1024

/** Collects lines of text; holds only compressed frames and the text of one. */
export class LineFrames {
  readonly #maxBytes: number
  #frames: Buffer[] = []
  #sizeBytes = 0
  #lines: string[] = []
  #linesBytes = 0
  #fits = true

  /** @param maxBytes of all frames; more are given up */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** @param line without its line feed */
  add(line: string): void {
    if (!this.#fits) return
    const ended = `${line}\n`
    this.#lines.push(ended)
    this.#linesBytes += Buffer.byteLength(ended)
    if (this.#linesBytes >= FRAME_TEXT_BYTES) this.#closeFrame()
  }

  giveUp(): void {
    this.#fits = false
    this.#frames = []
    this.#lines = []
  }

  /** All frames, one after the other; undefined if they do not fit. To be called once. */
  finish(): Buffer | undefined {
    if (this.#lines.length > 0) this.#closeFrame()
    return this.#fits ? Buffer.concat(this.#frames) : undefined
  }

  #closeFrame(): void {
    // A copy: the frame's memory is as large as the text.
    const frame = Buffer.from(compressFrame(Buffer.from(this.#lines.join(''))))
    this.#lines = []
    this.#linesBytes = 0
    this.#frames.push(frame)
    this.#sizeBytes += frame.length
    if (this.#sizeBytes > this.#maxBytes) this.giveUp()
  }
}

/**
 * The lines, unpacked frame by frame.
 * @throws Error while iterating, for a damaged frame, or one that does not end with a line
 */
export function* linesIn(frames: Buffer): Generator<string, void> {
  for (let rest = frames; rest.length > 0; ) {
    const { plain, frameSize } = decompressFirstFrame(rest, MAX_FRAME_PLAIN_BYTES)
    rest = rest.subarray(frameSize)
    const lines = plain.toString('utf8').split('\n')
    if (lines.pop() !== '') throw new TypeError('A frame does not end with a line feed')
    yield* lines
  }
}
