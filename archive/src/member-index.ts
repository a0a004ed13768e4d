import { ArchiveError } from '#archive-error.ts'
import { compressFrame, decompressFirstFrame } from '#zstd-frame.ts'

/** What a member of a tar file is. */
export type MemberKind = (typeof KINDS)[number]

/** One member of a tar file that was backed up. */
export interface Member {
  /** Relative, without `./` before it; bytes that are not UTF-8 as {@link memberPathOf} writes them. */
  path: string
  /** Where its first header block (PAX header included) begins in the plain bytes of the whole. */
  offset: number
  /** Bytes of the file; 0 for everything else. */
  size: number
  kind: MemberKind
}

/** The members of a tar file as they stand in a manifest. */
export interface MemberIndex {
  count: number
  /** Base64 of zstd frames; they unpack to a line of JSON for each member. */
  index: string
}

const KINDS = ['file', 'directory', 'symlink', 'hardlink', 'other'] as const
/** Text after which a frame is closed. */
const FRAME_TEXT_BYTES = 256 * 1024
/** Most that a frame of the index unpacks to: the text before its last line, and that line. */
const MAX_FRAME_PLAIN_BYTES = 1024 * 1024
/** Longest path in UTF-16 units: of these, each takes at most six bytes in JSON. */
const MAX_PATH_LENGTH = 100_000
/**
 * Most bytes of the frames. A manifest must be fetched in one piece, and besides them has room for its parts: about
 * 100 compressed bytes for each.
 */
const MAX_INDEX_BYTES = 10 * 1024 * 1024
/** Longest {@link MemberIndex.index}. */
export const MAX_INDEX_TEXT_LENGTH: number = Math.ceil(MAX_INDEX_BYTES / 3) * 4

/** Collects the members while a tar file is read; holds no more than the compressed index and one frame's text. */
export class MemberIndexWriter {
  readonly #maxBytes: number
  #frames: Buffer[] = []
  #framesBytes = 0
  #lines: string[] = []
  #linesBytes = 0
  #count = 0
  #offset = 0
  #fits = true

  /** @param maxBytes most bytes of the compressed index; 10 MiB by default and at most */
  constructor(maxBytes: number = MAX_INDEX_BYTES) {
    this.#maxBytes = Math.min(maxBytes, MAX_INDEX_BYTES)
  }

  /** @throws ArchiveError `CONFIGURATION` for a member before the one that was last added, or numbers out of range */
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

  /** The index; undefined when it would be too large for a manifest. Nothing may be added afterwards. */
  finish(): MemberIndex | undefined {
    if (this.#lines.length > 0) this.#closeFrame()
    if (!this.#fits) return undefined
    return { count: this.#count, index: Buffer.concat(this.#frames).toString('base64') }
  }

  #closeFrame(): void {
    // A copy, since the frame's own memory is as large as the text.
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
 * The members in the order of their offsets, unpacked one frame at a time.
 * @throws ArchiveError `INTEGRITY` while iterating, when the index is damaged or has another number of members
 */
export function* readMemberIndex({ count, index }: MemberIndex): Generator<Member, void> {
  let members = 0
  let offset = 0
  for (const line of linesOf(Buffer.from(index, 'base64'))) {
    const member = parseMember(line)
    if (member.offset < offset) throw damaged()
    offset = member.offset
    members += 1
    // Frames unpack to a thousand times their size and more; the count says when to stop.
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
