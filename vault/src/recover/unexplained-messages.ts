import { keepRemnant, keepUnsure } from '@telegram-backup/database'
import { findLostMessages, type OpenSend } from 'telegram-deployment-bot'
import type { MarkedMessage } from '#recover/chat-reader.ts'
import type { ChatRecovery } from '#recover/chat-recovery.ts'

const COPY = 'repeats one of this program: a copy that was left behind by a machine of before, or a person’s'
const WORDS = {
  forward: COPY,
  part: COPY,
  manifest: COPY,
  index: 'is an index of before, or a person’s copy of one',
}

/**
 * What an earlier catalog would have known and removed, had it not been lost: copies of messages, and indexes that were
 * replaced. Nothing tells them from what people have copied, so they stay, are known from now on, and are told of. A copy that
 * a call of this catalog explains, of a recovery that was killed, is removed first. What a run of this catalog may have sent for a
 * backup and never heard of is left to whoever settles that run: known, it would not be found, and be sent once more.
 */
export async function keepUnexplained({ setup, vault, reading, report, left }: ChatRecovery): Promise<void> {
  const { client, database, signal } = setup
  const { reader } = reading
  const { chatId } = reader
  await findLostMessages(client, vault, { chatId, backupId: null, signal })
  // Before the known ones: whoever hears of its message now makes it known when it closes its call.
  const open = await vault.openSends({ chatId })
  const known = await vault.knownMessageIds(chatId, { after: 0, upTo: Number.MAX_SAFE_INTEGER })
  // Of those it is said that they are refused, and why.
  const refused = new Set(report.refused.map(one => one.backupId))
  for (const message of [...reader.marked()]) {
    const { messageId, backupId, what } = message
    const isOfBackup = what === 'part' || what === 'manifest'
    if (isOfBackup && (refused.has(backupId ?? '') || !left.named.has(backupId ?? ''))) continue
    if (open.some(send => mayHaveMade(send, message))) continue
    if (known.has(messageId) || !(await reader.exists(messageId))) continue
    if (what === 'tombstone') {
      await keepRemnant(database, { chatId, messageId, isTombstone: true })
      continue
    }
    await keepUnsure(database, { chatId, messageId })
    report.notes.push(`Message ${messageId} ${WORDS[what]}. It stays, and may be deleted by hand.`)
  }
}

function mayHaveMade(send: OpenSend, { messageId, what, facts }: MarkedMessage): boolean {
  if (what !== send.purpose || (facts.kind !== 'part' && facts.kind !== 'manifest')) return false
  const isSame =
    facts.backupId === send.backupId &&
    facts.partNumber === (send.partNumber ?? 0) &&
    facts.sha256 === send.sha256
  return isSame && messageId > send.afterMessageId
}
