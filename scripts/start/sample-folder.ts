import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { isEmbeddedServerRunning, openDatabase, tryMutex } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import { endLeftServer } from '#start/sample-server.ts'

/** What a later start has to know. */
export interface SampleState {
  format: 1
  /** False until the history is made: an interrupted first start begins anew. */
  isWhole: boolean
  /** Why the database is a dump as a file; null when it is in a server. */
  noServer: string | null
  passwords: { owner: string; shop: string }
  /** The public key of the backups. */
  recipient: string
  serverPort: number | null
}

/** The folder of the sample, which no other start uses at the same time. */
export interface SampleFolder {
  path: string
  /** Null for a new folder. */
  state: SampleState | null
  save(state: SampleState): Promise<void>
  /** Lets another start use it. */
  release(): void
}

/** The state folder of the program. */
export const HOME = 'state'
/** That of the machine which made the history, and was lost. */
export const FIRST_HOME = 'first-machine'
/** The data of the sample's own server. */
export const SERVER_DATA = 'postgres'
export const SERVER_PROGRAMS = 'postgres-programs'

const STATE_FILE = 'sample.json'
const LOCK_FILE = 'lock'
const FORMAT = 1
/** PostgreSQL's accounts pass through a folder of root. */
const OPEN_TO_PASS = 0o711
const CLOSED = 0o700

/** Beside the state folder of the program, which a sample never touches. */
export function defaultFolder(): string {
  if (process.getuid?.() === 0) return '/var/lib/telegram-backup-sample'
  return join(homedir(), '.local', 'share', 'telegram-backup-sample')
}

/**
 * Opens the folder, or makes it. Deletes what is in it if the first start was interrupted, or if `fresh` asks
 * for it. Never touches a folder that is not a sample's.
 */
export async function openSampleFolder(wanted: string, options: { fresh: boolean }): Promise<SampleFolder> {
  const path = resolve(wanted)
  const mode = process.getuid?.() === 0 ? OPEN_TO_PASS : CLOSED
  const earlier = await readState(path)
  if (earlier === undefined && existsSync(path) && (await readdir(path)).some(name => name !== LOCK_FILE)) {
    throw new BackupError(`${path} is not the folder of a sample, so nothing is written into it`, {
      code: 'USAGE',
      hint: 'Choose another with: npm start -- --folder FOLDER',
    })
  }
  await mkdir(path, { recursive: true, mode })
  await chmod(path, mode)
  const lock = tryMutex(join(path, LOCK_FILE), 'The sample')
  if (lock === undefined) {
    throw new BackupError(`The sample in ${path} already runs`, {
      code: 'CONFLICT',
      hint: 'Stop the other one with Ctrl-C, or start a second sample with: npm start -- --folder FOLDER',
    })
  }
  const state = earlier?.isWhole === true && !options.fresh ? earlier : null
  const save = async (next: SampleState): Promise<void> => {
    const file = join(path, STATE_FILE)
    await writeFile(`${file}.new`, `${JSON.stringify(next, undefined, 1)}\n`, { mode: 0o600 })
    await rename(`${file}.new`, file)
  }
  try {
    if (state === null) await removeContents(path)
    return { path, state, save, release: () => lock.close() }
  } catch (error) {
    lock.close()
    throw error
  }
}

/** A state before the first save, with passwords of its own. */
export function newState(noServer: string | null): SampleState {
  const password = (): string => randomBytes(18).toString('hex')
  return {
    format: FORMAT,
    isWhole: false,
    noServer,
    passwords: { owner: password(), shop: password() },
    recipient: '',
    serverPort: null,
  }
}

/** The file that marks the folder goes last: a delete that was killed goes on at the next start. */
async function removeContents(path: string): Promise<void> {
  // A start that was killed leaves its servers behind. The last user of a catalog stops its server.
  await endLeftServer(join(path, SERVER_DATA))
  for (const dataDir of [HOME, FIRST_HOME].map(name => join(path, name)))
    if (isEmbeddedServerRunning(dataDir)) await (await openDatabase({ dataDir })).close()
  const names = (await readdir(path)).filter(name => name !== LOCK_FILE && name !== STATE_FILE)
  for (const name of [...names, STATE_FILE])
    await rm(join(path, name), { recursive: true, force: true, maxRetries: 3 })
}

async function readState(path: string): Promise<SampleState | undefined> {
  try {
    const read = JSON.parse(await readFile(join(path, STATE_FILE), 'utf8')) as SampleState
    return read.format === FORMAT ? read : { ...read, isWhole: false }
  } catch {
    return undefined
  }
}
