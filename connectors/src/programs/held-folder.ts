import { closeSync, constants, existsSync, fstatSync, openSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

/** Which file it is, whatever its name is by now. */
export interface FileId {
  dev: bigint
  ino: bigint
}

/** A FIFO must not make us wait, and a link must not lead us away. */
const FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * A folder that is held open. What is done to `inside(name)` is done in this very folder, also when somebody has given
 * its path to another one meanwhile: the system resolves `/proc/self/fd/N` to the open folder. Where there is no /proc
 * (macOS), it is the path.
 */
export class HeldFolder {
  readonly path: string
  readonly fd: number
  readonly #isByHandle: boolean
  readonly #root: Buffer
  #isOpen = true

  /** Throws what the system says: `ENOTDIR` for anything that is no folder, a link included. */
  constructor(path: string | Buffer, as: string = path.toString()) {
    this.fd = openSync(path, FLAGS)
    this.path = as
    this.#isByHandle = existsSync(handlePath(this.fd))
    this.#root = this.#isByHandle ? handlePath(this.fd) : bytesOf(path)
  }

  /** The path of a name in it; without one, of itself. For this process alone, and as long as it is held. */
  inside(name: string = '.'): string {
    return join(this.#root.toString(), name)
  }

  /** The same for a name of any bytes. */
  insideBytes(name: Buffer): Buffer {
    return Buffer.concat([this.#root, Buffer.from('/'), name])
  }

  /** Its path for a program that has `fd` as its own descriptor `number`. Only there is it this very folder. */
  pathFor(number: number): Buffer {
    return this.#isByHandle ? handlePath(number) : this.#root
  }

  get id(): FileId {
    const { dev, ino } = fstatSync(this.fd, { bigint: true })
    return { dev, ino }
  }

  /** Whether it lies at that path, in which no link may be; where there is no /proc, nobody can tell. */
  isAt(path: Buffer): boolean {
    return !this.#isByHandle || readlinkSync(this.#root, 'buffer').equals(path)
  }

  /** Whether it belongs to the user that this process acts as, and nobody else can look into it. */
  get isPrivate(): boolean {
    const { uid, mode } = fstatSync(this.fd)
    return uid === process.geteuid?.() && (mode & 0o777) === 0o700
  }

  get modifiedMs(): number {
    return fstatSync(this.fd).mtimeMs
  }

  /** The names in it, as bytes. */
  names(): Buffer[] {
    return readdirSync(this.inside(), { encoding: 'buffer' })
  }

  close(): void {
    if (this.#isOpen) closeSync(this.fd)
    this.#isOpen = false
  }
}

function handlePath(fd: number): Buffer {
  return Buffer.from(`/proc/self/fd/${fd}`)
}

function bytesOf(path: string | Buffer): Buffer {
  return typeof path === 'string' ? Buffer.from(path) : path
}

export function isSameFile(a: FileId | undefined, b: FileId | undefined): boolean {
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino
}
