import { closeSync, constants, existsSync, fstatSync, openSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

/** Identity of a file, whatever its name. */
export interface FileId {
  dev: bigint
  ino: bigint
}

/** Neither waits for a FIFO nor follows a link. */
const FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * An open folder. What is done to `inside(name)` is done in this very folder, even if its path leads
 * elsewhere by now: the system resolves `/proc/self/fd/N` to it. Without /proc (macOS), the path is used.
 */
export class HeldFolder {
  readonly path: string
  readonly fd: number
  readonly #isByHandle: boolean
  readonly #root: Buffer
  #isOpen = true

  /** Throws system errors: `ENOTDIR` for anything that is no folder, a link included. */
  constructor(path: string | Buffer, as: string = path.toString()) {
    this.fd = openSync(path, FLAGS)
    this.path = as
    this.#isByHandle = existsSync(handlePath(this.fd))
    this.#root = this.#isByHandle ? handlePath(this.fd) : Buffer.from(path)
  }

  /** The path of a name in it, by default of the folder itself. Valid in this process while it is open. */
  inside(name: string = '.'): string {
    return join(this.#root.toString(), name)
  }

  insideBytes(name: Buffer): Buffer {
    return Buffer.concat([this.#root, Buffer.from('/'), name])
  }

  /** Its path for a program that has `fd` as its descriptor `number`; valid only there. */
  pathFor(number: number): Buffer {
    return this.#isByHandle ? handlePath(number) : this.#root
  }

  get id(): FileId {
    const { dev, ino } = fstatSync(this.fd, { bigint: true })
    return { dev, ino }
  }

  /** Whether it lies at that link-free path; always true without /proc. */
  isAt(path: Buffer): boolean {
    return !this.#isByHandle || readlinkSync(this.#root, 'buffer').equals(path)
  }

  /** Whether it belongs to our effective user, and nobody else can enter it. */
  get isPrivate(): boolean {
    const { uid, mode } = fstatSync(this.fd)
    return uid === process.geteuid?.() && (mode & 0o777) === 0o700
  }

  get modifiedMs(): number {
    return fstatSync(this.fd).mtimeMs
  }

  names(): Buffer[] {
    return readdirSync(this.inside(), { encoding: 'buffer' })
  }

  close(): void {
    if (this.#isOpen) closeSync(this.fd)
    this.#isOpen = false
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

function handlePath(fd: number): Buffer {
  return Buffer.from(`/proc/self/fd/${fd}`)
}

/** The bytes of a name that was read as Latin-1, one character for each byte. */
export function latin1Bytes(name: string): Buffer {
  return Buffer.from(name, 'latin1')
}

export function isSameFile(a: FileId | undefined, b: FileId | undefined): boolean {
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino
}
