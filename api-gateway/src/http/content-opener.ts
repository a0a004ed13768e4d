import { type BackupDetails, type Database, getBackupDetails, markSound } from '@telegram-backup/database'
import type { BackupService, TelegramClient } from 'telegram-deployment-bot'
import type { Config } from '#config.ts'
import { notFound } from '#http/callers.ts'
import type { Contents } from '#http/http-ports.ts'
import { planFetch } from '#lib/backups/fetch-plan.ts'
import type { Logger } from '#logging.ts'
import { withOtherPlaces } from '#recovery/part-places.ts'
import { readIdentities } from '#restore/identities.ts'
import { noteDamage } from '#restore/restore-record.ts'

/** Fetches contents out of the chat, wherever their messages lie; what is found out about a backup goes into the catalog. */
export function createContents(of: {
  config: Config
  database: Database
  client: TelegramClient
  service: BackupService
  log: Logger
}): Contents {
  const { config, database, client, service, log } = of
  return {
    open: async (backupId, signal) => {
      const backup = await getBackupDetails(database, backupId)
      if (backup === null) throw notFound('backup')
      const plan = withOtherPlaces(planFetch(backup), {
        client,
        catalog: async () => database,
        note: words => log.info({ backup_id: backup.id }, words),
        signal,
      })
      const identities = await readIdentities(config, plan.encrypted)
      const bytes = service.fetchBackup({ ...plan, identities, signal })
      return {
        bytes: noting(bytes, { backup, database, log }),
        size: backup.size,
        filename: nameOf(backup),
      }
    },
  }
}

/** The name that the plain bytes had, where the source told it; else the one in the chat, without what was added there. */
function nameOf({ source, filename, id }: BackupDetails): string {
  const given = source?.['filename']
  if (typeof given === 'string' && given !== '') return given
  return filename ?? id
}

async function* noting(
  bytes: AsyncIterable<Buffer>,
  { backup, database, log }: { backup: BackupDetails; database: Database; log: Logger },
): AsyncGenerator<Buffer> {
  const untold = (error: unknown): void =>
    log.warn({ backup_id: backup.id, error }, 'what was found out about a backup was not written')
  try {
    yield* bytes
    // Every byte was read and was sound; of the messages that tells nothing.
    if (backup.damaged_at !== null) await markSound(database, backup.id, 'file ids').catch(untold)
  } catch (error) {
    await noteDamage(database, backup.id, error).catch(untold)
    throw error
  }
}
