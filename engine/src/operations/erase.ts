import {
  assertErasable,
  assertErasableNow,
  type BackupDetails,
  listMessages,
} from '@telegram-backup/database'
import { eraseBackup } from '@telegram-backup/vault/erase/erase-backup.ts'
import { isStillThere } from '@telegram-backup/vault/erase/erase-messages.ts'
import { openSession } from '@telegram-backup/vault/session/open-session.ts'
import {
  type ErasedMessage,
  type ReportedMessage,
  type ReportedReason,
  reportedMessage,
} from '@telegram-backup/vault/session/report.ts'
import { DELETABLE_FOR_MS } from 'telegram-deployment-bot'
import type { Engine, RunWatching, Watching } from '#engine.ts'
import { type BackupWords, findBackup } from '#operations/find-backup.ts'

export type { ErasedMessage, ReportedMessage }

export interface EraseRequest extends BackupWords {
  /** Also when it is the last good one of its project and type. */
  evenTheLast: boolean
}

export interface EraseHooks extends RunWatching {
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

/** A message of a backup, and how an erase would most likely remove it. */
export interface ErasePreviewMessage extends ReportedMessage {
  /** Null when nobody knows; then it may be too old to be deleted. */
  sent_at: Date | null
  outcome: 'erased' | 'tombstone'
}

export interface ErasePreview {
  backup: BackupDetails
  wasErased: boolean
  /** Those that are still there. */
  messages: readonly ErasePreviewMessage[]
}

/**
 * What an erase would do now, by the catalog alone; changes nothing and asks no chat. Throws what
 * {@link erase} throws before it begins, and `BUSY` while another process works on the backup.
 */
export async function previewErase(
  { database }: Pick<Engine, 'database'>,
  { evenTheLast, ...words }: EraseRequest,
  hooks: Pick<Watching, 'note'>,
): Promise<ErasePreview> {
  const backup = await findBackup(database, words, hooks)
  const wasErased = backup.state === 'erased'
  if (!wasErased) await assertErasableNow(database, { backupId: backup.id, evenTheLast })
  const rows = wasErased ? [] : await listMessages(database, backup.id)
  const isDeletable = (sentAt: Date | null): boolean =>
    sentAt !== null && Date.now() - sentAt.getTime() < DELETABLE_FOR_MS
  const messages = rows.filter(isStillThere).map(
    (row): ErasePreviewMessage => ({
      ...reportedMessage(backup.id, row),
      sent_at: row.sent_at,
      outcome: isDeletable(row.sent_at) ? 'erased' : 'tombstone',
    }),
  )
  return { backup, wasErased, messages }
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
  const { signal, onProgress } = hooks
  const session = await openSession({ ...engine, signal, onProgress, say: line => hooks.note(line) })
  const { isErased, messages } = await eraseBackup(session, { backupId: backup.id, evenTheLast })
  const { indexes_left: indexesLeft, pending } = session.report
  return { backup, isErased, wasErased, messages, indexesLeft, pending }
}
