import {
  closeSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { promisify } from 'node:util'
import { EmulatorError } from '#errors.ts'
import type { WorldRecord } from '#world/records.ts'

const syncToDisk = promisify(fdatasync)
const NEWLINE = 0x0a

/**
 * An append-only file of JSON lines. `append` hands the line to the operating system at once, so a killed
 * process loses nothing; `synced` waits until the disk has it, so a power cut loses nothing answered.
 */
export class Journal {
  readonly #descriptor: number
  readonly #durable: boolean
  #sizeBytes: number
  #unsynced = false
  #syncing: Promise<void> | undefined

  constructor(path: string, options: { durable: boolean }) {
    this.#descriptor = openSync(path, 'a', 0o600)
    this.#sizeBytes = fstatSync(this.#descriptor).size
    this.#durable = options.durable
  }

  /** Throws Node's error when the disk refuses; nothing of the record is left then. */
  append(record: WorldRecord): void {
    const line = Buffer.from(`${JSON.stringify(record)}\n`)
    try {
      writeWhole(this.#descriptor, line)
    } catch (error) {
      ftruncateSync(this.#descriptor, this.#sizeBytes)
      throw error
    }
    this.#sizeBytes += line.length
    this.#unsynced = true
  }

  /** Resolves when everything appended before the call is on disk. Calls at the same time share a sync. */
  async synced(): Promise<void> {
    if (!this.#durable) return
    while (this.#syncing !== undefined) await this.#syncing
    if (!this.#unsynced) return
    this.#unsynced = false
    this.#syncing = syncToDisk(this.#descriptor)
    try {
      await this.#syncing
    } catch (error) {
      this.#unsynced = true
      throw error
    } finally {
      this.#syncing = undefined
    }
  }

  async close(): Promise<void> {
    await this.synced()
    closeSync(this.#descriptor)
  }
}

function writeWhole(descriptor: number, bytes: Buffer): void {
  let written = 0
  while (written < bytes.length) written += writeSync(descriptor, bytes, written)
}

/**
 * Reads the records of a journal, oldest first; none if there is no file. Throws EmulatorError
 * DATA_DIR_UNREADABLE. A last line without its newline was being written when the process died: it was never
 * answered, and is cut off.
 */
export function readJournal(path: string): WorldRecord[] {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
  const wholeBytes = bytes.lastIndexOf(NEWLINE) + 1
  if (wholeBytes < bytes.length) truncateSync(path, wholeBytes)
  const lines = bytes.subarray(0, wholeBytes).toString('utf8').split('\n').slice(0, -1)
  const records = lines.map((line, index) => parseLine(line, index + 1))
  const [first] = records
  if (first !== undefined && !(first.kind === 'opened' && first.format === 1)) {
    throw unreadable('It does not begin as format 1 does.')
  }
  return records
}

function parseLine(line: string, number: number): WorldRecord {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw unreadable(`Line ${number} is not JSON.`, cause)
  }
}

function unreadable(reason: string, cause?: unknown): EmulatorError {
  return new EmulatorError(`The emulator's journal cannot be read. ${reason}`, {
    code: 'DATA_DIR_UNREADABLE',
    hint: 'Start with an empty data folder.',
    cause,
  })
}
