import {
  type Backup,
  completeSealed,
  failBackup,
  listMessages,
  type MessageRow,
  sealedManifest,
} from '@telegram-backup/database'
import { eraseMessages } from '#erase/erase-messages.ts'
import { partsThere } from '#reconcile/parts-there.ts'
import { sendStoredManifest } from '#reconcile/send-stored-manifest.ts'
import { lookForMessages } from '#session/look-for-messages.ts'
import { isYoungEnoughToResume } from '#session/resumable.ts'
import type { HeldBackup, VaultSession } from '#session/session.ts'

/** R2 and R3: a send whose process is gone is finished where everything is there, and failed where not. */
export async function reconcileSend(session: VaultSession, held: HeldBackup, backup: Backup): Promise<void> {
  await lookForMessages(session, held)
  const rows = (await listMessages(session.database, backup.id)).filter(row => row.chat_id === backup.chat_id)
  if (isSent(rows.find(row => row.kind === 'manifest'))) return finish(session, held)
  const manifest = await sealedManifest(session.database, backup.id)
  // The run may have been taking its parts out again, or people may have.
  const isWhole = async (): Promise<boolean> => hasAllParts(await partsThere(session, held, rows), backup)
  if (
    manifest !== null &&
    hasAllParts(rows, backup) &&
    !(await hasMoved(session, backup)) &&
    (await isWhole())
  ) {
    await sendStoredManifest(session, held, { backup, manifest })
    return finish(session, held)
  }
  await fail(session, held, { backup, hasParts: rows.some(isSent) })
}

function isSent(row: MessageRow | undefined): boolean {
  return row?.state === 'sent'
}

function hasAllParts(rows: readonly MessageRow[], backup: Backup): boolean {
  const sent = rows.filter(row => row.kind === 'part' && isSent(row))
  return backup.part_count !== null && sent.length === backup.part_count
}

/** Nothing can be sent any more to a group that has become a supergroup, and the parts do not move along. */
async function hasMoved({ gates }: VaultSession, { chat_id }: Backup): Promise<boolean> {
  return chat_id !== null && (await gates.enter(chat_id)).chatId !== chat_id
}

async function finish({ database, report }: VaultSession, { backupId, lease }: HeldBackup): Promise<void> {
  await completeSealed(database, { backupId, leaseToken: lease.token })
  report.finished.push({ backup_id: backupId })
}

/** What can go on from its file keeps its parts for a day; of anything else nothing stays in the chat. */
async function fail(
  session: VaultSession,
  held: HeldBackup,
  { backup, hasParts }: { backup: Backup; hasParts: boolean },
): Promise<void> {
  const { database, report } = session
  const resumable = hasParts && backup.source?.['kind'] === 'file' && isYoungEnoughToResume(backup)
  const reason = resumable
    ? `The process that sent it ended early; to go on: telegram-backup send --resume ${backup.id}`
    : 'The process that sent it ended early'
  if (!resumable) await eraseRemains(session, held)
  await failBackup(database, { backupId: backup.id, error: reason, resumable, leaseToken: held.lease.token })
  report.failed.push({ backup_id: backup.id, resumable, reason })
}

/** R5: nothing of a failed backup that cannot go on stays in a chat. Its state stays `failed`. */
export async function eraseFailed(session: VaultSession, held: HeldBackup): Promise<void> {
  await lookForMessages(session, held)
  await eraseRemains(session, held)
}

/** Takes every message of a backup that has failed out of the chats. One that stays is told, and tried again each time. */
export async function eraseRemains(session: VaultSession, held: HeldBackup): Promise<void> {
  for (const { outcome, chat_id, message_id, reason = '' } of await eraseMessages(session, held)) {
    if (outcome !== 'kept') continue
    // Nobody waits for it: the backup has failed either way.
    const words = `Message ${message_id} of a backup that failed stays in the chat: ${reason}`
    session.report.kept.push({ backup_id: held.backupId, chat_id, reason: words })
  }
}
