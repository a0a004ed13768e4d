import type { TarMember } from '#restore/directory/member-rules.ts'
import {
  BLOCK_BYTES,
  hostile,
  readHeader,
  readRecords,
  sparseMapGoesOn,
  type TarHeader,
} from '#restore/directory/tar-fields.ts'

/** An extended header or a long name larger than this is no path that a system takes. */
const MAX_EXTRA_BYTES = 1024 * 1024
/** In a header for all that follows, these would rename or resize it. */
const NOT_FOR_ALL = /^(path|linkpath|size|GNU\.sparse\..*)$/

/** What the blocks before a header say about it. */
interface Extra {
  records?: Map<string, string>
  longName?: string
  longLink?: string
}

/** Hears of each member, in order; what it throws ends the inspection. */
export interface MemberJudge {
  check(member: TarMember): void
}

type Place = 'header' | 'data' | 'extra' | 'sparse map' | 'end'

/**
 * Reads every header of a tar file as it streams by, before tar sees its bytes, and has it judged. Where tar
 * could read something else than we do, the file is refused. Chunks may be cut anywhere.
 */
export class TarInspector {
  readonly #judge: MemberJudge
  #place: Place = 'header'
  /** Bytes of the block, or of the extra data, that is being collected. */
  #collected: Buffer[] = []
  #missingBytes = BLOCK_BYTES
  #header: TarHeader | undefined
  #extra: Extra = {}
  /** Bytes that were inspected. */
  #position = 0
  /** Where the member at hand begins, with what is said before its header. */
  #offset = 0
  members = 0

  constructor(judge: MemberJudge) {
    this.#judge = judge
  }

  /** Throws `UNRESTORABLE`; then no byte of the chunk may reach tar. */
  inspect(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      const size = Math.min(this.#missingBytes, chunk.length - at)
      const piece = chunk.subarray(at, at + size)
      if (this.#place === 'end') assertZero(piece)
      else if (this.#place !== 'data') this.#collected.push(piece)
      at += size
      this.#missingBytes -= size
      this.#position += size
      if (this.#missingBytes === 0) this.#complete()
    }
  }

  /** Throws `UNRESTORABLE` when the file ends before its end. */
  finish(): void {
    const isBetween = this.#place === 'header' && this.#missingBytes === BLOCK_BYTES && !hasExtra(this.#extra)
    if (this.#place !== 'end' && !isBetween) throw hostile('The tar file ends in the middle of a member')
    if (this.members === 0) throw hostile('The tar file holds nothing')
  }

  #complete(): void {
    const bytes =
      this.#collected.length === 1 ? (this.#collected[0] as Buffer) : Buffer.concat(this.#collected)
    this.#collected = []
    if (this.#place === 'header') this.#onHeader(bytes)
    else if (this.#place === 'extra') this.#onExtra(bytes)
    else if (this.#place === 'data') this.#expect('header', BLOCK_BYTES)
    else if (this.#place === 'end') this.#expect('end', BLOCK_BYTES)
    else if (sparseMapGoesOn(bytes, false)) this.#expect('sparse map', BLOCK_BYTES)
    else this.#skipData()
  }

  #expect(place: Place, sizeBytes: number): void {
    this.#place = place
    this.#missingBytes = sizeBytes
  }

  #onHeader(block: Buffer): void {
    if (block.every(byte => byte === 0)) {
      if (hasExtra(this.#extra)) throw hostile('The tar file ends in the middle of a member')
      this.#expect('end', BLOCK_BYTES)
      return
    }
    const header = readHeader(block)
    this.#header = header
    if (!hasExtra(this.#extra)) this.#offset = this.#position - BLOCK_BYTES
    if ('xgLK'.includes(header.type)) {
      const isSized = header.sizeBytes > 0 && header.sizeBytes <= MAX_EXTRA_BYTES
      if (!isSized) throw hostile('An extended header is empty or too large')
      this.#expect('extra', padded(header.sizeBytes))
      return
    }
    this.#onMember(header)
    if (header.type === 'S' && sparseMapGoesOn(block, true)) this.#expect('sparse map', BLOCK_BYTES)
    else this.#skipData()
  }

  #onMember(header: TarHeader): void {
    const { records, longName, longLink } = this.#extra
    this.#extra = {}
    const member: TarMember = {
      type: header.type,
      offset: this.#offset,
      name: records?.get('GNU.sparse.name') ?? records?.get('path') ?? longName ?? header.name,
      linkName: records?.get('linkpath') ?? longLink ?? header.linkName,
      sizeBytes: sizeIn(records) ?? header.sizeBytes,
    }
    this.#judge.check(member)
    // Of two names for one member, tar's choice may be the other.
    if (records?.has('GNU.sparse.name') && records.has('path'))
      this.#judge.check({ ...member, name: records.get('path') ?? '' })
    this.#header = { ...header, sizeBytes: member.sizeBytes }
    this.members++
  }

  #onExtra(data: Buffer): void {
    const { type, sizeBytes } = this.#header as TarHeader
    const bytes = data.subarray(0, sizeBytes)
    if (type === 'g') {
      const named = [...readRecords(bytes).keys()].find(name => NOT_FOR_ALL.test(name))
      if (named !== undefined) throw hostile(`A header for all members sets their ${named}`)
    } else
      this.#extra = merge(this.#extra, type === 'x' ? { records: readRecords(bytes) } : longText(type, bytes))
    this.#expect('header', BLOCK_BYTES)
  }

  #skipData(): void {
    const size = padded(this.#header?.sizeBytes ?? 0)
    this.#expect(size === 0 ? 'header' : 'data', size === 0 ? BLOCK_BYTES : size)
  }
}

function longText(type: string, bytes: Buffer): Extra {
  const text = bytes.toString('latin1').replace(/\0+$/, '')
  return type === 'L' ? { longName: text } : { longLink: text }
}

function merge(before: Extra, more: Extra): Extra {
  const isMixed = before.records !== undefined || (more.records !== undefined && hasExtra(before))
  const isTwice = Object.keys(more).some(name => Object.hasOwn(before, name))
  if (isMixed || isTwice) throw hostile('A member has two extended headers')
  return { ...before, ...more }
}

function hasExtra(extra: Extra): boolean {
  return Object.keys(extra).length > 0
}

function sizeIn(records: Map<string, string> | undefined): number | undefined {
  const size = records?.get('size')
  if (size === undefined) return undefined
  if (!/^\d{1,15}$/.test(size)) throw hostile('An extended header holds a size that is none')
  return Number(size)
}

function padded(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES
}

function assertZero(bytes: Buffer): void {
  if (!bytes.every(byte => byte === 0)) throw hostile('Something follows the end of the tar file')
}
