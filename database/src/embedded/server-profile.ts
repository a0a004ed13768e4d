import { CatalogError } from '#catalog-error.ts'
import type { PostgresPackage } from '#embedded/binaries.ts'
import { CATALOG_USER } from '#embedded/cluster.ts'
import { canGiveAway, giveDataFolder } from '#embedded/new-owner.ts'
import type { FolderIdentity } from '#embedded/processes.ts'
import { lent, type Note, ownerOf, type ServerUser, serverUser, sharedOwner } from '#embedded/server-user.ts'

/** The kind of an embedded server: the catalog's, or a drill's. */
export interface ServerProfile {
  /** The roles that may log in from the account that starts it: the superuser first. */
  logins: readonly [superuser: string, ...others: string[]]
  /**
   * The user that runs it; an existing data folder belongs to that user when this resolves. CatalogError
   * CONFIGURATION.
   */
  user(data: FolderIdentity | undefined, note: Note): Promise<ServerUser>
  /** A warning about a server that another process started; undefined when all is well. */
  remark(data: FolderIdentity): string | undefined
  /** Called before it is started. */
  prepare(of: PreparedServer): {
    /** Of the server, `name=value`, beside its own. */
    settings: readonly string[]
    /** Put before its command line. */
    prefix: readonly string[]
  }
}

/** A server that is about to be started. */
export interface PreparedServer {
  source: PostgresPackage
  binaries: string
  data: FolderIdentity
  user: ServerUser
}

export const CATALOG_PROFILE: ServerProfile = {
  logins: [CATALOG_USER],
  user: catalogUser,
  remark: sharedOwner,
  prepare: () => ({ settings: [], prefix: [] }),
}

/**
 * The user that runs the catalog's server; an existing data folder is given to that user. CatalogError
 * CONFIGURATION.
 */
async function catalogUser(data: FolderIdentity | undefined, note: Note): Promise<ServerUser> {
  const user = serverUser(data, note)
  if (!data || data.uid === user.uid || !user.spawnAs) return user
  const before = lent(ownerOf(data))
  if (!canGiveAway()) return before
  try {
    await giveDataFolder(data, user)
  } catch (error) {
    if (!(error instanceof CatalogError) || error.code !== 'CONFIGURATION') throw error
    note(
      `The server of the embedded catalog still runs as ${before.name}: ${error.message}. ${error.hint ?? ''}`,
    )
    return before
  }
  note(`The embedded catalog in ${data.path} was given from ${before.name} to the user ${user.name}.`)
  return user
}
