import { ArchiveError } from '#archive-error.ts'
import { LineFrames, linesIn } from '#line-frames.ts'
import { attributesLine, fitsInLine, type MemberAttributes, parseAttributes } from '#member-attributes.ts'

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
  /** Undefined where they are not recorded. */
  attributes?: MemberAttributes | undefined
  /** Of the contents of a file, hexadecimal; undefined where it is not recorded. */
  sha256?: string | undefined
}

/** The members of a tar file in a manifest. */
export interface MemberIndex {
  count: number
  /** Base64 of zstd frames of JSON lines, one for each member. */
  index: string
  /** The same of their attributes, in the same order; absent in older manifests, and if it would not fit. */
  attributes?: string
  /**
   * Base64 of the SHA-256 of each member that is a file, in order, 32 bytes each; zeros where there is none.
   * Absent in older manifests, and if it would not fit.
   */
  sha256?: string
}

const KINDS = ['file', 'directory', 'symlink', 'hardlink', 'other'] as const
const SHA256_BYTES = 32
/** In UTF-16 units, each of at most six bytes in JSON. */
const MAX_PATH_LENGTH = 100_000
/** A manifest is fetched in one piece, and also has about 100 bytes for each part. */
const MAX_INDEX_BYTES = 10 * 1024 * 1024
/** Longest {@link MemberIndex.index}, and longest `attributes`. */
export const MAX_INDEX_TEXT_LENGTH: number = Math.ceil(MAX_INDEX_BYTES / 3) * 4

/** Collects members; holds only the compressed index and one frame's text. */
export class MemberIndexWriter {
  readonly #maxBytes: number
  readonly #index: LineFrames
  readonly #attributes: LineFrames
  #count = 0
  #files = 0
  #offset = 0

  /** @param maxBytes of the compressed index with its attributes; 10 MiB by default and at most */
  constructor(maxBytes: number = MAX_INDEX_BYTES) {
    this.#maxBytes = Math.min(maxBytes, MAX_INDEX_BYTES)
    this.#index = new LineFrames(this.#maxBytes)
    this.#attributes = new LineFrames(this.#maxBytes)
  }

  /** @throws ArchiveError `CONFIGURATION` for members out of order, or numbers out of range */
  add({ path, offset, size, kind, attributes }: Member): void {
    if (!isCount(offset) || !isCount(size) || offset < this.#offset) {
      throw new ArchiveError('The members must be added in the order of their offsets', {
        code: 'CONFIGURATION',
      })
    }
    this.#offset = offset
    this.#count += 1
    if (kind === 'file') this.#files += 1
    if (path.length > MAX_PATH_LENGTH) this.#index.giveUp()
    this.#index.add(JSON.stringify([offset, size, kind, path]))
    if (attributes !== undefined && fitsInLine(attributes)) this.#attributes.add(attributesLine(attributes))
    else this.#attributes.giveUp()
  }

  /**
   * Undefined when it is too large for a manifest. To be called once.
   * @param sha256 of each file, in order; not taken for another number of files
   */
  finish(sha256?: Uint8Array): MemberIndex | undefined {
    const index = this.#index.finish()
    if (index === undefined) return undefined
    const attributes = this.#attributes.finish()
    // The positions are what a fetch needs; the attributes give way to them.
    const fits = attributes !== undefined && index.length + attributes.length <= this.#maxBytes
    const before = index.length + (fits ? attributes.length : 0)
    const isHashed =
      sha256 !== undefined &&
      sha256.length === this.#files * SHA256_BYTES &&
      before + sha256.length <= this.#maxBytes
    return {
      count: this.#count,
      index: index.toString('base64'),
      ...(fits && this.#count > 0 ? { attributes: attributes.toString('base64') } : {}),
      ...(isHashed && this.#files > 0 ? { sha256: Buffer.from(sha256).toString('base64') } : {}),
    }
  }
}

/**
 * The members in order, unpacked frame by frame.
 * @throws ArchiveError `INTEGRITY` while iterating, for a damaged index or another number of members
 */
export function* readMemberIndex({ count, index, attributes, sha256 }: MemberIndex): Generator<Member, void> {
  try {
    const lines = attributes === undefined ? undefined : linesIn(Buffer.from(attributes, 'base64'))
    const hashes = sha256 === undefined ? undefined : new FileHashes(sha256)
    let members = 0
    let offset = 0
    for (const line of linesIn(Buffer.from(index, 'base64'))) {
      const member = parseMember(line)
      if (member.offset < offset) throw new TypeError('members out of order')
      offset = member.offset
      members += 1
      // Frames may unpack to a thousand times their size; the count limits them.
      if (members > count) throw new TypeError('too many members')
      if (lines !== undefined) member.attributes = nextAttributes(lines)
      if (hashes !== undefined && member.kind === 'file') member.sha256 = hashes.next()
      yield member
    }
    if (members !== count) throw new TypeError('too few members')
    if (lines !== undefined && !lines.next().done) throw new TypeError('attributes without a member')
    if (hashes?.isRead === false) throw new TypeError('a hash without a file')
  } catch (cause) {
    throw new ArchiveError('The index of the members is damaged', { code: 'INTEGRITY', cause })
  }
}

class FileHashes {
  readonly #bytes: Buffer
  #at = 0

  constructor(base64: string) {
    this.#bytes = Buffer.from(base64, 'base64')
  }

  next(): string | undefined {
    const hash = this.#bytes.subarray(this.#at, this.#at + SHA256_BYTES)
    if (hash.length < SHA256_BYTES) throw new TypeError('a file without a hash')
    this.#at += SHA256_BYTES
    return hash.every(byte => byte === 0) ? undefined : hash.toString('hex')
  }

  get isRead(): boolean {
    return this.#at === this.#bytes.length
  }
}

function nextAttributes(lines: Iterator<string, void>): MemberAttributes {
  const next = lines.next()
  if (next.done === true) throw new TypeError('a member without attributes')
  return parseAttributes(next.value)
}

function parseMember(line: string): Member {
  const fields: unknown = JSON.parse(line)
  if (!Array.isArray(fields) || fields.length !== 4) throw new TypeError('no member')
  const [offset, size, name, path]: unknown[] = fields
  const kind = KINDS.find(known => known === name)
  if (!isCount(offset) || !isCount(size) || kind === undefined || typeof path !== 'string')
    throw new TypeError('a field of a member out of range')
  return { path, offset, size, kind }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
