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
/** A server that cannot read this file does not start. */
const FIRST = 'PG_VERSION'

/** Whether a data folder can be given away: Linux can name files by their descriptors. */
export function canGiveAway(): boolean {
  return existsSync('/proc/self/fd')
}

/**
 * Gives a data folder and its contents to another user; its server must not run. Root calls it under the
 * mutex. The present owner may be hostile and replace files meanwhile. So no link is followed, and only files
 * of the two users without another name are given; root's files stay root's. The version file comes first and
 * the folder last: after a kill the next call continues, and a server of the former owner cannot start.
 * CatalogError CONFIGURATION when something else is in it; then nothing was changed, unless it appeared
 * meanwhile.
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

/** Calls `act` with a descriptor of each file and folder below, `FIRST` before all others. */
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
      // Such as the access rules, which root writes at each start and the server only reads.
      if (status.isFile() && status.uid === 0) continue
      if (!owners.includes(status.uid)) throw cannotGive(`${path}/${name}`, 'belongs to another user')
      if (status.isDirectory()) forEachIn(piece, `${path}/${name}`, owners, act)
      else if (!status.isFile() || status.nlink !== 1)
        throw cannotGive(`${path}/${name}`, 'also has a name outside this folder, or is not a file')
      act(piece)
    } finally {
      closeSync(piece)
    }
  }
}

/** Undefined for a socket of a killed server, which the next one replaces. */
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
    hint: 'Check what it is. The data folder of the embedded catalog holds files and folders of its server alone.',
  })
}
