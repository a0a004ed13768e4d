import { ArchiveError } from '#archive-error.ts'
import { compressFrame, decompressFirstFrame } from '#zstd-frame.ts'

export type MemberKind = (typeof KINDS)[number]

/** A member of a tar file. */
export interface Member {
  /** Relative, without `./`; bytes that are not UTF-8 as {@link memberPathOf} writes them. */
  path: string
  /** Offset of its first header block, PAX header included, in the plain bytes. */
  offset: number
  /** Bytes of a file; else 0. */
  size: number
  kind: MemberKind
}

/** The members of a tar file in a manifest. */
export interface MemberIndex {
  count: number
  /** Base64 of zstd frames of JSON lines, one for each member. */
  index: string
}

const KINDS = ['file', 'directory', 'symlink', 'hardlink', 'other'] as const
/** A frame is closed after this much text. */
const FRAME_TEXT_BYTES = 256 * 1024
/** A frame's limit: the text before its last line, and that line. */
const MAX_FRAME_PLAIN_BYTES = 1024 * 1024
/** In UTF-16 units, each of at most six bytes in JSON. */
const MAX_PATH_LENGTH = 100_000
/** A manifest is fetched in one piece, and also has about 100 bytes for each part. */
const MAX_INDEX_BYTES = 10 * 1024 * 1024
/** Longest {@link MemberIndex.index}. */
export const MAX_INDEX_TEXT_LENGTH: number = Math.ceil(MAX_INDEX_BYTES / 3) * 4

/** Collects members; holds only the compressed index and one frame's text. */
export class MemberIndexWriter {
  readonly #maxBytes: number
  #frames: Buffer[] = []
  #framesBytes = 0
  #lines: string[] = []
  #linesBytes = 0
  #count = 0
  #offset = 0
  #fits = true

  /** @param maxBytes of the compressed index; 10 MiB by default and at most */
  constructor(maxBytes: number = MAX_INDEX_BYTES) {
    this.#maxBytes = Math.min(maxBytes, MAX_INDEX_BYTES)
  }

  /** @throws ArchiveError `CONFIGURATION` for members out of order, or numbers out of range */
  add({ path, offset, size, kind }: Member): void {
    if (!isCount(offset) || !isCount(size) || offset < this.#offset) {
      throw new ArchiveError('The members must be added in the order of their offsets', {
        code: 'CONFIGURATION',
      })
    }
    this.#offset = offset
    this.#count += 1
    if (path.length > MAX_PATH_LENGTH) this.#giveUp()
    if (!this.#fits) return
    const line = `${JSON.stringify([offset, size, kind, path])}\n`
    this.#lines.push(line)
    this.#linesBytes += Buffer.byteLength(line)
    if (this.#linesBytes >= FRAME_TEXT_BYTES) this.#closeFrame()
  }

  /** Undefined when it is too large for a manifest. To be called once. */
  finish(): MemberIndex | undefined {
    if (this.#lines.length > 0) this.#closeFrame()
    if (!this.#fits) return undefined
    return { count: this.#count, index: Buffer.concat(this.#frames).toString('base64') }
  }

  #closeFrame(): void {
    // A copy: the frame's memory is as large as the text.
    const frame = Buffer.from(compressFrame(Buffer.from(this.#lines.join(''))))
    this.#lines = []
    this.#linesBytes = 0
    this.#frames.push(frame)
    this.#framesBytes += frame.length
    if (this.#framesBytes > this.#maxBytes) this.#giveUp()
  }

  #giveUp(): void {
    this.#fits = false
    this.#frames = []
    this.#lines = []
  }
}

/**
 * The members in order, unpacked frame by frame.
 * @throws ArchiveError `INTEGRITY` while iterating, for a damaged index or another number of members
 */
export function* readMemberIndex({ count, index }: MemberIndex): Generator<Member, void> {
  let members = 0
  let offset = 0
  for (const line of linesOf(Buffer.from(index, 'base64'))) {
    const member = parseMember(line)
    if (member.offset < offset) throw damaged()
    offset = member.offset
    members += 1
    // Frames may unpack to a thousand times their size; the count limits them.
    if (members > count) throw damaged()
    yield member
  }
  if (members !== count) throw damaged()
}

function* linesOf(frames: Buffer): Generator<string, void> {
  for (let rest = frames; rest.length > 0; ) {
    const { plain, frameSize } = firstFrame(rest)
    rest = rest.subarray(frameSize)
    const lines = plain.toString('utf8').split('\n')
    // Every line ends in a line feed.
    if (lines.pop() !== '') throw damaged()
    yield* lines
  }
}

function firstFrame(frames: Buffer): { plain: Buffer; frameSize: number } {
  try {
    return decompressFirstFrame(frames, MAX_FRAME_PLAIN_BYTES)
  } catch (cause) {
    throw damaged(cause)
  }
}

function parseMember(line: string): Member {
  let fields: unknown
  try {
    fields = JSON.parse(line)
  } catch (cause) {
    throw damaged(cause)
  }
  if (!Array.isArray(fields) || fields.length !== 4) throw damaged()
  const [offset, size, name, path]: unknown[] = fields
  const kind = KINDS.find(known => known === name)
  if (!isCount(offset) || !isCount(size) || kind === undefined || typeof path !== 'string') throw damaged()
  return { path, offset, size, kind }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function damaged(cause?: unknown): ArchiveError {
  return new ArchiveError('The index of the members is damaged', { code: 'INTEGRITY', cause })
}
