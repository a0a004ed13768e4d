import { CatalogError } from '#catalog-error.ts'
import { canGiveAway, giveDataFolder } from '#embedded/new-owner.ts'
import type { FolderIdentity } from '#embedded/processes.ts'
import { lent, ownerOf, type ServerUser, serverUser, type Tell } from '#embedded/server-user.ts'

/**
 * The user that runs the catalog's server; an existing data folder is given to that user. CatalogError
 * CONFIGURATION.
 */
export async function catalogUser(data: FolderIdentity | undefined, tell: Tell): Promise<ServerUser> {
  const user = serverUser(data, tell)
  if (!data || data.uid === user.uid || !user.spawnAs) return user
  const before = lent(ownerOf(data))
  if (!canGiveAway()) return before
  try {
    await giveDataFolder(data, user)
  } catch (error) {
    if (!(error instanceof CatalogError) || error.code !== 'CONFIGURATION') throw error
    tell(
      `The server of the embedded catalog still runs as ${before.name}: ${error.message}. ${error.hint ?? ''}`,
    )
    return before
  }
  tell(`The embedded catalog in ${data.path} was given from ${before.name} to the user ${user.name}.`)
  return user
}
