import { assertErasable, type BackupDetails } from '@telegram-backup/database'
import { eraseBackup } from '@telegram-backup/vault/erase/erase-backup.ts'
import { openSession } from '@telegram-backup/vault/session/open-session.ts'
import type { ErasedMessage, ReportedReason } from '@telegram-backup/vault/session/report.ts'
import type { Engine, Watching } from '#engine.ts'
import { type BackupWords, findBackup } from '#operations/find-backup.ts'

export type { ErasedMessage }

export interface EraseRequest extends BackupWords {
  /** Also when it is the last good one of its project and type. */
  evenTheLast: boolean
}

export interface EraseHooks extends Watching {
  /** Called before anything is erased; what it throws ends it. Not called when it was erased before. */
  onFound?: (backup: BackupDetails) => Promise<void>
}

export interface Erased {
  backup: BackupDetails
  /** False: some messages stay, or an index still names it; the next run continues. */
  isErased: boolean
  wasErased: boolean
  messages: readonly ErasedMessage[]
  /** Chats whose index could not be brought up to date, and why. */
  indexesLeft: readonly ReportedReason[]
  /** Why it is not erased, where no message says so. */
  pending: readonly ReportedReason[]
}

/**
 * Erases a backup in its chats, then in the catalog. Each message is deleted, or replaced by a few bytes when
 * Telegram no longer deletes it. Throws what {@link findBackup} throws, and `CONFLICT` or `LAST_BACKUP` for a
 * backup that must stay.
 */
export async function erase(engine: Engine, request: EraseRequest, hooks: EraseHooks): Promise<Erased> {
  const { database } = engine
  const { evenTheLast } = request
  const backup = await findBackup(database, request, hooks)
  const wasErased = backup.state === 'erased'
  if (!wasErased) {
    // Before a person is asked to confirm.
    await assertErasable(database, { backupId: backup.id, evenTheLast })
    await hooks.onFound?.(backup)
  }
  const session = await openSession({ ...engine, signal: hooks.signal, say: line => hooks.note(line) })
  const { isErased, messages } = await eraseBackup(session, { backupId: backup.id, evenTheLast })
  const { indexes_left: indexesLeft, pending } = session.report
  return { backup, isErased, wasErased, messages, indexesLeft, pending }
}
