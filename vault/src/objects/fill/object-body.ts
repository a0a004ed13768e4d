import { createHash } from 'node:crypto'
import { BackupError } from '@telegram-backup/errors'
import { cancelled } from '#session/session.ts'

/** What a client says of a body beforehand. */
export interface PromisedBody {
  /** Bytes. */
  size?: number | undefined
  /** Hex. */
  sha256?: string | undefined
}

/** A body that is read once, in pieces, and checked at its end against what was promised. */
export class ObjectBody {
  readonly #pieces: AsyncIterator<Uint8Array>
  readonly #promised: PromisedBody
  readonly #signal: AbortSignal
  readonly #hash = createHash('sha256')
  #size = 0
  #sha256: string | undefined
  /** What was read beyond the piece that was asked for. */
  #rest: Uint8Array = new Uint8Array()

  constructor(body: AsyncIterable<Uint8Array>, of: { promised: PromisedBody; signal: AbortSignal }) {
    this.#pieces = body[Symbol.asyncIterator]()
    this.#promised = of.promised
    this.#signal = of.signal
  }

  /** Bytes that were read. */
  get size(): number {
    return this.#size
  }

  /** Of the whole body, hex. Only after its end. */
  get sha256(): string {
    if (this.#sha256 === undefined) throw new Error('The body was not read to its end')
    return this.#sha256
  }

  get hasEnded(): boolean {
    return this.#sha256 !== undefined && this.#rest.length === 0
  }

  /**
   * Fills `memory` from its start, as far as the body goes, and returns the number of bytes. Fewer than asked
   * for means that the body has ended, and is what was promised. Throws `INVALID` when it is not,
   * `CANCELLED`, and the errors of the body.
   */
  async readInto(memory: Uint8Array): Promise<number> {
    let filled = 0
    while (filled < memory.length) {
      if (this.#rest.length === 0 && !(await this.#readPiece())) break
      const taken = this.#rest.subarray(0, memory.length - filled)
      memory.set(taken, filled)
      filled += taken.length
      this.#rest = this.#rest.subarray(taken.length)
    }
    return filled
  }

  /** Reads what is left for its size and hash alone. Throws as `readInto` does. */
  async readToEnd(): Promise<void> {
    while (await this.#readPiece());
    this.#rest = new Uint8Array()
  }

  /** Nothing more will be read: the source of the body may stop. */
  async stop(): Promise<void> {
    await this.#pieces.return?.()
  }

  /** False at the end. */
  async #readPiece(): Promise<boolean> {
    if (this.#sha256 !== undefined) return false
    if (this.#signal.aborted) throw cancelled()
    const { done, value } = await this.#pieces.next()
    if (done) {
      this.#end()
      return false
    }
    this.#size += value.length
    if (this.#size > (this.#promised.size ?? Number.POSITIVE_INFINITY)) throw this.#otherSize()
    this.#hash.update(value)
    this.#rest = value
    return true
  }

  #end(): void {
    if (this.#promised.size !== undefined && this.#size !== this.#promised.size) throw this.#otherSize()
    const sha256 = this.#hash.digest('hex')
    if (this.#promised.sha256 !== undefined && sha256 !== this.#promised.sha256) {
      throw new BackupError('The SHA-256 of the body is another one than was said', { code: 'INVALID' })
    }
    this.#sha256 = sha256
  }

  #otherSize(): BackupError {
    return new BackupError(`The body does not have the ${this.#promised.size} bytes that were said`, {
      code: 'INVALID',
    })
  }
}
