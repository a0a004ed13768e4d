import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, ShiftableClock } from '#clock.ts'
import { DocumentStore } from '#files/document-store.ts'
import { lockFolder } from '#world/folder-lock.ts'
import { Journal, readJournal } from '#world/journal.ts'
import { World } from '#world/world.ts'

/** A world that lasts: what happened, the bytes of the documents, and the way to let go of both. */
export interface OpenWorld {
  readonly world: World
  readonly store: DocumentStore
  /** Resolves when everything that happened so far is on disk. */
  readonly kept: () => Promise<void>
  close(): Promise<void>
}

/**
 * Opens a data folder, making it if need be; without one, a temporary folder that `close` removes. Throws
 * EmulatorError DATA_DIR_IN_USE when another emulator has it open, DATA_DIR_UNREADABLE when it is damaged.
 */
export function openDataFolder(dataDir: string | undefined, clock: Clock): OpenWorld {
  const folder = dataDir ?? mkdtempSync(join(tmpdir(), 'bot-api-emulator-'))
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const lock = lockFolder(join(folder, 'lock.json'))
  const leave = () => {
    lock.release()
    if (dataDir === undefined) rmSync(folder, { recursive: true, force: true })
  }
  try {
    // What is thrown away at the end need not survive a power cut.
    return openLocked(folder, { clock, durable: dataDir !== undefined, leave })
  } catch (error) {
    leave()
    throw error
  }
}

function openLocked(
  folder: string,
  { clock, durable, leave }: { clock: Clock; durable: boolean; leave: () => void },
): OpenWorld {
  const journalPath = join(folder, 'journal.jsonl')
  const records = readJournal(journalPath)
  const journal = new Journal(journalPath, { durable })
  const store = new DocumentStore(join(folder, 'documents'), { durable })
  if (durable) syncFolder(folder)
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
      leave()
    },
  }
}

/** Puts the names of the files in it on disk. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
