import type { TarMember } from '#directory/unpack/member-rules.ts'
import {
  BLOCK_BYTES,
  hostile,
  readAttributes,
  readHeader,
  readRecords,
  readStamp,
  realBytes,
  sparseMapGoesOn,
  type TarHeader,
} from '#directory/unpack/tar-fields.ts'

/** No system takes a longer path. */
const MAX_EXTRA_BYTES = 1024 * 1024
/** A header for all members must not rename or resize them. */
const NOT_FOR_ALL = /^(path|linkpath|size|GNU\.sparse\..*)$/

/** Extended headers and long names before a header. */
interface Extra {
  records?: Map<string, string>
  longName?: string
  longLink?: string
}

/** Gets each member, in order; an error ends the inspection, false leaves the member out. */
export interface MemberJudge {
  check(member: TarMember): boolean | undefined
  /** Bytes of the last member, as they stand in the tar file: those of a sparse file with their map. */
  data?(bytes: Buffer): void
  /** All of its bytes were there. */
  end?(): void
}

/** Bytes of a chunk. Neighbours become one span, so that small members cost no Buffer each. */
interface Span {
  chunk: Buffer
  from: number
  to: number
}

type Place = 'header' | 'data' | 'extra' | 'sparse map' | 'end'

/**
 * Reads every header of a tar file before tar sees its bytes, and has it judged. Where tar could read it
 * differently, the file is refused. Chunks may be cut anywhere.
 */
export class TarInspector {
  readonly #judge: MemberJudge
  #place: Place = 'header'
  #collected: Buffer[] = []
  #missingBytes = BLOCK_BYTES
  /** Of the data of the current member, without the padding. */
  #dataBytes = 0
  /** The bytes of the current member that wait for its judgement; undefined after that. */
  #unjudged: Span[] | undefined = []
  #isLeftOut = false
  #header: TarHeader | undefined
  #extra: Extra = {}
  #position = 0
  /** Where the current member begins, its extra headers included. */
  #offset = 0
  members = 0

  constructor(judge: MemberJudge) {
    this.#judge = judge
  }

  /**
   * Returns the bytes, also of earlier chunks, that may go on to tar. Throws `UNRESTORABLE`; then none may.
   */
  inspect(chunk: Buffer): Buffer[] {
    const passed: Span[] = []
    let at = 0
    while (at < chunk.length) {
      const size = Math.min(this.#missingBytes, chunk.length - at)
      if (this.#place === 'end') assertZero(chunk.subarray(at, at + size))
      else if (this.#place === 'data') this.#onData(chunk.subarray(at, at + size))
      else this.#collected.push(chunk.subarray(at, at + size))
      if (this.#unjudged !== undefined) append(this.#unjudged, { chunk, from: at, to: at + size })
      else if (!this.#isLeftOut) append(passed, { chunk, from: at, to: at + size })
      at += size
      this.#missingBytes -= size
      this.#position += size
      if (this.#missingBytes === 0) this.#complete(passed)
    }
    return passed.map(span => span.chunk.subarray(span.from, span.to))
  }

  finish(): void {
    const isBetween = this.#place === 'header' && this.#missingBytes === BLOCK_BYTES && !hasExtra(this.#extra)
    if (this.#place !== 'end' && !isBetween) throw hostile('The tar file ends in the middle of a member')
    if (this.members === 0) throw hostile('The tar file holds nothing')
  }

  #complete(passed: Span[]): void {
    const bytes =
      this.#collected.length === 1 ? (this.#collected[0] as Buffer) : Buffer.concat(this.#collected)
    this.#collected = []
    if (this.#place === 'header') this.#onHeader(bytes, passed)
    else if (this.#place === 'extra') this.#onExtra(bytes)
    else if (this.#place === 'data') this.#expectMember()
    else if (this.#place === 'end') this.#expect('end', BLOCK_BYTES)
    else if (sparseMapGoesOn(bytes, false)) this.#expect('sparse map', BLOCK_BYTES)
    else this.#skipData()
  }

  #onData(bytes: Buffer): void {
    const data = bytes.subarray(0, this.#dataBytes)
    this.#dataBytes -= data.length
    if (data.length > 0) this.#judge.data?.(data)
  }

  #expectMember(): void {
    this.#judge.end?.()
    this.#unjudged = []
    this.#expect('header', BLOCK_BYTES)
  }

  #expect(place: Place, sizeBytes: number): void {
    this.#place = place
    this.#missingBytes = sizeBytes
  }

  #onHeader(block: Buffer, passed: Span[]): void {
    if (block.every(byte => byte === 0)) {
      if (hasExtra(this.#extra)) throw hostile('The tar file ends in the middle of a member')
      this.#letGo(passed)
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
    this.#isLeftOut = !this.#isWanted(header, block)
    this.#letGo(passed)
    if (header.type === 'S' && sparseMapGoesOn(block, true)) this.#expect('sparse map', BLOCK_BYTES)
    else this.#skipData()
  }

  /** Passes on the bytes that waited for the judgement. */
  #letGo(passed: Span[]): void {
    if (!this.#isLeftOut) for (const span of this.#unjudged ?? []) append(passed, span)
    this.#unjudged = undefined
  }

  #isWanted(header: TarHeader, block: Buffer): boolean {
    const { records, longName, longLink } = this.#extra
    this.#extra = {}
    const sizeBytes = sizeIn(records, 'size') ?? header.sizeBytes
    const path = records?.get('path')
    const sparseName = records?.get('GNU.sparse.name')
    const member: TarMember = {
      type: header.type,
      offset: this.#offset,
      name: sparseName ?? path ?? longName ?? header.name,
      linkName: records?.get('linkpath') ?? longLink ?? header.linkName,
      sizeBytes,
      fileBytes:
        sizeIn(records, 'GNU.sparse.realsize') ??
        sizeIn(records, 'GNU.sparse.size') ??
        realBytes(block) ??
        sizeBytes,
      stamp: readStamp(block, records),
      attributes: () => readAttributes(block, records),
      ...(sparseName !== undefined && path !== undefined ? { otherName: path } : {}),
    }
    this.#header = { ...header, sizeBytes }
    const isWanted = this.#judge.check(member) !== false
    if (isWanted) this.members++
    return isWanted
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
    this.#dataBytes = this.#header?.sizeBytes ?? 0
    const size = padded(this.#dataBytes)
    if (size === 0) this.#expectMember()
    else this.#expect('data', size)
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

/** Adds a span to a list, joined with the last one where it continues that one. */
function append(spans: Span[], span: Span): void {
  const last = spans.at(-1)
  if (last?.chunk === span.chunk && last.to === span.from) last.to = span.to
  else spans.push(span)
}

function sizeIn(records: Map<string, string> | undefined, name: string): number | undefined {
  const size = records?.get(name)
  if (size === undefined) return undefined
  if (!/^\d{1,15}$/.test(size)) throw hostile('An extended header holds an invalid size')
  return Number(size)
}

function padded(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES
}

function assertZero(bytes: Buffer): void {
  if (!bytes.every(byte => byte === 0)) throw hostile('Something follows the end of the tar file')
}
