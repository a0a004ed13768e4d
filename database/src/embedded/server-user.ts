import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { CatalogError } from '#catalog-error.ts'

/** Who runs the embedded server. PostgreSQL refuses to run as root, so root lends it another user. */
export interface ServerUser {
  /** Given only when the process has to change its user. */
  spawnAs: { uid: number; gid: number } | undefined
  /** The numeric owner of the data folder. */
  uid: number
  name: string
}

/** The present user's name; `uid-1000` for an id without an entry in /etc/passwd. */
export function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid-${process.getuid?.()}`
  }
}

/**
 * The present user, or for root: the owner of the data folder when there is one already, else `postgres`, else
 * `nobody`. CatalogError CONFIGURATION when root has nobody to lend.
 */
export function serverUser(owner: { uid: number; gid: number } | undefined): ServerUser {
  const uid = process.getuid?.() ?? 0
  if (uid !== 0) return { spawnAs: undefined, uid, name: userName() }
  if (owner?.uid === 0) {
    throw new CatalogError('CONFIGURATION', 'The data folder of the embedded catalog belongs to root', {
      hint: 'PostgreSQL does not run as root: give the folder back with chown -R, to the user postgres or nobody.',
    })
  }
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n').map(parseAccount)
  const account = owner
    ? { ...owner, name: accounts.find(({ uid }) => uid === owner.uid)?.name ?? `uid-${owner.uid}` }
    : (accounts.find(({ name }) => name === 'postgres') ?? accounts.find(({ name }) => name === 'nobody'))
  if (!account || account.uid === 0) {
    throw new CatalogError('CONFIGURATION', 'The embedded catalog found no user to run its server', {
      hint: 'PostgreSQL does not run as root: add a user named postgres, run as another user, or set DATABASE_URL.',
    })
  }
  return { spawnAs: { uid: account.uid, gid: account.gid }, uid: account.uid, name: account.name }
}

/** Accounts for root's drills: one that was made for them first, then such as own no data that matters. */
const DRILL_ACCOUNTS = ['telegram-backup-drill', 'nobody', 'daemon']

/**
 * Who runs a server that is fed with what others wrote: for root none that owns the catalog's data folder, so that whoever got
 * out of the one server would not be in the other. Else the present user. CatalogError CONFIGURATION when root has nobody to lend.
 */
export function drillUser(ownerOfCatalog: { uid: number } | undefined): ServerUser {
  if (process.getuid?.() !== 0) return serverUser(undefined)
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n').map(parseAccount)
  const account = DRILL_ACCOUNTS.map(name => accounts.find(one => one.name === name)).find(
    one => one !== undefined && one.uid > 0 && one.uid !== ownerOfCatalog?.uid,
  )
  if (account === undefined) {
    throw new CatalogError('CONFIGURATION', 'No account is left that could run the server of a drill', {
      hint: `Add a user named ${DRILL_ACCOUNTS[0]} (useradd --system), or drill on a server of yours: --on.`,
    })
  }
  return { spawnAs: { uid: account.uid, gid: account.gid }, uid: account.uid, name: account.name }
}

function parseAccount(line: string): { name: string; uid: number; gid: number } {
  const [name = '', , uid = '', gid = ''] = line.split(':')
  return { name, uid: Number.parseInt(uid, 10), gid: Number.parseInt(gid, 10) }
}
