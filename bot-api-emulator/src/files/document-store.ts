import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** A received file, whole on disk, that no document refers to yet. */
export interface ReceivedFile {
  readonly storedAs: string
  readonly sizeBytes: number
  /** Lower-case hex. */
  readonly sha256: string
}

/** A file on its way to disk. */
export interface IncomingFile {
  /** Takes the bytes, which need not stay as they are. */
  write(bytes: Uint8Array): Promise<void>
  /** Resolves when the bytes and the name are on disk. */
  finish(): Promise<ReceivedFile>
  abandon(): Promise<void>
}

const GATHERED_BYTES = 1024 * 1024

/**
 * A folder with one file per upload, written under its final name: the journal, not the name, says what
 * counts.
 */
export class DocumentStore {
  readonly #folder: string
  readonly #durable: boolean

  constructor(folder: string, options: { durable: boolean }) {
    this.#folder = folder
    this.#durable = options.durable
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  pathOf(storedAs: string): string {
    return join(this.#folder, storedAs)
  }

  async receive(): Promise<IncomingFile> {
    const storedAs = randomUUID()
    const file = await open(this.pathOf(storedAs), 'wx', 0o600)
    const hash = createHash('sha256')
    // Fewer calls of the system: the pieces of a body are small. Freed at the end, not by the collector.
    const gathered = Buffer.allocUnsafeSlow(GATHERED_BYTES)
    let gatheredBytes = 0
    let sizeBytes = 0
    const writeGathered = async (): Promise<void> => {
      await file.writeFile(gathered.subarray(0, gatheredBytes))
      gatheredBytes = 0
    }
    return {
      write: async bytes => {
        hash.update(bytes)
        sizeBytes += bytes.length
        for (let at = 0; at < bytes.length; ) {
          const piece = bytes.subarray(at, at + gathered.length - gatheredBytes)
          gathered.set(piece, gatheredBytes)
          gatheredBytes += piece.length
          at += piece.length
          if (gatheredBytes === gathered.length) await writeGathered()
        }
      },
      finish: async () => {
        await writeGathered()
        if (this.#durable) await file.datasync()
        await file.close()
        gathered.buffer.transfer(0)
        if (this.#durable) await this.#syncFolder()
        return { storedAs, sizeBytes, sha256: hash.digest('hex') }
      },
      abandon: async () => {
        await file.close()
        gathered.buffer.transfer(0)
        await this.discard(storedAs)
      },
    }
  }

  async discard(storedAs: string): Promise<void> {
    await rm(this.pathOf(storedAs), { force: true })
  }

  /** Removes what a killed process left: files that no document refers to. */
  keepOnly(storedAs: ReadonlySet<string>): void {
    for (const name of readdirSync(this.#folder)) {
      if (!storedAs.has(name)) rmSync(this.pathOf(name), { force: true })
    }
  }

  async #syncFolder(): Promise<void> {
    const folder = await open(this.#folder, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  }
}
