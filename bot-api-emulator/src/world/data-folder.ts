import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, ShiftableClock } from '#clock.ts'
import { EmulatorError } from '#errors.ts'
import { DocumentStore } from '#files/document-store.ts'
import { Journal, readJournal } from '#world/journal.ts'
import { World } from '#world/world.ts'

/** A world that lasts: what happened, the bytes of the documents, and the way to let go of both. */
export interface OpenWorld {
  readonly world: World
  readonly store: DocumentStore
  readonly kept: () => Promise<void>
  close(): Promise<void>
}

/**
 * Opens a data folder, making it if need be; without one, a temporary folder that `close` removes.
 * Throws EmulatorError DATA_DIR_IN_USE when another emulator has it open, DATA_DIR_UNREADABLE when it is damaged.
 */
export function openDataFolder(dataDir: string | undefined, clock: Clock): OpenWorld {
  const folder = dataDir ?? mkdtempSync(join(tmpdir(), 'bot-api-emulator-'))
  const durable = dataDir !== undefined
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const lock = takeLock(join(folder, 'lock.json'))
  const journalPath = join(folder, 'journal.jsonl')
  const records = readJournal(journalPath)
  const journal = new Journal(journalPath, { durable })
  const store = new DocumentStore(join(folder, 'documents'), { durable })
  const world = new World({ clock: new ShiftableClock(clock), keeper: journal })
  for (const record of records) world.apply(record)
  if (records.length === 0) {
    world.commit({ kind: 'opened', format: 1, fileIdKey: randomBytes(32).toString('hex') })
  }
  store.keepOnly(new Set([...world.documents.values()].map(document => document.storedAs)))
  return {
    world,
    store,
    kept: () => journal.synced(),
    close: async () => {
      await journal.close()
      lock.release()
      if (dataDir === undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
}

interface LockOwner {
  readonly pid: number
  /** When the process began, in milliseconds since 1970: tells it from a later one with the same number. */
  readonly processStartMs: number
}

/** Two emulators in one folder would write over each other. A lock whose process is gone is taken over. */
function takeLock(path: string): { release(): void } {
  const self: LockOwner = { pid: process.pid, processStartMs: performance.timeOrigin }
  if (existsSync(path)) {
    const owner = readOwner(path)
    const isSelf = owner?.pid === self.pid && owner.processStartMs === self.processStartMs
    if (owner !== undefined && (isSelf || (owner.pid !== self.pid && isAlive(owner.pid)))) {
      throw new EmulatorError(`The data folder is in use by process ${owner.pid}.`, {
        code: 'DATA_DIR_IN_USE',
        hint: `Stop that emulator or take another folder. If it is not an emulator, remove ${path}.`,
      })
    }
  }
  writeFileSync(path, JSON.stringify(self))
  return { release: () => rmSync(path, { force: true }) }
}

function readOwner(path: string): LockOwner | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
