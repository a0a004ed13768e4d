import type { VaultIndex } from '@telegram-backup/archive'
import { getBackupById } from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { checkChatAccess, followMovedChat, type VaultLedger } from 'telegram-deployment-bot'
import { createCatalogVault } from '#ledger/catalog-vault.ts'
import { recordBegunCopy } from '#recover/begun-copies.ts'
import { foundByCaptions } from '#recover/captioned-backups.ts'
import { ChatReader, type OwnSighting } from '#recover/chat-reader.ts'
import type { FoundBackup } from '#recover/found-backup.ts'
import { findIndex, findPinnedIndex, type IndexSearch } from '#recover/index-search.ts'
import { type BackupReading, idsOf, readIndexed } from '#recover/indexed-backups.ts'
import { adoptCatalog, type Owner } from '#recover/ownership.ts'
import { knownBackup, recordBackup } from '#recover/record-backup.ts'
import type { RecoveryReport } from '#recover/recovery-report.ts'
import type { RecoverySetup } from '#recover/recovery-setup.ts'
import type { SignedDocuments } from '#recover/signed-documents.ts'
import { type Leftovers, readUnindexed } from '#recover/unindexed-backups.ts'

/** So far back from the newest message parts of dead runs are looked for, also where the index knows newer backups. */
const RECENT_IDS = 200

/** One chat that is being recovered: the configured one, or the second one. */
export interface ChatRecovery {
  setup: RecoverySetup
  vault: VaultLedger
  reading: BackupReading
  search: IndexSearch
  /** All that are believed, also those under ids that the chat had before. */
  indexes: VaultIndex[]
  report: RecoveryReport
  left: Leftovers
  /** Some chat has an index that is believed. */
  isIndexed: boolean
  /** Ids that the chat had before. */
  movedFrom: Set<string>
  /** Every message up to this id was looked at, or need not be. */
  seenUpTo: number
}

/** Asks for the chat and looks for its index; nothing is recorded yet. */
export async function openChat(
  setup: RecoverySetup,
  of: { chat: string; documents: SignedDocuments; first?: ChatRecovery },
): Promise<ChatRecovery> {
  const { client, database, signal } = setup
  const { documents, first } = of
  const vault = createCatalogVault(database)
  const chat = await followMovedChat(client, vault, of.chat, { signal })
  const access = await checkChatAccess(client, chat, { signal })
  const reader = new ChatReader({ client, vault, chatId: access.chatId, signal })
  reader.onLook = setup.onLook
  const announce = (messages: number): void => {
    // The pinned index is all that was read so far of the first chat.
    if (first === undefined && documents.wrongKey !== undefined) setup.onWrongKey?.()
    setup.onPlan({ messages, what: 'to find a message that leads to the index' })
  }
  const search = await findIndex({ client, reader, documents, announce, signal })
  const { index, message, foundBy, notes } = search
  const named = first?.left.named ?? new Set()
  for (const { id } of index?.backups ?? []) named.add(id)
  return {
    setup,
    vault,
    reading: { client, reader, documents, isCopy: first !== undefined },
    search,
    indexes: index === undefined ? [] : [index],
    left: { parts: new Map(), refused: [], named, found: new Set(), erased: new Set(), unread: 0 },
    isIndexed: index !== undefined || first?.isIndexed === true,
    movedFrom: new Set([...(chat === of.chat ? [] : [of.chat]), ...(index?.movedFrom ?? [])]),
    seenUpTo: 0,
    report: {
      chatId: access.chatId,
      chatTitle: access.chatTitle,
      botUsername: access.botUsername,
      index:
        index && message && foundBy
          ? { messageId: message.messageId, edition: index.edition, drawnAt: index.drawnAt, foundBy }
          : null,
      notes,
      signer: null,
      signerIsOwn: false,
      signerWasGiven: documents.signers.areGiven,
      otherSigners: [],
      withoutKey: false,
      backups: [],
      refused: [],
      lookedAt: 0,
      owner: null,
      unread: 0,
      hasIndex: false,
      plans: null,
      indexFailure: null,
      secondChat: null,
    },
  }
}

/**
 * Whose the chat is. What is signed says it; only without that, captions do. An index that is there and cannot be read may be
 * of a later generation than the manifests, and would speak against the next one of theirs.
 */
export function ownerOf({ search, reading }: ChatRecovery): Owner | undefined {
  const signed = reading.documents.owner
  if (signed === undefined) return search.owner
  const shown = search.message?.facts.catalog
  if (search.index !== undefined || shown?.id !== signed.catalogId) return signed
  return { ...signed, generation: Math.max(signed.generation, shown.generation) }
}

/** Records every backup of the chat that a believed document tells of; what is left is in `left`. */
export async function readChat(recovery: ChatRecovery): Promise<void> {
  for (const chatId of recovery.movedFrom) await readMoved(recovery, chatId)
  await readNamed(recovery)
  await readOthers(recovery)
  const { report, left, reading } = recovery
  report.unread = left.unread
  report.withoutKey = left.refused.some(({ isLocked }) => isLocked) && !reading.documents.hasKey
}

/** What lies under an id that the chat had before: its last index names it, and nothing came there since. */
async function readMoved(recovery: ChatRecovery, chatId: string): Promise<void> {
  const { setup, vault, reading, search, indexes, report, left } = recovery
  const { client, documents } = reading
  const { signal } = setup
  const movedTo = reading.reader.chatId
  await vault.chatMoved({ from: chatId, to: movedTo })
  const reader = new ChatReader({ client, vault, chatId, movedTo, signal })
  const earlier = await findPinnedIndex({ client, reader, documents, signal }).catch((error: unknown) => {
    if (signal.aborted) throw error
    return { notes: [describeError(error).message] } as IndexSearch
  })
  report.notes.push(...earlier.notes.map(note => `Before the chat moved (${chatId}): ${note}`))
  if (earlier.owner) search.owner ??= earlier.owner
  if (earlier.index) indexes.push(earlier.index)
  for (const entry of earlier.index?.backups ?? []) {
    left.named.add(entry.id)
    await record(await readIndexed(entry, { client, documents, reader }), recovery)
  }
}

/** Every backup that the index names. */
async function readNamed(recovery: ChatRecovery): Promise<void> {
  const { setup, search, reading, left } = recovery
  const { index } = search
  if (index === undefined) return
  setup.onPlan({ messages: idsOf(index).size, what: 'that the index names' })
  for (const entry of index.backups) {
    const backup = await readIndexed(entry, reading)
    if (backup.messages.some(({ kind, state }) => kind === 'manifest' && state === 'sent'))
      left.found.add(entry.id)
    await record(backup, recovery)
  }
}

/** What the index does not know: all above its newest message, and what lies unknown among the latest; without an index, all. */
async function readOthers(recovery: ChatRecovery): Promise<void> {
  const { setup, vault, reading, search, left } = recovery
  const { reader, documents } = reading
  const newest = await reader.newestId(search.pinnedId)
  recovery.seenUpTo = newest
  const known = new Set(search.index === undefined ? [] : idsOf(search.index))
  const highest = Math.max(0, ...known)
  if (search.message) known.add(search.message.messageId)
  if (search.index !== undefined) {
    const catalogs = await vault.knownMessageIds(reader.chatId, { after: 0, upTo: newest })
    for (const id of catalogs) known.add(id)
  }
  const to = search.index ? Math.max(1, Math.min(highest + 1, newest - RECENT_IDS)) : 1
  const isChain = search.index === undefined && documents.hasKey
  setup.onPlan({
    messages: newest - to + 1,
    what: isChain ? 'as far back as manifests lead' : 'that no index names',
  })
  const { wholeChat: isWhole = false } = setup
  const indexDrawnAt = search.index && new Date(search.index.drawnAt)
  const range = { from: newest, to: isChain ? ('chain' as const) : to, known, isWhole, indexDrawnAt }
  for await (const backup of readUnindexed(range, reading, left)) await record(backup, recovery)
}

/** What came while this recovery was under way. */
export async function readLatecomers(recovery: ChatRecovery): Promise<void> {
  const { vault, reading, seenUpTo, left } = recovery
  const { chatId } = reading.reader
  const newest = await reading.reader.newestId(undefined)
  const known = new Set(await vault.knownMessageIds(chatId, { after: seenUpTo, upTo: newest }))
  for await (const backup of readUnindexed({ from: newest, to: seenUpTo + 1, known }, reading, left)) {
    await record(backup, recovery)
  }
  await recordRefused(recovery)
}

/** Manifests that do not open, or are not believed. */
export async function recordRefused(recovery: ChatRecovery): Promise<void> {
  const { report, left } = recovery
  const refused = left.refused.splice(0).toSorted((a, b) => a.sighting.messageId - b.sighting.messageId)
  for (const { sighting, backupId, reason, isLocked } of refused) {
    const parts = left.parts.get(backupId) ?? []
    left.parts.delete(backupId)
    // The lowest one comes first; what repeats it is a copy.
    if (isLocked && left.found.has(backupId)) continue
    const told = isLocked ? foundByCaptions({ parts, manifest: sighting }, placeOf(recovery)) : undefined
    if (told) {
      left.found.add(backupId)
      await recordCaptioned(told, recovery)
    } else report.refused.push({ messageId: sighting.messageId, backupId, reason })
  }
}

/**
 * Parts without a manifest; last of all, since a run that was under way may have sent its manifest meanwhile. Reconcile will
 * delete them, so whatever is told to be a person's copy is none. In a second chat they may be the begun copy of a whole backup.
 */
export async function recordAbandonedRuns(recovery: ChatRecovery): Promise<void> {
  const { left, reading, report, setup } = recovery
  const isRun = ({ facts, isByPerson }: OwnSighting): boolean =>
    facts.kind === 'part' && !isByPerson && !left.erased.has(`${facts.backupId} ${facts.partNumber}`)
  for (const [backupId, all] of left.parts) {
    const parts = all.filter(isRun)
    const told = foundByCaptions({ parts, manifest: undefined }, placeOf(recovery))
    if (told && !(await isNamed(told, recovery))) {
      await recordCaptioned(told, recovery)
      continue
    }
    left.named.add(backupId)
    if (!reading.isCopy) continue
    const copy = await recordBegunCopy(setup.database, { backupId, parts, ...placeOf(recovery) })
    if (copy) report.backups.push(copy)
  }
}

/**
 * Whether more than captions tells of it. What a recovery that was killed has recorded may not be read again by the next one:
 * then its parts here are those of a whole backup all the same.
 */
async function isNamed({ id, state }: FoundBackup, { setup, left }: ChatRecovery): Promise<boolean> {
  if (left.named.has(id)) return true
  const held = await getBackupById(setup.database, id)
  return state === 'failed' && held?.state === 'complete' && (held.recovered_trust ?? 0) > 0
}

function placeOf({ reading, isIndexed }: ChatRecovery): {
  chatId: string
  botId: string
  isIndexed: boolean
} {
  return { chatId: reading.reader.chatId, botId: reading.client.botId, isIndexed }
}

/** What only captions tell counts only for a backup of which nobody knows better: anybody may write them. */
async function recordCaptioned(told: FoundBackup, recovery: ChatRecovery): Promise<void> {
  const { setup, report } = recovery
  const held = await getBackupById(setup.database, told.id)
  if (held === null || held.recovered_trust === 0) return await record(told, recovery)
  if (told.state === 'complete') report.backups.push(knownBackup(held, told.messages.length))
}

async function record(found: FoundBackup, recovery: ChatRecovery): Promise<void> {
  const { setup, report } = recovery
  const owner = ownerOf(recovery)
  if (owner) await adoptCatalog(setup.database, owner)
  const believed = { signersAreNamed: report.signerWasGiven }
  try {
    report.backups.push(await recordBackup(setup.database, found, believed))
  } catch (error) {
    const { code, message } = describeError(error)
    if (code !== 'INVALID') throw error
    const { messages, id: backupId } = found
    const { messageId = 0 } = messages.find(({ kind }) => kind === 'manifest') ?? messages[0] ?? {}
    report.refused.push({ messageId, backupId, reason: `tells what no catalog can hold: ${message}` })
  }
}
