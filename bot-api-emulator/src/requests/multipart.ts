import { percentDecode } from '#files/file-names.ts'
import { RequestRejected } from '#requests/rejection.ts'

/** What a multipart body turns out to hold, in order: each part, its bytes in pieces, its end. */
export type MultipartEvent =
  | { readonly kind: 'part'; readonly name: string; readonly fileName: Buffer | undefined }
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'part-end' }

const HEADERS_END = Buffer.from('\r\n\r\n')
/** td HttpReader MAX_BOUNDARY_LENGTH. */
const MAX_BOUNDARY_LENGTH = 70

type State = 'prologue' | 'after-boundary' | 'headers' | 'body' | 'epilogue'

/**
 * Reads multipart/form-data piece by piece, as leniently as Telegram's own reader (td HttpReader): a file
 * name may stand without quotes, a part without one is a field, and what follows a boundary is not checked.
 */
export class MultipartReader {
  readonly #delimiter: Buffer
  readonly #maxHeaderBytes: number
  #state: State = 'prologue'
  #pending: Buffer = Buffer.alloc(0)
  #headerBytes = 0

  /** `boundary` without its dashes. */
  constructor(boundary: string, options: { maxHeaderBytes: number }) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
    this.#maxHeaderBytes = options.maxHeaderBytes
  }

  /**
   * Takes the next piece of the body. The events' bytes are of that piece: whoever keeps them copies them,
   * and the piece may be freed afterwards. Throws RequestRejected when the body cannot be a form.
   */
  *push(chunk: Buffer): Generator<MultipartEvent, void> {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    let state: State
    do {
      state = this.#state
      yield* this.#advance()
    } while (this.#state !== state)
    this.#pending = Buffer.from(this.#pending)
  }

  /** Throws RequestRejected unless the last boundary was seen. */
  end(): void {
    if (this.#state !== 'epilogue') throw new RequestRejected(400)
  }

  /** One step; the state stays the same when more bytes are needed. */
  *#advance(): Generator<MultipartEvent, void> {
    switch (this.#state) {
      case 'prologue': {
        // The first boundary needs no line break before it.
        const boundary = this.#delimiter.subarray(2)
        const at = this.#pending.indexOf(boundary)
        this.#drop(at < 0 ? keepPossibleStart(this.#pending, boundary) : at + boundary.length)
        if (at >= 0) this.#state = 'after-boundary'
        return
      }
      case 'after-boundary':
        if (this.#pending.length >= 2) {
          this.#state = this.#pending.toString('latin1', 0, 2) === '--' ? 'epilogue' : 'headers'
        }
        return
      case 'headers':
        yield* this.#readHeaders()
        return
      case 'body': {
        const at = this.#pending.indexOf(this.#delimiter)
        const length = at < 0 ? keepPossibleStart(this.#pending, this.#delimiter) : at
        if (length > 0) yield { kind: 'bytes', bytes: this.#pending.subarray(0, length) }
        this.#drop(at < 0 ? length : at + this.#delimiter.length)
        if (at >= 0) {
          this.#state = 'after-boundary'
          yield { kind: 'part-end' }
        }
        return
      }
      case 'epilogue':
        this.#pending = Buffer.alloc(0)
        return
    }
  }

  *#readHeaders(): Generator<MultipartEvent, void> {
    const at = this.#pending.indexOf(HEADERS_END)
    const length = at < 0 ? this.#pending.length : at
    if (this.#headerBytes + length > this.#maxHeaderBytes) throw new RequestRejected(431)
    if (at < 0) return
    this.#headerBytes += length
    const part = parsePartHeaders(this.#pending.subarray(0, at))
    this.#drop(at + HEADERS_END.length)
    this.#state = 'body'
    yield { kind: 'part', ...part }
  }

  #drop(length: number): void {
    this.#pending = this.#pending.subarray(length)
  }
}

/**
 * How many bytes come before those that may be the start of a needle which goes on in the next piece: mostly
 * all of them, so that pieces of a file need not be joined.
 */
function keepPossibleStart(bytes: Buffer, needle: Buffer): number {
  let at = Math.max(0, bytes.length - needle.length + 1)
  while (at < bytes.length && bytes.compare(needle, 0, bytes.length - at, at) !== 0) at++
  return at
}

/** The boundary that a Content-Type header names. Throws RequestRejected 400 for none or too long a one. */
export function boundaryOf(contentType: string): string {
  const value = /boundary[^=]*=([^;]*)/i.exec(contentType)?.[1] ?? ''
  const boundary =
    value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value
  if (boundary === '' || boundary.length > MAX_BOUNDARY_LENGTH) throw new RequestRejected(400)
  return boundary
}

function parsePartHeaders(bytes: Buffer): { name: string; fileName: Buffer | undefined } {
  // Latin-1 keeps each byte as one character, so names of any encoding can be cut out.
  const lines = bytes
    .toString('latin1')
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
  let name = ''
  let fileName: Buffer | undefined
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (line.slice(0, Math.max(colon, 0)).trim().toLowerCase() !== 'content-disposition') continue
    for (const [key, value] of dispositionParameters(line.slice(colon + 1).trim())) {
      const decoded = percentDecode(Buffer.from(value, 'latin1'))
      if (key === 'name') name = decoded.toString('utf8')
      if (key === 'filename') fileName = decoded
    }
  }
  if (name === '') throw new RequestRejected(400)
  return { name, fileName }
}

/**
 * The `key=value` pairs after `form-data;`. An unquoted value ends at the next semicolon, whatever it holds.
 */
function* dispositionParameters(header: string): Generator<[string, string], void> {
  if (!header.startsWith('form-data;')) throw new RequestRejected(400)
  let rest = header.slice('form-data;'.length).trim()
  while (rest.includes('=')) {
    const equals = rest.indexOf('=')
    const key = rest.slice(0, equals).trim()
    rest = rest.slice(equals + 1).trimStart()
    const quoted = /^"((?:[^"\\]|\\.)*)"[ \t]*(?:;|$)/s.exec(rest)
    if (rest.startsWith('"')) {
      if (quoted === null) throw new RequestRejected(400)
      yield [key, (quoted[1] ?? '').replace(/\\(.)/gs, '$1')]
      rest = rest.slice(quoted[0].length).trim()
    } else {
      const semicolon = rest.indexOf(';')
      yield [key, (semicolon < 0 ? rest : rest.slice(0, semicolon)).trim()]
      rest = semicolon < 0 ? '' : rest.slice(semicolon + 1).trim()
    }
  }
}
