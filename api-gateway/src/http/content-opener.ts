import { type BackupDetails, type Database, getBackupDetails, markSound } from '@telegram-backup/database'
import type { Config } from '@telegram-backup/engine/environment.ts'
import type { Logger } from '@telegram-backup/engine/logging.ts'
import { readIdentities } from '@telegram-backup/engine/restore/identities.ts'
import { noteDamage } from '@telegram-backup/engine/restore/restore-record.ts'
import { planFetch } from '@telegram-backup/vault/fetch/fetch-plan.ts'
import { withOtherPlaces } from '@telegram-backup/vault/fetch/part-places.ts'
import type { BackupService, TelegramClient } from 'telegram-deployment-bot'
import { type ByteRange, within } from '#http/byte-range.ts'
import { notFound } from '#http/callers.ts'
import type { Contents } from '#http/http-ports.ts'

/** Fetches contents out of the chat, wherever their messages lie; what is found out about a backup goes into the catalog. */
export function createContents(of: {
  config: Config
  database: Database
  client: TelegramClient
  service: BackupService
  log: Logger
}): Contents {
  const { config, database, client, service, log } = of
  const found = async (backupId: string): Promise<BackupDetails> => {
    const backup = await getBackupDetails(database, backupId)
    if (backup === null) throw notFound('backup')
    return backup
  }
  return {
    describe: async backupId => {
      const backup = await found(backupId)
      planFetch(backup)
      return { size: backup.size, filename: nameOf(backup), sha256: backup.plain_sha256 }
    },
    open: async (backupId, { signal, range }) => {
      const backup = await found(backupId)
      const all = planFetch(backup)
      const { first, numbers } = partsOf(backup, range)
      const parts = all.parts.filter(({ number }) => numbers?.has(number) ?? true)
      const partial = parts.length < all.parts.length
      const plan = withOtherPlaces(
        { ...all, parts },
        {
          client,
          catalog: async () => database,
          note: words => log.info({ backup_id: backup.id }, words),
          signal,
        },
      )
      const identities = await readIdentities(config, plan.encrypted)
      const bytes = service.fetchBackup({ ...plan, partial, identities, signal })
      const noted = noting(bytes, { backup, database, log, isWhole: !partial && range === undefined })
      return range === undefined ? noted : within(noted, { offset: partial ? first : 0, range })
    },
  }
}

/** The numbers of the parts that hold a range, and where the first of them begins; all where the catalog does not know it of each. */
function partsOf(
  { parts }: BackupDetails,
  range: ByteRange | undefined,
): { first: number; numbers: ReadonlySet<number> | undefined } {
  const known = new Map<number, { offset: number; size: number }>()
  for (const { part_no, plain_offset: offset, plain_size: size } of parts) {
    if (offset === null || size === null) return { first: 0, numbers: undefined }
    known.set(part_no, { offset, size })
  }
  if (range === undefined) return { first: 0, numbers: undefined }
  const wanted = [...known].filter(
    ([, { offset, size }]) => offset < range.end && offset + size > range.start,
  )
  const first = Math.min(...wanted.map(([, { offset }]) => offset))
  return { first, numbers: new Set(wanted.map(([number]) => number)) }
}

/** The name that the plain bytes had, where the source told it; else the one in the chat, without what was added there. */
function nameOf({ source, filename, id }: BackupDetails): string {
  const given = source?.['filename']
  if (typeof given === 'string' && given !== '') return given
  return filename ?? id
}

async function* noting(
  bytes: AsyncIterable<Buffer>,
  of: { backup: BackupDetails; database: Database; log: Logger; isWhole: boolean },
): AsyncGenerator<Buffer> {
  const { backup, database, log, isWhole } = of
  const untold = (error: unknown): void =>
    log.warn({ backup_id: backup.id, error }, 'what was found out about a backup was not written')
  try {
    yield* bytes
    // Every byte was read and was sound; of the messages that tells nothing.
    if (isWhole && backup.damaged_at !== null) await markSound(database, backup.id, 'file ids').catch(untold)
  } catch (error) {
    await noteDamage(database, backup.id, error).catch(untold)
    throw error
  }
}
