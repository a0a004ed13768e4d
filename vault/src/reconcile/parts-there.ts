import { type MessageRow, markPart, partKeyOf } from '@telegram-backup/database'
import { assertMayGoOn, type HeldBackup, type VaultSession } from '#session/session.ts'

/**
 * The proven messages of a backup that are still in the chat. Others, which people or the abandoned run have
 * deleted, become `missing`. Throws the client's errors.
 */
export async function partsThere(
  session: VaultSession,
  held: HeldBackup,
  rows: readonly MessageRow[],
): Promise<MessageRow[]> {
  const { client, database, signal, onWait } = session
  const there: MessageRow[] = []
  for (const row of rows) {
    if (row.state !== 'sent' || row.message_id === null) continue
    assertMayGoOn(session, held.lease)
    const found = await client.messageExists(row.chat_id, row.message_id, { signal, onWait })
    if (found !== 'gone') there.push(row)
    else {
      const key = partKeyOf(held.backupId, row)
      await markPart(database, { ...key, state: 'missing', leaseToken: held.lease.token })
    }
  }
  return there
}
