import type { PostgresPackage } from '#embedded/binaries.ts'
import { CATALOG_USER } from '#embedded/cluster.ts'
import type { FolderIdentity } from '#embedded/processes.ts'
import { type ServerUser, serverUser } from '#embedded/server-user.ts'

/** What kind of server an embedded one is: the catalog's, or a drill's. */
export interface ServerProfile {
  /** Who may log in from the account that starts it: the superuser first. */
  logins: readonly [superuser: string, ...others: string[]]
  /** Who runs it, given the owner of the data folder where there is one. CatalogError CONFIGURATION. */
  user(owner: FolderIdentity | undefined): ServerUser
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
  /** The folder with its programs. */
  binaries: string
  data: FolderIdentity
  user: ServerUser
}

/** The catalog's own. */
export const CATALOG_PROFILE: ServerProfile = {
  logins: [CATALOG_USER],
  user: serverUser,
  prepare: () => ({ settings: [], prefix: [] }),
}
