import { type BackupDetails, type Database, getBackupDetails } from '@telegram-backup/database'
import type { Engine } from '@telegram-backup/engine/engine.ts'
import type { Logger } from '@telegram-backup/engine/logging.ts'
import { describeContents, openBytes } from '@telegram-backup/engine/operations/fetch.ts'
import { notFound } from '#http/callers.ts'
import type { Contents } from '#http/http-ports.ts'

/** Fetches contents out of the chat, wherever their messages lie; what is found out about a backup goes into the catalog. */
export function createContents({ log, ...engine }: Engine & { log: Logger }): Contents {
  const { database } = engine
  return {
    describe: async backupId => describeContents(await found(database, backupId)),
    open: async (backupId, { signal, range }) => {
      const backup = await found(database, backupId)
      return await openBytes(backup, {
        ...engine,
        ...{ signal, range, catalog: async () => database },
        note: words => log.info({ backup_id: backup.id }, words),
      })
    },
  }
}

async function found(database: Database, backupId: string): Promise<BackupDetails> {
  const backup = await getBackupDetails(database, backupId)
  if (backup === null) throw notFound('backup')
  return backup
}
