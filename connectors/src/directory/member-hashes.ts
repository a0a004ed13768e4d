import { createHash, type Hash } from 'node:crypto'
import { kindOf } from '#directory/members-of-tar.ts'
import type { TarMember } from '#directory/unpack/member-rules.ts'
import { type MemberJudge, TarInspector } from '#directory/unpack/tar-inspector.ts'

const SHA256_BYTES = 32
/** As many as fit into a manifest. */
const MOST_FILES = (10 * 1024 * 1024) / SHA256_BYTES
const FIRST_FILES = 1024

/**
 * Hashes the contents of each file of a tar file. A sparse file has no hash: the tar file holds its bytes
 * without its holes, which may be very large.
 */
export class MemberHasher implements MemberJudge {
  #hash: Hash | undefined
  #member: TarMember | undefined
  readonly #onEnd: (member: TarMember, sha256: Buffer | undefined) => void

  /** @param onEnd gets each member, in order */
  constructor(onEnd: (member: TarMember, sha256: Buffer | undefined) => void) {
    this.#onEnd = onEnd
  }

  check(member: TarMember): true {
    this.#member = member
    const isWhole = member.type !== 'S' && member.fileBytes === member.sizeBytes
    this.#hash = kindOf(member) === 'file' && isWhole ? createHash('sha256') : undefined
    return true
  }

  data(bytes: Buffer): void {
    this.#hash?.update(bytes)
  }

  end(): void {
    if (this.#member !== undefined) this.#onEnd(this.#member, this.#hash?.digest())
    this.#member = undefined
    this.#hash = undefined
  }
}

/** The SHA-256 of each file of a tar file whose bytes pass, for the list of its members. */
export class TarHashes {
  readonly #inspector: TarInspector
  #hashes = Buffer.alloc(FIRST_FILES * SHA256_BYTES)
  #files = 0

  constructor() {
    const hasher = new MemberHasher((member, sha256) => {
      if (kindOf(member) === 'file') this.#add(sha256)
    })
    this.#inspector = new TarInspector(hasher)
  }

  /** Throws `UNRESTORABLE` for what is no tar file, and `RangeError` for too many files. */
  push(chunk: Buffer): void {
    this.#inspector.inspect(chunk)
  }

  /** 32 bytes for each file, zeros for one without; in memory of its own. */
  finish(): ArrayBuffer {
    this.#inspector.finish()
    return Uint8Array.from(this.#hashes.subarray(0, this.#files * SHA256_BYTES)).buffer
  }

  #add(sha256: Buffer | undefined): void {
    if (this.#files === MOST_FILES) throw new RangeError('more files than a list of members has hashes for')
    if ((this.#files + 1) * SHA256_BYTES > this.#hashes.length)
      this.#hashes = Buffer.concat([this.#hashes, Buffer.alloc(this.#hashes.length)])
    sha256?.copy(this.#hashes, this.#files * SHA256_BYTES)
    this.#files += 1
  }
}
