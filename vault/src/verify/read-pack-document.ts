import { type HeldPack, type HeldPackMessage, learnPackFile } from '@telegram-backup/database'
import { fetchDocument, readDocument } from 'telegram-deployment-bot'
import { cancelled, endsEverything, type VaultSession } from '#session/session.ts'
import type { PackFinding } from '#verify/bucket-report.ts'
import { canIndexBeHad, impatient, mayBeAboutTheDocument, whyOf } from '#verify/outages.ts'

/** A message that has an id. */
export type PlacedPackMessage = HeldPackMessage & { message_id: number }

/** The document of a pack as it was sent, or what is wrong with the message. */
export type PackDocument = { bytes: Buffer } | { finding: PackFinding }

/**
 * Reads a pack from one chat, to the last byte. Its message is looked at, by a copy that is deleted at once:
 * a file outlives its message. What does not come although the chat gives its index is a finding. Throws the
 * client's errors for an outage.
 */
export async function readPackDocument(
  session: VaultSession,
  pack: HeldPack,
  message: PlacedPackMessage,
  movedTo: string | undefined,
): Promise<PackDocument> {
  if (session.signal.aborted) throw cancelled()
  const current = await look(session, { pack, message, movedTo })
  if ('finding' in current) return current
  const fetched = await fetch(session, pack, current.fileId)
  if ('bytes' in fetched) return fetched
  if ('words' in fetched) return { finding: packFinding(pack, message, 'damaged', fetched.words) }
  if (!(await canIndexBeHad(session, message.chat_id))) throw fetched.error
  return {
    finding: packFinding(pack, message, 'unreadable', `cannot be read: ${whyOf(fetched.error)}`),
  }
}

type Fetched = { bytes: Buffer } | { words: string } | { error: unknown }

async function fetch(
  session: VaultSession,
  { id, size, sha256 }: HeldPack,
  fileId: string,
): Promise<Fetched> {
  const { client, signal } = session
  try {
    const of = { name: `pack ${id}`, signal, onWait: impatient(session).onWait }
    const fetched = await fetchDocument(client, { fileId, size, sha256 }, of)
    if (fetched.state === 'right') return { bytes: fetched.bytes }
    if (fetched.state === 'another file') return { words: 'is longer than what was sent' }
    if (fetched.state === 'refused') return { error: fetched.failure }
    return { words: 'has other bytes than those that were sent' }
  } catch (error) {
    if (endsEverything(session, error) || !mayBeAboutTheDocument(error)) throw error
    return { error }
  }
}

async function look(
  { client, vault, database, signal }: VaultSession,
  of: { pack: HeldPack; message: PlacedPackMessage; movedTo: string | undefined },
): Promise<{ fileId: string } | { finding: PackFinding }> {
  const { pack, message, movedTo } = of
  const { chat_id: chatId, message_id: messageId } = message
  const { size, sha256 } = pack
  const seen = await readDocument(client, vault, {
    chatId,
    messageId,
    movedTo,
    expected: { size, sha256 },
    signal,
  })
  if (seen.outcome === 'gone')
    return { finding: packFinding(pack, message, 'missing', 'is not in the chat any more') }
  if (seen.outcome !== 'found')
    return { finding: packFinding(pack, message, 'replaced', 'holds something else than what was sent') }
  const { fileId, fileUniqueId } = seen
  const file = { botId: client.botId, fileId, fileUniqueId }
  if (message.file_id !== fileId)
    await learnPackFile(database, { packId: pack.id, chatId, messageId, ...file })
  return { fileId }
}

/** `words` follow the name of the message. */
export function packFinding(
  { id: pack_id, sequence }: HeldPack,
  { chat_id, message_id }: Pick<HeldPackMessage, 'chat_id' | 'message_id'>,
  finding: PackFinding['finding'],
  words: string,
): PackFinding {
  const reason = `pack ${sequence} in chat ${chat_id} ${words}`
  return { pack_id, sequence, chat_id, message_id, finding, reason }
}
