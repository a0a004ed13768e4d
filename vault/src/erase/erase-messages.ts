import { listMessages, type MessageRow, markPart, notePart, partKeyOf } from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { eraseMessage } from 'telegram-deployment-bot'
import { type ErasedMessage, type ReportedMessage, reportedMessage } from '#session/report.ts'
import { assertMayGoOn, type HeldBackup, isTheEnd, type VaultSession } from '#session/session.ts'

/**
 * E3: erases every message of a backup (or those that `which` picks) in every chat, each manifest first, and
 * records each outcome. May be repeated: erased messages are skipped. The answer has the reason for each
 * message that stays, also in chats that cannot be entered. Throws `LEASE_LOST`, `CANCELLED`, and
 * `UNREACHABLE` when no server answers.
 */
export async function eraseMessages(
  session: VaultSession,
  held: HeldBackup,
  { which = () => true, onErased }: { which?: (row: MessageRow) => boolean; onErased?: () => void } = {},
): Promise<ErasedMessage[]> {
  const erased: ErasedMessage[] = []
  for (const row of await listMessages(session.database, held.backupId)) {
    if (!which(row)) continue
    if (!isStillThere(row)) continue
    assertMayGoOn(session, held.lease)
    erased.push(await eraseOne(session, held, row))
    onErased?.()
  }
  session.report.erased.push(...erased)
  return erased
}

/** A message without an id has been looked for by its open send. */
export function isStillThere(row: MessageRow): row is PlacedRow {
  return row.message_id !== null && row.state !== 'erased' && row.state !== 'tombstone'
}

type PlacedRow = MessageRow & { message_id: number }

async function eraseOne(session: VaultSession, held: HeldBackup, row: PlacedRow): Promise<ErasedMessage> {
  const { database, client, vault, gates, signal } = session
  const message = reportedMessage(held.backupId, row)
  const key = partKeyOf(held.backupId, row)
  const leaseToken = held.lease.token
  try {
    if ((await gates.enter(row.chat_id)).chatId !== row.chat_id) return await giveUp(session, held, message)
    const erasure = await eraseMessage(client, {
      chatId: row.chat_id,
      messageId: row.message_id,
      tombstone: { ...key, ...(await vault.identity()) },
      signal,
      onWait: session.onWait,
    })
    if (erasure.outcome === 'kept') await notePart(database, { ...key, error: erasure.reason, leaseToken })
    else await markPart(database, { ...key, state: erasure.outcome, leaseToken })
    return { ...message, ...erasure }
  } catch (error) {
    const { message: reason, code } = describeError(error)
    // Without a network, each of the others would wait as long.
    if (code === 'UNREACHABLE' || isTheEnd(session, held, error)) throw error
    await notePart(database, { ...key, error: reason, leaseToken })
    return { ...message, outcome: 'kept', reason }
  }
}

/** Telegram refuses for good to change messages from before a group became a supergroup. */
async function giveUp(
  { database, report }: VaultSession,
  { backupId, lease }: HeldBackup,
  message: ReportedMessage,
): Promise<ErasedMessage> {
  const reason = 'the group has become a supergroup: a message of the old one cannot be removed any more'
  await notePart(database, { ...partKeyOf(backupId, message), error: reason, leaseToken: lease.token })
  const { chat_id, message_id } = message
  report.kept.push({ backup_id: backupId, chat_id, reason: `Message ${message_id} stays: ${reason}` })
  return { ...message, outcome: 'unreachable', reason }
}
