import type { Scratch } from '@telegram-backup/connectors/drilling.ts'
import {
  CatalogError,
  makeScratchFolder,
  type ScratchFolder,
  startScratchServer,
} from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'

/** Temporary places for drills, in the state folder. */
export function scratchIn(stateFolder: string): Scratch {
  const inFolder = async <Result>(
    sizeBytes: number,
    use: (folder: ScratchFolder) => Promise<Result>,
  ): Promise<Result> => {
    const folder = await makeScratchFolder(stateFolder, sizeBytes).catch((error: unknown) => {
      throw notOfTheCatalog(error, 'DISK_FULL')
    })
    try {
      return await use(folder)
    } finally {
      await folder.discard()
    }
  }
  return {
    folder: (sizeBytes, use) => inFolder(sizeBytes, ({ path }) => use(path)),
    postgres: ({ sizeBytes, signal }, use) =>
      inFolder(sizeBytes, async folder => {
        const server = await startScratchServer(folder, signal).catch((error: unknown) => {
          if (signal.aborted) throw new BackupError('Cancelled', { code: 'CANCELLED' })
          throw notOfTheCatalog(error, 'POSTGRES')
        })
        try {
          return await use(server)
        } finally {
          await server.stop()
        }
      }),
  }
}

/** The database package reports failures of the drill's server or disk with the code of the catalog. */
function notOfTheCatalog(error: unknown, code: 'DISK_FULL' | 'POSTGRES'): unknown {
  if (!(error instanceof CatalogError) || error.code !== 'CATALOG') return error
  const { message, hint } = error
  return new BackupError(message, { code, cause: error, hint })
}
