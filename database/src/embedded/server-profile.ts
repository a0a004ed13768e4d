import type { PostgresPackage } from '#embedded/binaries.ts'
import { catalogUser } from '#embedded/catalog-user.ts'
import { CATALOG_USER } from '#embedded/cluster.ts'
import type { FolderIdentity } from '#embedded/processes.ts'
import { type ServerUser, sharedOwner, type Tell } from '#embedded/server-user.ts'

/** What kind of server an embedded one is: the catalog's, or a drill's. */
export interface ServerProfile {
  /** Who may log in from the account that starts it: the superuser first. */
  logins: readonly [superuser: string, ...others: string[]]
  /** Who runs it; a data folder that is there is that user's when this resolves. CatalogError CONFIGURATION. */
  user(data: FolderIdentity | undefined, tell: Tell): Promise<ServerUser>
  /** What to tell of one that somebody else has started; undefined when all is well. */
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
  /** The folder with its programs. */
  binaries: string
  data: FolderIdentity
  user: ServerUser
}

/** The catalog's own. */
export const CATALOG_PROFILE: ServerProfile = {
  logins: [CATALOG_USER],
  user: catalogUser,
  remark: sharedOwner,
  prepare: () => ({ settings: [], prefix: [] }),
}
