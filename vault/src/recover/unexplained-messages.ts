import { keepLeftover, keepUnsure } from '@telegram-backup/database'
import { findLostMessages, type OpenSend } from 'telegram-deployment-bot'
import type { MarkedMessage } from '#recover/chat-reader.ts'
import type { ReadChat } from '#recover/read-chat.ts'
import { refusedOf } from '#recover/record-backup.ts'
import type { RecoveryTools } from '#recover/recovery-setup.ts'

const COPY = 'is a copy of a message of this program: an earlier machine left it, or a person made it'
const WORDS = {
  forward: COPY,
  part: COPY,
  manifest: COPY,
  evidence: 'is a copy of evidence, or evidence that was refused',
  pack: 'is a copy of a pack, or a pack that nothing needs any more',
  index: 'is a former index, or a person’s copy of one',
}

/**
 * Stage 8: copies of messages, and former indexes. The lost catalog would have removed them, but people's
 * copies look the same. So they stay, the catalog records them, and the report names them. Two exceptions:
 * copies of a killed recovery are removed first; and a message that a run of this catalog may have sent stays
 * unrecorded, so that reconcile finds it and does not send it again.
 * @param named the backups that an index or a manifest names, in any of the chats
 */
export async function keepUnexplained<Chat extends ReadChat>(
  { client, vault, database, buckets, signal }: RecoveryTools,
  chat: Chat,
  named: ReadonlySet<string>,
): Promise<Chat> {
  const { reader, recorded } = chat
  const { chatId } = reader
  await findLostMessages(client, vault, { chatId, backupId: null, signal })
  // Read before the known messages: a run records its message when it closes its call.
  const open = await vault.openSends({ chatId })
  const known = await vault.knownMessageIds(chatId, { after: 0, upTo: Number.MAX_SAFE_INTEGER })
  // The report names them already, with the reason.
  const refused = new Set(refusedOf(recorded).map(one => one.backupId))
  const refusedPacks = new Set(buckets.refused.map(({ packId }) => packId))
  const notes = [...chat.notes]
  for (const message of [...reader.marked()]) {
    const { messageId, backupId, what, facts } = message
    const isOfBackup = what === 'part' || what === 'manifest'
    if (isOfBackup && (refused.has(backupId ?? '') || !named.has(backupId ?? ''))) continue
    if (facts.kind === 'pack' && refusedPacks.has(facts.packId)) continue
    if (open.some(send => mayHaveMade(send, message))) continue
    if (known.has(messageId) || !(await reader.exists(messageId))) continue
    if (what === 'tombstone') {
      await keepLeftover(database, { chatId, messageId, isTombstone: true })
      continue
    }
    await keepUnsure(database, { chatId, messageId })
    notes.push(`Message ${messageId} ${WORDS[what]}. It stays, and may be deleted by hand.`)
  }
  return { ...chat, notes }
}

function mayHaveMade(send: OpenSend, { messageId, what, facts }: MarkedMessage): boolean {
  if (messageId <= send.afterMessageId) return false
  if (facts.kind === 'pack') return facts.packId === send.packId && facts.sha256 === send.sha256
  if (what !== send.purpose) return false
  if (facts.kind === 'evidence') return facts.evidenceId === send.evidenceId && facts.sha256 === send.sha256
  if (facts.kind !== 'part' && facts.kind !== 'manifest') return false
  return (
    facts.backupId === send.backupId &&
    facts.partNumber === (send.partNumber ?? 0) &&
    facts.sha256 === send.sha256
  )
}
