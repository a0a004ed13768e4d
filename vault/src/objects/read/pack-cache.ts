import { createHash, randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, mkdir, open, readdir, rename, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { describeError } from '@telegram-backup/errors'

/** A pack as it was sent. */
export interface CachedPack {
  /** UUID. */
  id: string
  /** Of the document, hex. */
  sha256: string
  /** Of the document, in bytes. */
  size: number
}

export interface PackCacheOptions {
  /** Made at the first write. */
  folder: string
  /** Of all files together; 0 keeps nothing. */
  maxBytes: number
  /** Called with a line of text when the disk refuses; reads and writes go on without the cache. */
  log: (line: string) => void
}

/** Between two marks of use of a file: a restore reads it hundreds of times. */
const MARK_EVERY_MS = 60_000
/** A file that a process was writing when it died. */
const LEFTOVER_AFTER_MS = 3_600_000
/** The folder is read again after so large a share of the limit was written. */
const CHECK_EVERY = 1 / 16
/** What is left after the oldest files were deleted. */
const KEPT = 0.9
const NAME = /^[0-9a-f-]{36}\.[0-9a-f]{64}$/

/**
 * Packs on disk, encrypted as they were sent. Several processes may use one folder: files appear whole, by
 * renaming, and are deleted in order of their last use. Nothing is synced, since each file is checked by its
 * SHA-256 whenever it is read. A failure of the disk never fails a caller.
 */
export class PackCache {
  readonly #options: PackCacheOptions
  readonly #markedAt = new Map<string, number>()
  /** Bytes written by this process since it last read the folder; the first write reads it. */
  #written = Number.POSITIVE_INFINITY
  #isTrimming = false

  constructor(options: PackCacheOptions) {
    this.#options = options
  }

  /** Checked bytes, in `memory`, which has room for them; undefined when they are not there. */
  async read(pack: CachedPack, memory: Buffer): Promise<Buffer | undefined> {
    if (this.#options.maxBytes === 0) return undefined
    const path = this.#path(pack)
    try {
      const bytes = await readWhole(path, memory.subarray(0, pack.size))
      if (bytes !== undefined && createHash('sha256').update(bytes).digest('hex') === pack.sha256) {
        await this.#mark(path)
        return bytes
      }
      await rm(path, { force: true })
    } catch (error) {
      if (!isMissing(error)) this.#report(error)
    }
    return undefined
  }

  /** Keeps bytes whose SHA-256 was checked. */
  async write(pack: CachedPack, bytes: Uint8Array): Promise<void> {
    const { folder, maxBytes } = this.#options
    if (bytes.length > maxBytes * KEPT) return
    const unfinished = join(folder, `${randomUUID()}.unfinished`)
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await writeNew(unfinished, bytes)
      await rename(unfinished, this.#path(pack))
      this.#written += bytes.length
      if (this.#written > maxBytes * CHECK_EVERY) await this.#trim()
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => {})
      this.#report(error)
    }
  }

  /** For a pack that is not in the chat any more. */
  async forget(pack: CachedPack): Promise<void> {
    await rm(this.#path(pack), { force: true }).catch(error => this.#report(error))
  }

  #path({ id, sha256 }: CachedPack): string {
    return join(this.#options.folder, `${id}.${sha256}`)
  }

  /** The modification time of a file says when it was used last. */
  async #mark(path: string): Promise<void> {
    const now = Date.now()
    if (now - (this.#markedAt.get(path) ?? 0) < MARK_EVERY_MS) return
    this.#markedAt.set(path, now)
    await utimes(path, new Date(now), new Date(now))
  }

  /** Deletes the files that were not used for longest, until there is room again. */
  async #trim(): Promise<void> {
    if (this.#isTrimming) return
    this.#isTrimming = true
    this.#written = 0
    try {
      const files = await this.#files()
      let total = files.reduce((sum, { bytes }) => sum + bytes, 0)
      if (total <= this.#options.maxBytes) return
      for (const { path, bytes } of files.toSorted((a, b) => a.usedAt - b.usedAt)) {
        if (total <= this.#options.maxBytes * KEPT) break
        await rm(path, { force: true })
        this.#markedAt.delete(path)
        total -= bytes
      }
    } finally {
      this.#isTrimming = false
    }
  }

  /** Also deletes what processes that died were writing. */
  async #files(): Promise<{ path: string; bytes: number; usedAt: number }[]> {
    const { folder } = this.#options
    const files: { path: string; bytes: number; usedAt: number }[] = []
    for (const name of await readdir(folder)) {
      const path = join(folder, name)
      const found = await lstat(path).catch(() => undefined)
      if (!found?.isFile()) continue
      if (NAME.test(name)) files.push({ path, bytes: found.size, usedAt: found.mtimeMs })
      else if (name.endsWith('.unfinished') && Date.now() - found.mtimeMs > LEFTOVER_AFTER_MS) {
        await rm(path, { force: true })
      }
    }
    return files
  }

  #report(error: unknown): void {
    this.#options.log(`The cache of packs could not be used: ${describeError(error).message}`)
  }
}

/** Undefined for a file of another size. */
async function readWhole(path: string, into: Buffer): Promise<Buffer | undefined> {
  // Opening a FIFO that somebody has put there would take for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    if ((await file.stat()).size !== into.length) return undefined
    const { bytesRead } = await file.read(into, 0, into.length, 0)
    return bytesRead === into.length ? into : undefined
  } finally {
    await file.close()
  }
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(bytes)
  } finally {
    await file.close()
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
