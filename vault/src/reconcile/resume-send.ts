import { acquireLease, type Backup, listMessages, type MessageRow } from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'
import type { ResumedPart, ResumedSend } from 'telegram-deployment-bot'
import { eraseMessages } from '#erase/erase-messages.ts'
import { eraseFailed } from '#reconcile/interrupted-sends.ts'
import { partsThere } from '#reconcile/parts-there.ts'
import { lookForMessages } from '#session/look-for-messages.ts'
import type { HeldBackup, VaultSession } from '#session/session.ts'

/** The file that is to be read once more, as it is now. */
export interface FileNow {
  /** In bytes. */
  size: number
  modifiedAt: Date
}

/**
 * Prepares a backup whose run was abandoned to be resumed from its `file`. Its proven parts from the first on
 * without a gap stay; all other messages are erased. Undefined when nothing can be resumed, because the file
 * has changed or no part is left: then every message is erased, and the backup is to be sent anew. Throws
 * `CONFLICT` while another process works on it, and what erasing throws.
 */
export async function resumeSend(
  session: VaultSession,
  backup: Backup,
  file: FileNow,
): Promise<ResumedSend | undefined> {
  const lease = await acquireLease(session.database, { subject: backup.id, purpose: 'send' })
  if (!lease) {
    throw new BackupError(`Another process works on backup ${backup.id}`, {
      code: 'CONFLICT',
      hint: hint`Wait for it; if it is dead, "${run('reconcile')}" finds out within a minute.`,
    })
  }
  const held: HeldBackup = { backupId: backup.id, lease }
  try {
    await lookForMessages(session, held)
    const rows = await listMessages(session.database, backup.id)
    const size = sizeIfUnchanged(file, backup)
    const { chat_id: chatId } = backup
    const { botId } = session.client
    const there =
      size === undefined
        ? []
        : await partsThere(
            session,
            held,
            rows.filter(row => row.chat_id === chatId && row.kind === 'part'),
          )
    const parts = size === undefined ? [] : unbrokenParts(there, { chatId, botId, endBefore: size })
    if (parts.length === 0) {
      await eraseFailed(session, held)
      return undefined
    }
    await eraseMessages(session, held, row => row.kind === 'manifest' || row.part_no > parts.length)
    return { backupId: backup.id, createdAt: backup.created_at, parts }
  } finally {
    await lease.release()
  }
}

/**
 * The size of the file, when it looks like the one that was read: its bytes are compared when it is read
 * again.
 */
function sizeIfUnchanged({ size, modifiedAt }: FileNow, { source }: Backup): number | undefined {
  return size === source?.['size'] && modifiedAt.toISOString() === source['modified_at'] ? size : undefined
}

/**
 * The proven parts from 1 on without a gap. The archive's last part is not among them: it says that it is the
 * last, and what comes after the parts that stay has to be said by another.
 */
export function unbrokenParts(
  rows: readonly MessageRow[],
  { chatId, botId, endBefore }: { chatId: string | null; botId: string; endBefore: number },
): ResumedPart[] {
  const sent = new Map(
    rows
      .filter(
        row => row.kind === 'part' && row.chat_id === chatId && row.bot_id === botId && row.state === 'sent',
      )
      .map(row => [row.part_no, row]),
  )
  const parts: ResumedPart[] = []
  let plainOffset = 0
  for (;;) {
    const part = resumedPart(sent.get(parts.length + 1))
    if (part?.plainOffset !== plainOffset || plainOffset + part.plainSize >= endBefore) return parts
    plainOffset += part.plainSize
    parts.push(part)
  }
}

function resumedPart(row: MessageRow | undefined): ResumedPart | undefined {
  if (!row) return undefined
  const { message_id, file_id, file_unique_id, sent_at, plain_offset, plain_size, plain_sha256 } = row
  if (message_id === null || file_id === null || file_unique_id === null || sent_at === null) return undefined
  if (plain_offset === null || plain_size === null || plain_sha256 === null) return undefined
  return {
    number: row.part_no,
    messageId: message_id,
    fileId: file_id,
    fileUniqueId: file_unique_id,
    fileName: row.file_name,
    size: row.size,
    sha256: row.sha256,
    sentAt: sent_at,
    plainOffset: plain_offset,
    plainSize: plain_size,
    plainSha256: plain_sha256,
  }
}
