import { acquireLease, type Backup, listMessages, type MessageRow } from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'
import type { ResumedPart, ResumedSend } from 'telegram-deployment-bot'
import { eraseMessages } from '#erase/erase-messages.ts'
import { eraseFailed } from '#reconcile/interrupted-sends.ts'
import { partsThere } from '#reconcile/parts-there.ts'
import { lookForMessages } from '#session/look-for-messages.ts'
import type { HeldBackup, VaultSession } from '#session/session.ts'

/** The source as it is now. Size in bytes. */
interface SourceNow {
  size: number
  modifiedAt: Date
}

/**
 * Prepares an abandoned backup to be resumed from its source. The proven parts before the first gap stay; all
 * other messages are erased. Undefined when the source has changed or no part is left: then every message is
 * erased, and the backup must be sent anew. Throws `CONFLICT` while another process works on it, and the
 * errors of erasing.
 */
export async function resumeSend(
  session: VaultSession,
  backup: Backup,
  source: SourceNow,
): Promise<ResumedSend | undefined> {
  const lease = await acquireLease(session.database, { subject: backup.id, purpose: 'send' })
  if (!lease) {
    throw new BackupError(`Another process works on backup ${backup.id}`, {
      code: 'CONFLICT',
      hint: hint`Wait until that process has ended. If it died, "${run('reconcile')}" notices that within a minute.`,
    })
  }
  const held: HeldBackup = { backupId: backup.id, lease }
  try {
    await lookForMessages(session, held)
    const rows = await listMessages(session.database, backup.id)
    const size = sizeIfUnchanged(source, backup)
    const { chat_id: chatId } = backup
    const { botId } = session.client
    const known = size === undefined ? [] : rows.filter(row => row.chat_id === chatId && row.kind === 'part')
    const there = await partsThere(session, held, known)
    const parts = unbrokenParts(there, { chatId, botId, endBefore: size ?? 0 })
    if (parts.length === 0) {
      await eraseFailed(session, held)
      return undefined
    }
    await eraseMessages(session, held, {
      which: row => row.kind === 'manifest' || row.part_no > parts.length,
    })
    return { backupId: backup.id, createdAt: backup.created_at, parts }
  } finally {
    await lease.release()
  }
}

/** The size, if the source looks unchanged; its bytes are compared when it is read again. */
function sizeIfUnchanged({ size, modifiedAt }: SourceNow, { source }: Backup): number | undefined {
  return size === source?.['size'] && modifiedAt.toISOString() === source['modified_at'] ? size : undefined
}

/**
 * The proven parts from 1 on without a gap. Never the archive's last part: it is marked as the last, and the
 * resumed send adds parts after those that stay.
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
