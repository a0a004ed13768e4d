import type { VaultIndex } from '@telegram-backup/archive'
import { beginRecovery } from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { ChatReader } from '#recover/chat-reader.ts'
import {
  type EvidenceOutcome,
  evidenceNotes,
  type FoundEvidence,
  readNamedEvidence,
  readUnindexedEvidence,
  recordEvidence,
} from '#recover/evidence.ts'
import type { FoundBackup } from '#recover/found-backup.ts'
import { findPinnedIndex, type IndexSearch } from '#recover/index-search.ts'
import { type BackupReading, idsOf, readIndexed } from '#recover/indexed-backups.ts'
import type { OpenedChat } from '#recover/open-chat.ts'
import { adoptCatalog, type Owner, ownerOf } from '#recover/ownership.ts'
import type { IndexedBuckets } from '#recover/pack-places.ts'
import { type Outcome, recordFound } from '#recover/record-backup.ts'
import type { RecoveryTools } from '#recover/recovery-setup.ts'
import { type ChatScan, emptyScan, readUnindexed, type ScanRange } from '#recover/unindexed-backups.ts'

/** Where the index names newer backups: how many ids below the newest one are searched for abandoned runs. */
const RECENT_IDS = 200

/** A chat whose backups are in the catalog. */
export interface ReadChat extends OpenedChat {
  /** The outcome for each backup and manifest, in the order of reading. */
  readonly recorded: readonly Outcome[]
  readonly scan: ChatScan
  /** The outcome for each message with evidence. */
  readonly evidence: readonly EvidenceOutcome[]
  /** All believed indexes, also those under former ids of the chat. */
  readonly indexes: readonly VaultIndex[]
  /** The buckets that these indexes name, with the chat that each index describes. */
  readonly buckets: readonly IndexedBuckets[]
  /** The owner of the chat, as captions say. */
  readonly captionOwner: Owner | undefined
  /** Problems with the index, a sentence each. */
  readonly notes: readonly string[]
  /** A document was not opened because there is no key. */
  readonly withoutKey: boolean
  /** No message up to this id needs another look. */
  readonly seenUpTo: number
  /** Why reading ended early; undefined when all was read. */
  readonly failure: unknown
}

/**
 * Stage 2: records every backup of the chat that a believed document describes: under former ids of the chat,
 * then those of the index, then those that no index names. After a failure the answer has what was read
 * before.
 */
export async function readChat(tools: RecoveryTools, chat: OpenedChat): Promise<ReadChat> {
  const { search } = chat
  const reading = readingOf(tools, chat)
  const scan = emptyScan(search.index)
  const recorded: Outcome[] = []
  const earlier: EarlierChat[] = []
  const captionOwner = (): Owner | undefined =>
    search.owner ?? earlier.find(one => one.search.owner !== undefined)?.search.owner
  const record = async (found: FoundBackup): Promise<void> => {
    recorded.push(await recordFound(tools, found, ownerOf(tools.documents, search, captionOwner())))
  }
  const evidence: EvidenceOutcome[] = []
  const keep = async (found: FoundEvidence): Promise<void> => {
    const owner = ownerOf(tools.documents, search, captionOwner())
    evidence.push(await recordEvidence(tools.database, found, { ...reading, owner }))
  }
  let seenUpTo = 0
  let failure: unknown
  try {
    for (const chatId of chat.movedFrom) {
      const one = await openEarlierChat(tools, chat, chatId)
      earlier.push(one)
      for (const entry of one.search.index?.backups ?? []) {
        scan.named.add(entry.id)
        await record(await readIndexed(entry, { ...reading, reader: one.reader, isCopy: false }))
      }
    }
    for await (const backup of readNamed(tools, { index: search.index, reading, scan })) await record(backup)
    await tools.buckets.readNamed({
      indexes: bucketsOf(chat, earlier),
      prepare: () => prepareFor(tools, ownerOf(tools.documents, search, captionOwner())),
    })
    seenUpTo = await chat.reader.newestId(search.pinnedId)
    const range = await rangeOf(tools, chat, seenUpTo)
    for await (const backup of readUnindexed(range, reading, scan)) await record(backup)
    for await (const backup of readUnnamedBuckets(tools, { range, reading, scan, chat })) await record(backup)
    // After the backups: a proof belongs to one of them.
    const entries = search.index?.evidence ?? []
    for (const entry of entries) await keep(await readNamedEvidence(entry, reading))
    const named = new Set(entries.map(({ messageId }) => messageId))
    for await (const found of readUnindexedEvidence(scan.evidence, reading, named)) await keep(found)
  } catch (error) {
    failure = error
  }
  const indexes = [search, ...earlier.map(one => one.search)].flatMap(({ index }) => index ?? [])
  const buckets = bucketsOf(chat, earlier)
  const notes = [...search.notes, ...earlier.flatMap(notesOf), ...evidenceNotes(evidence)]
  const isLocked = scan.refused.some(one => one.isLocked)
  const withoutKey = failure === undefined && isLocked && !tools.documents.hasKey
  return {
    ...chat,
    ...{ recorded, scan, evidence, indexes, buckets, notes, withoutKey, seenUpTo, failure },
    captionOwner: captionOwner(),
  }
}

function bucketsOf(chat: OpenedChat, earlier: readonly EarlierChat[]): IndexedBuckets[] {
  return [chat, ...earlier].map(({ reader, search: { index } }) => {
    const { generation = 0, drawnAt, buckets = [] } = index ?? {}
    return { reader, generation, drawnAt, buckets }
  })
}

/** An empty catalog becomes that of `owner`, and counts as incomplete until the recovery ends. */
export async function prepareFor({ database }: RecoveryTools, owner: Owner | undefined): Promise<void> {
  if (owner) await adoptCatalog(database, owner)
  await beginRecovery(database)
}

function readingOf({ client, documents }: RecoveryTools, { reader, isCopy }: OpenedChat): BackupReading {
  return { client, reader, documents, isCopy }
}

/** The chat under a former id. */
interface EarlierChat {
  chatId: string
  reader: ChatReader
  search: IndexSearch
}

/** The last index names all that lies under a former id: nothing was sent there since. */
async function openEarlierChat(tools: RecoveryTools, chat: OpenedChat, chatId: string): Promise<EarlierChat> {
  const { client, vault, documents, signal } = tools
  const movedTo = chat.access.chatId
  await vault.chatMoved({ from: chatId, to: movedTo })
  const reader = new ChatReader({ client, vault, chatId, movedTo, signal })
  const search = await findPinnedIndex({ client, reader, documents, signal }).catch((error: unknown) => {
    if (signal.aborted) throw error
    return { notes: [describeError(error).message] }
  })
  return { chatId, reader, search }
}

function notesOf({ chatId, search }: EarlierChat): string[] {
  return search.notes.map(note => `Before the chat moved (${chatId}): ${note}`)
}

/** Every backup that the index names. */
async function* readNamed(
  { onPlan }: RecoveryTools,
  { index, reading, scan }: { index: VaultIndex | undefined; reading: BackupReading; scan: ChatScan },
): AsyncGenerator<FoundBackup> {
  if (index === undefined) return
  onPlan({ messages: idsOf(index).size, what: 'that the index names' })
  for (const entry of index.backups) {
    const backup = await readIndexed(entry, reading)
    if (backup.messages.some(({ kind, state }) => kind === 'manifest' && state === 'sent'))
      scan.found.add(entry.id)
    yield backup
  }
}

/**
 * The messages above the newest one of the index, and unknown ones among the latest. Without an index, all.
 */
async function rangeOf(tools: RecoveryTools, chat: OpenedChat, newest: number): Promise<ScanRange> {
  const { vault, documents, wholeChat: isWhole = false } = tools
  const { reader, search } = chat
  const { index, message } = search
  const known = new Set(index === undefined ? [] : idsOf(index))
  const highest = Math.max(0, ...known)
  if (message) known.add(message.messageId)
  if (index !== undefined) {
    const catalogs = await vault.knownMessageIds(reader.chatId, { after: 0, upTo: newest })
    for (const id of catalogs) known.add(id)
  }
  const to = index ? Math.max(1, Math.min(highest + 1, newest - RECENT_IDS)) : 1
  const isChain = index === undefined && documents.hasKey
  tools.onPlan({
    messages: newest - to + 1,
    what: isChain ? 'as far back as manifests lead' : 'that no index names',
  })
  const indexDrawnAt = index && new Date(index.drawnAt)
  return { from: newest, to: isChain ? 'chain' : to, known, isWhole, indexDrawnAt }
}

/**
 * When there are packs of buckets that the index does not name (it was drawn before there was one, or by an
 * earlier program): the rest of the chat, which may have their checkpoints.
 */
async function* readUnnamedBuckets(
  { onPlan }: RecoveryTools,
  of: { range: ScanRange; reading: BackupReading; scan: ChatScan; chat: OpenedChat },
): AsyncGenerator<FoundBackup> {
  const { range, reading, scan, chat } = of
  const { index } = chat.search
  const named = new Set(index?.buckets?.map(({ id }) => id))
  const isNamed = scan.packs.every(({ facts }) => named.has(facts.bucketId))
  if (index === undefined || range.to === 'chain' || range.to <= 1 || isNamed) return
  onPlan({ messages: range.to - 1, what: 'for the packs of a bucket that the index does not name' })
  yield* readUnindexed({ ...range, from: range.to - 1, to: 'chain' }, reading, scan)
}

/** Part of stage 6: what came during this recovery. After a failure the answer has what was read before. */
export async function readLatecomers<Chat extends ReadChat>(tools: RecoveryTools, chat: Chat): Promise<Chat> {
  const { reader, seenUpTo, search, captionOwner } = chat
  const scan = structuredClone(chat.scan)
  const recorded = [...chat.recorded]
  const evidence = [...chat.evidence]
  const reading = readingOf(tools, chat)
  const owner = ownerOf(tools.documents, search, captionOwner)
  try {
    const newest = await reader.newestId(undefined)
    const known = new Set(await tools.vault.knownMessageIds(reader.chatId, { after: seenUpTo, upTo: newest }))
    const range = { from: newest, to: seenUpTo + 1, known }
    for await (const backup of readUnindexed(range, reading, scan)) {
      recorded.push(await recordFound(tools, backup, owner))
    }
    const named = new Set(evidence.map(({ messageId }) => messageId))
    for await (const found of readUnindexedEvidence(scan.evidence, reading, named)) {
      evidence.push(await recordEvidence(tools.database, found, { ...reading, owner }))
    }
    return { ...chat, recorded, evidence, scan }
  } catch (failure) {
    return { ...chat, recorded, evidence, scan, failure }
  }
}
