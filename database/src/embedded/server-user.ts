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

function parseAccount(line: string): { name: string; uid: number; gid: number } {
  const [name = '', , uid = '', gid = ''] = line.split(':')
  return { name, uid: Number.parseInt(uid, 10), gid: Number.parseInt(gid, 10) }
}
