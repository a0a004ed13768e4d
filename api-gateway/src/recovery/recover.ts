import type { Encryption, SigningKey } from '@telegram-backup/archive'
import { type Database, endRecovery } from '@telegram-backup/database'
import {
  checkChatAccess,
  followMovedChat,
  refreshIndex,
  type TelegramClient,
  type VaultLedger,
} from 'telegram-deployment-bot'
import { BackupError, describeError } from '#lib/backups/backup-error.ts'
import { createCatalogVault } from '#lib/backups/catalog-vault.ts'
import { ChatReader } from '#recovery/chat-reader.ts'
import { noteErasedBackups } from '#recovery/erased-elsewhere.ts'
import type { FoundBackup } from '#recovery/found-backup.ts'
import { findIndex, findPinnedIndex, type IndexSearch } from '#recovery/index-search.ts'
import { type BackupReading, idsOf, readIndexed } from '#recovery/indexed-backups.ts'
import { adoptCatalog, encryptionFor, takeChatOver, writeIndex } from '#recovery/ownership.ts'
import { recordBackup } from '#recovery/record-backup.ts'
import { isEmpty, type RecoveryReport } from '#recovery/recovery-report.ts'
import { SignedDocuments } from '#recovery/signed-documents.ts'
import { Signers } from '#recovery/signers.ts'
import { foundByCaptions, type Leftovers, readUnindexed } from '#recovery/unindexed-backups.ts'

/** What a recovery works with. */
export interface RecoverySetup {
  client: TelegramClient
  database: Database
  /** Numeric or `@name`. */
  chat: string
  /** age identities; none leaves only what captions tell. */
  identities: readonly string[]
  /** Fingerprints of the keys whose signatures are believed; none means the first that is found. */
  signers: readonly string[]
  encryption: Encryption | undefined
  signingKey: () => Promise<SigningKey>
  signal: AbortSignal
  /** Hears beforehand how many messages will be asked about, at most. */
  onPlan: (plan: { messages: number; what: string }) => void
  /** Hears of each message id that is asked about. */
  onLook: () => void
}

/** So far back from the newest message parts of dead runs are looked for, also where the index knows newer backups. */
const RECENT_IDS = 200

interface Recovery {
  setup: RecoverySetup
  vault: VaultLedger
  reading: BackupReading
  search: IndexSearch
  report: RecoveryReport
  /** Ids that the chat had before. */
  movedFrom: Set<string>
  /** Every message up to this id was looked at, or need not be. */
  seenUpTo: number
}

/**
 * Rebuilds the catalog from the chat and takes the chat over: the index, what is newer than it, else the chain of
 * manifests; then the next generation and a new index, and what another machine sent meanwhile. Backups that the catalog
 * knows stay as they are. Killed anywhere and begun again, it ends the same. Throws `NOT_FOUND` when nothing of ours is there, `WRONG_KEY` when nothing opens.
 */
export async function recover(setup: RecoverySetup): Promise<RecoveryReport> {
  const recovery = await lookAtChat(setup)
  const { reading, report, search } = recovery
  const left: Leftovers = { parts: new Map(), refused: [] }
  for (const chatId of recovery.movedFrom) await recoverMoved(recovery, chatId)
  if (search.index !== undefined) await recoverIndexed(recovery)
  await recoverOthers(recovery, left)
  const { wrongKey } = reading.documents
  if (wrongKey !== undefined) throw wrongKey
  await recoverRefused(recovery, left)
  report.signer = search.signer ?? reading.documents.signers.first ?? null
  if (report.signer !== null) {
    // What is left out now would be missing in the new index, and the next recover would not look for it.
    if (report.refused.length > 0 && !report.signerWasGiven) report.indexFailure = UNDECIDED
    else await takeChat(recovery, left)
  }
  await recoverDeadRuns(recovery, left)
  // Until then, nothing else may work with what is half of a catalog.
  if (report.signer !== null && report.indexFailure === null) await endRecovery(setup.database)
  report.lookedAt = reading.reader.lookedAt
  if (isEmpty(report)) throw nothingOfOurs(report)
  return report
}

const UNDECIDED = 'manifests were refused; name the keys to believe with --signer, and the chat is taken over'

async function lookAtChat(setup: RecoverySetup): Promise<Recovery> {
  const { client, database, signal } = setup
  const vault = createCatalogVault(database)
  const chat = await followMovedChat(client, vault, setup.chat, { signal })
  const access = await checkChatAccess(client, chat, { signal })
  const reader = new ChatReader({ client, vault, chatId: access.chatId, signal })
  reader.onLook = setup.onLook
  const signers = new Signers(setup.signers)
  const documents = new SignedDocuments({ client, identities: setup.identities, signers, signal })
  const announce = (messages: number): void =>
    setup.onPlan({ messages, what: 'to find a message that leads to the index' })
  const search = await findIndex({ client, reader, documents, announce, signal })
  const { index, message, foundBy, notes } = search
  return {
    setup,
    vault,
    reading: { client, reader, documents },
    search,
    movedFrom: new Set([...(chat === setup.chat ? [] : [setup.chat]), ...(index?.movedFrom ?? [])]),
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
      signerWasGiven: signers.areGiven,
      withoutKey: false,
      backups: [],
      refused: [],
      lookedAt: 0,
      owner: null,
      indexFailure: null,
    },
  }
}

/** What lies under an id that the chat had before: its last index names it, and nothing came there since. */
async function recoverMoved(recovery: Recovery, chatId: string): Promise<void> {
  const { setup, vault, reading, search, report } = recovery
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
  if (earlier.index === undefined) return
  await adoptCatalog(setup.database, search.owner ?? earlier.index)
  for (const entry of earlier.index.backups) {
    await record(await readIndexed(entry, { client, documents, reader }), recovery)
  }
}

/** Every backup that the index names. */
async function recoverIndexed(recovery: Recovery): Promise<void> {
  const { setup, search, reading } = recovery
  const { index } = search
  if (index === undefined) return
  await adoptCatalog(setup.database, index)
  setup.onPlan({ messages: idsOf(index).size, what: 'that the index names' })
  for (const entry of index.backups) await record(await readIndexed(entry, reading), recovery)
}

/** What the index does not know: all above its newest message, and what lies unknown among the latest; without an index, all. */
async function recoverOthers(recovery: Recovery, left: Leftovers): Promise<void> {
  const { setup, vault, reading, search } = recovery
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
  const range = { from: newest, to: isChain ? ('chain' as const) : to, known }
  for await (const backup of readUnindexed(range, reading, left)) {
    if (search.owner) await adoptCatalog(setup.database, search.owner)
    await record(backup, recovery)
  }
}

/** Manifests that do not open, or are not believed. */
async function recoverRefused(recovery: Recovery, left: Leftovers): Promise<void> {
  const { reading, report } = recovery
  const of = placeOf(recovery)
  report.withoutKey ||= left.refused.some(({ isLocked }) => isLocked) && !reading.documents.hasKey
  for (const { sighting, backupId, reason, isLocked } of left.refused.splice(0)) {
    const parts = left.parts.get(backupId) ?? []
    left.parts.delete(backupId)
    const backup = isLocked ? foundByCaptions({ parts, manifest: sighting }, of) : undefined
    if (backup) await record(backup, recovery)
    else report.refused.push({ messageId: sighting.messageId, backupId, reason })
  }
}

/** Parts without a manifest; last of all, since a run that was under way may have sent its manifest meanwhile. */
async function recoverDeadRuns(recovery: Recovery, left: Leftovers): Promise<void> {
  const of = placeOf(recovery)
  for (const parts of left.parts.values()) {
    const backup = foundByCaptions({ parts, manifest: undefined }, of)
    if (backup) await record(backup, recovery)
  }
}

function placeOf({ reading, search }: Recovery): { chatId: string; botId: string; isIndexed: boolean } {
  return {
    chatId: reading.reader.chatId,
    botId: reading.client.botId,
    isIndexed: search.index !== undefined,
  }
}

async function record(found: FoundBackup, { setup, report }: Recovery): Promise<void> {
  const believed = { signersAreNamed: report.signerWasGiven }
  report.backups.push(await recordBackup(setup.database, found, believed))
}

/** The next generation and its index; then what runs that began before it have sent since, which that index lacks. */
async function takeChat(recovery: Recovery, left: Leftovers): Promise<void> {
  const { setup, vault, search, reading, report } = recovery
  const { database, client, identities, signal } = setup
  const { chatId } = reading.reader
  if (search.owner)
    report.owner = await takeChatOver(database, { owner: search.owner, search, vault, chatId })
  try {
    const encryption = await encryptionFor(setup.encryption, identities)
    const of = { database, client, vault, reader: reading.reader, signal }
    const signingKey = await setup.signingKey()
    await noteErased(recovery)
    await writeIndex({ ...of, search, encryption, signingKey })
    if (!(await recoverLatecomers(recovery, left))) return
    await refreshIndex(client, vault, { chatId, encryption, signingKey, signal })
  } catch (error) {
    if (signal.aborted) throw error
    report.indexFailure = describeError(error).message
  }
}

/** What this catalog knew of before, and the chat does not have any more; only an index that is believed tells. */
async function noteErased({ setup, vault, search, reading, report }: Recovery): Promise<void> {
  if (search.index === undefined) return
  const { client, database, signal } = setup
  const of = { client, vault, database, chatId: reading.reader.chatId, signal }
  const found = new Set(report.backups.map(({ id }) => id))
  for (const { id, project_id } of await noteErasedBackups(of, found)) {
    report.notes.push(`Backup ${id} of ${project_id} was erased since by another machine.`)
  }
}

/** What came while this recovery was under way; true when there was any. */
async function recoverLatecomers(recovery: Recovery, left: Leftovers): Promise<boolean> {
  const { vault, reading, report, seenUpTo } = recovery
  const { chatId } = reading.reader
  const newest = await reading.reader.newestId(undefined)
  const known = new Set(await vault.knownMessageIds(chatId, { after: seenUpTo, upTo: newest }))
  const before = report.backups.length
  for await (const backup of readUnindexed({ from: newest, to: seenUpTo + 1, known }, reading, left)) {
    await record(backup, recovery)
  }
  await recoverRefused(recovery, left)
  return report.backups.length > before
}

function nothingOfOurs({ chatTitle, notes }: RecoveryReport): BackupError {
  return new BackupError(`The chat “${chatTitle}” holds nothing of this program. ${notes.join(' ')}`.trim(), {
    code: 'NOT_FOUND',
    hint: 'Check TELEGRAM_CHAT_ID; in a group, a bot sees only what was sent while it was a member.',
  })
}
