import {
  closeSync,
  constants,
  existsSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
} from 'node:fs'
import { CatalogError, errorCode } from '#catalog-error.ts'
import { type FolderIdentity, killProcessesIn, waitUntilLeft } from '#embedded/processes.ts'
import type { ServerUser } from '#embedded/server-user.ts'

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants
/** Without it a server does not start: it cannot read the version of its own data. */
const FIRST = 'PG_VERSION'

/** Whether a data folder can be given away here: its pieces are named by their descriptors, as Linux can. */
export function canGiveAway(): boolean {
  return existsSync('/proc/self/fd')
}

/**
 * Gives a data folder, whose server does not run, with all that is in it to another user. To be called by root under the mutex. Its
 * present owner may be hostile and exchange anything meanwhile: so nothing is followed, and only what belongs to one of the two, and has
 * no other name, is given; root's files stay root's. The folder itself comes last, the version file first: killed in between, the next call goes on, and a
 * server that is started as the present owner ends at once instead of working on half of it.
 * CatalogError CONFIGURATION when something else is in it; nothing was changed then, unless it came there meanwhile.
 */
export async function giveDataFolder(data: FolderIdentity, user: ServerUser): Promise<void> {
  if (!(await waitUntilLeft(data, 1_000))) await killProcessesIn(data)
  const { uid, gid } = user.spawnAs ?? data
  const folder = openSync(data.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  try {
    const { dev, ino } = fstatSync(folder, { bigint: true })
    if (dev !== data.dev || ino !== data.ino) throw cannotGive(data.path, 'was exchanged')
    const owners = [data.uid, uid]
    forEachIn(folder, data.path, owners, () => {})
    forEachIn(folder, data.path, owners, piece => fchownSync(piece, uid, gid))
    fchownSync(folder, uid, gid)
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

/** Calls `act` with a descriptor of every file and folder below, in that order of `FIRST` before all. */
function forEachIn(
  folder: number,
  path: string,
  owners: readonly number[],
  act: (piece: number) => void,
): void {
  const names = readdirSync(`/proc/self/fd/${folder}`)
  for (const name of names.sort((a, b) => Number(b === FIRST) - Number(a === FIRST))) {
    const piece = openPiece(`/proc/self/fd/${folder}/${name}`, `${path}/${name}`)
    if (piece === undefined) continue
    try {
      const status = fstatSync(piece)
      // As the access rules, which root writes anew at each start and the server only reads.
      if (status.isFile() && status.uid === 0) continue
      if (!owners.includes(status.uid)) throw cannotGive(`${path}/${name}`, 'belongs to another user')
      if (status.isDirectory()) forEachIn(piece, `${path}/${name}`, owners, act)
      else if (!status.isFile() || status.nlink !== 1)
        throw cannotGive(`${path}/${name}`, 'is no file of this folder alone')
      act(piece)
    } finally {
      closeSync(piece)
    }
  }
}

/** Undefined for a socket that a killed server left, which the next one replaces. */
function openPiece(path: string, name: string): number | undefined {
  try {
    return openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    if (errorCode(error) === 'ENXIO') return undefined
    if (errorCode(error) === 'ELOOP') throw cannotGive(name, 'is a link')
    throw error
  }
}

function cannotGive(path: string, why: string): CatalogError {
  return new CatalogError(`${path} ${why}`, {
    code: 'CONFIGURATION',
    hint: 'Look what it is. The data folder of the embedded catalog holds files and folders of its server alone.',
  })
}
