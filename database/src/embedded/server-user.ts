import { userInfo } from 'node:os'
import { hint, option } from '@telegram-backup/errors'
import { CatalogError } from '#catalog-error.ts'
import { type Account, accountNamed, accounts, makeOwnAccount, OWN_ACCOUNT } from '#embedded/own-account.ts'

/** Who runs the embedded server. PostgreSQL refuses to run as root, so root lends it another user. */
export interface ServerUser {
  /** Given only when the process has to change its user. */
  spawnAs: { uid: number; gid: number } | undefined
  /** The numeric owner of the data folder. */
  uid: number
  name: string
}

/** Called with a sentence about what was done or could not be done. */
export type Note = (words: string) => void

/**
 * The accounts that the server used in earlier versions, and uses where `OWN_ACCOUNT` cannot be made. Other
 * programs run as them, too.
 */
const SHARED_ACCOUNTS = ['postgres', 'nobody']

/** The present user's name; `uid-1000` for an id without an entry in /etc/passwd. */
export function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid-${process.getuid?.()}`
  }
}

/** For all but root. */
function presentUser(): ServerUser {
  return { spawnAs: undefined, uid: process.getuid?.() ?? 0, name: userName() }
}

/**
 * The present user. For root: `telegram-backup`, which is made if need be; else the owner of the data folder,
 * `postgres` or `nobody`, with a warning. A data folder of yet another user stays with that one. CatalogError
 * CONFIGURATION when no account will do.
 * @returns when it is not the owner, the data folder is to be given to that user
 */
export function serverUser(owner: { uid: number; gid: number } | undefined, note: Note): ServerUser {
  if (process.getuid?.() !== 0) return presentUser()
  if (owner?.uid === 0) {
    throw new CatalogError('The data folder of the embedded catalog belongs to root', {
      code: 'CONFIGURATION',
      hint: `PostgreSQL does not run as root: give the folder back with chown -R, to the user ${OWN_ACCOUNT}.`,
    })
  }
  const present = owner && ownerOf(owner)
  if (present && !isShared(present)) return lent(present)
  const found = accountNamed(OWN_ACCOUNT)
  if (found) return lent(found)
  const own = makeOwnAccount()
  if (typeof own !== 'string') {
    note(`The user ${OWN_ACCOUNT} was made, without a login, for the server of the embedded catalog.`)
    return lent(own)
  }
  const account = present ?? SHARED_ACCOUNTS.map(accountNamed).find(found => found !== undefined)
  if (!account) {
    throw new CatalogError('The embedded catalog found no user to run its server', {
      code: 'CONFIGURATION',
      hint: `PostgreSQL does not run as root: add a user named ${OWN_ACCOUNT}, run as another user, or set DATABASE_URL.`,
    })
  }
  note(
    `The server of the embedded catalog runs as ${account.name}, since the user ${OWN_ACCOUNT} could not be made (${own}). Every ` +
      `program of ${account.name}, and every database role that may run programs as that user, can change the catalog and make itself its ` +
      `administrator. Make the user, without a login, and start again: the catalog is given to it then.`,
  )
  return lent(account)
}

export function ownerOf({ uid, gid }: { uid: number; gid: number }): Account {
  return { uid, gid, name: accounts().find(account => account.uid === uid)?.name ?? `uid-${uid}` }
}

/** A warning for root when a shared account runs the server; undefined when all is well. */
export function sharedOwner(data: { uid: number; gid: number }): string | undefined {
  if (process.getuid?.() !== 0 || !isShared(ownerOf(data))) return undefined
  const { name } = ownerOf(data)
  return `The server of the embedded catalog runs as ${name}, like other programs: a person who can run programs as ${name} can change the catalog. After all processes that use it have ended, the next start gives it to the user ${OWN_ACCOUNT}.`
}

function isShared({ name }: { name: string }): boolean {
  return SHARED_ACCOUNTS.includes(name)
}

/** Root starts its server as this account. */
export function lent({ uid, gid, name }: Account): ServerUser {
  return { spawnAs: { uid, gid }, uid, name }
}

/** Accounts for root's drills: a dedicated one first, then those that own no important data. */
const DRILL_ACCOUNTS = ['telegram-backup-drill', 'nobody', 'daemon']

/**
 * The user that runs a server with data of others. For root never the owner of the catalog's data folder, so
 * that breaking out of one server does not lead into the other. Else the present user. CatalogError
 * CONFIGURATION when root has no account to use.
 */
export function drillUser(ownerOfCatalog: { uid: number } | undefined): ServerUser {
  if (process.getuid?.() !== 0) return presentUser()
  const account = DRILL_ACCOUNTS.map(accountNamed).find(
    found => found !== undefined && found.uid !== ownerOfCatalog?.uid,
  )
  if (account === undefined) {
    throw new CatalogError('No account is left that could run the server of a drill', {
      code: 'CONFIGURATION',
      hint: hint`Add a user named ${DRILL_ACCOUNTS[0] ?? ''} (useradd --system), or drill on a server of yours: ${option('on')}.`,
    })
  }
  return lent(account)
}
