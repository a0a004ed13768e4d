import { getBackupById } from '@telegram-backup/database'
import { recordBegunCopy } from '#recover/begun-copies.ts'
import { foundByCaptions } from '#recover/captioned-backups.ts'
import type { OwnSighting } from '#recover/chat-reader.ts'
import type { FoundBackup } from '#recover/found-backup.ts'
import { ownerOf } from '#recover/ownership.ts'
import type { ReadChat } from '#recover/read-chat.ts'
import { knownBackup, type Outcome, recordFound } from '#recover/record-backup.ts'
import type { RecoveryTools } from '#recover/recovery-setup.ts'

/**
 * Stage 4: manifests that do not open, or are not believed. Without a key, the backup is recorded from its
 * captions; the others are refused.
 */
export async function recordRefused<Chat extends ReadChat>(tools: RecoveryTools, chat: Chat): Promise<Chat> {
  const parts = new Map(chat.scan.parts)
  const found = new Set(chat.scan.found)
  const recorded = [...chat.recorded]
  const lowestFirst = chat.scan.refused.toSorted((a, b) => a.sighting.messageId - b.sighting.messageId)
  for (const { sighting, backupId, reason, isLocked } of lowestFirst) {
    const itsParts = parts.get(backupId) ?? []
    parts.delete(backupId)
    // The lowest one is the original; the others are copies.
    if (isLocked && found.has(backupId)) continue
    const captioned = isLocked
      ? foundByCaptions({ parts: itsParts, manifest: sighting }, placeOf(tools, chat))
      : undefined
    if (captioned) {
      found.add(backupId)
      recorded.push(...(await recordCaptioned(tools, chat, captioned)))
    } else recorded.push({ refused: { messageId: sighting.messageId, backupId, reason } })
  }
  return { ...chat, recorded, scan: { ...chat.scan, parts, found, refused: [] } }
}

/**
 * Stage 7: parts without a manifest. Not earlier, since a living run may have sent its manifest meanwhile.
 * Reconcile will delete these parts, so copies by people are left out. In a second chat they may be an
 * unfinished copy of a whole backup.
 * @param named the backups that an index or a manifest names; the answer adds those without good captions
 */
export async function recordAbandonedRuns<Chat extends ReadChat>(
  tools: RecoveryTools,
  chat: Chat,
  named: ReadonlySet<string>,
): Promise<{ chat: Chat; named: ReadonlySet<string> }> {
  const { scan, isCopy } = chat
  const recorded = [...chat.recorded]
  const allNamed = new Set(named)
  const isOfRun = ({ facts, isByPerson }: OwnSighting): boolean =>
    facts.kind === 'part' && !isByPerson && !scan.erased.has(`${facts.backupId} ${facts.partNumber}`)
  for (const [backupId, all] of scan.parts) {
    const parts = all.filter(isOfRun)
    const captioned = foundByCaptions({ parts, manifest: undefined }, placeOf(tools, chat))
    if (captioned && !allNamed.has(captioned.id) && !(await isKnownWhole(tools, captioned))) {
      recorded.push(...(await recordCaptioned(tools, chat, captioned)))
      continue
    }
    allNamed.add(backupId)
    if (!isCopy) continue
    const copy = await recordBegunCopy(tools.database, { backupId, parts, ...placeOf(tools, chat) })
    if (copy) recorded.push({ backup: copy })
  }
  return { chat: { ...chat, recorded }, named: allNamed }
}

/** A killed recovery may have recorded the backup by its manifest, which this one has not read. */
async function isKnownWhole({ database }: RecoveryTools, { id, state }: FoundBackup): Promise<boolean> {
  const held = await getBackupById(database, id)
  return state === 'failed' && held?.state === 'complete' && (held.recovered_trust ?? 0) > 0
}

function placeOf(
  { client }: RecoveryTools,
  { reader, isIndexed }: ReadChat,
): { chatId: string; botId: string; isIndexed: boolean } {
  return { chatId: reader.chatId, botId: client.botId, isIndexed }
}

/** Any person may write captions: they count only for a backup of which nothing better is known. */
async function recordCaptioned(
  tools: RecoveryTools,
  { search, captionOwner }: ReadChat,
  captioned: FoundBackup,
): Promise<Outcome[]> {
  const held = await getBackupById(tools.database, captioned.id)
  if (held === null || held.recovered_trust === 0)
    return [await recordFound(tools, captioned, ownerOf(tools.documents, search, captionOwner))]
  return captioned.state === 'complete' ? [{ backup: knownBackup(held, captioned.messages.length) }] : []
}
