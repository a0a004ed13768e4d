import { CatalogError, describeScratchServer } from '@telegram-backup/database'
import { describeError, hint, option } from '@telegram-backup/errors'
import type { Finding } from '#doctor/check.ts'
import type { Config } from '#environment.ts'

/**
 * What the server that a drill brings could reach, should what is in a dump get hold of it. None at all is a
 * warning.
 */
export function checkDrills({ stateFolder }: Pick<Config, 'stateFolder'>): Finding {
  try {
    const { account, isOwnAccount, isConfined } = describeScratchServer(stateFolder)
    const message = `their server runs as ${account}${isConfined ? ', and opens its own folder alone (Landlock)' : ''}`
    if (isConfined || isOwnAccount) return { message }
    return {
      message,
      warning:
        hint`Of an account that is yours as well, it could read the key file and the token, should a dump get hold of it: for ${option('trust-dump')} use ${option('on')} instead, or a kernel and util-linux (2.40) with Landlock.`.toString(),
    }
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error
    const { message, hint: advice } = describeError(error)
    return { message, warning: advice ?? hint`Drill on a server of yours: ${option('on')}.`.toString() }
  }
}
