import type { VaultIndex } from '@telegram-backup/archive'
import {
  editionCount,
  type ParsedIndex,
  pinnedIndexOf,
  type SeenDocument,
  type TelegramClient,
} from 'telegram-deployment-bot'
import type { ChatReader } from '#recover/chat-reader.ts'
import type { SignedDocuments } from '#recover/signed-documents.ts'

/** How far below the newest message the search for a message of ours goes. */
const MAX_LOOK_BACK = 500
/** Messages that an index names, of which one is to show that it is not a copy. */
const MOST_NAMED = 3

/** The present or a former index message of the chat. */
interface IndexMessage {
  messageId: number
  document: SeenDocument
  facts: ParsedIndex
  /** Hex, of its document; undefined when that cannot be downloaded. */
  sha256: string | undefined
}

/** A message that claims to be the index. People copy such messages. */
interface Candidate extends IndexMessage {
  foundBy: 'pin' | 'caption'
  /** Its contents, when they open and are believed. */
  read?: { index: VaultIndex; signer: string }
}

/** The index of a chat, as far as it was found. */
export interface IndexSearch {
  /** The index message, usable or not. `index` may come from a copy of it. */
  message?: IndexMessage
  /** Its contents, when they open and are believed. */
  index?: VaultIndex
  /** Fingerprint of the key that signed it. */
  signer?: string
  foundBy?: 'pin' | 'caption'
  /** The catalog that the newest caption of ours names, with its highest generation seen. */
  owner?: { catalogId: string; generation: number }
  /** An index that opens, signed by a key that is not believed. */
  disbelieved?: { messageId: number; signer: string }
  /** The pinned message, whatever it is. */
  pinnedId?: number
  /** Problems, a sentence each. */
  notes: string[]
}

interface Search {
  reader: ChatReader
  documents: SignedDocuments
}

/**
 * The index of the chat: the pinned message, or else the one that the newest message of ours names. People
 * may unpin, copy and delete messages, or pin others.
 */
export async function findIndex(
  of: Search & { client: TelegramClient; announce: (messages: number) => void; signal: AbortSignal },
): Promise<IndexSearch> {
  const { search, candidates } = await readPin(of)
  const { index, message } = search
  if (index !== undefined && message !== undefined) {
    await followNamed({ index, messageId: message.messageId }, candidates, { ...of, search })
  } else if (of.documents.hasKey) {
    of.announce(MAX_LOOK_BACK)
    await followCaptions(candidates, { ...of, search })
  }
  return choose(search, candidates)
}

/**
 * The index is older than the messages that it names. If not, it replaced another index or is a copy, and an
 * older message decides. If those are gone, the index may be an old one that somebody has put back: then the
 * newest message of ours decides.
 */
async function followNamed(
  { index, messageId }: { index: VaultIndex; messageId: number },
  candidates: Candidate[],
  of: Search & { search: IndexSearch },
): Promise<void> {
  const named = newestNamedBelow(messageId, index)
  for (const id of named) {
    const facts = (await of.reader.look(id))?.facts
    if (facts?.kind !== 'manifest' && facts?.kind !== 'pack') continue
    if (facts.indexMessageId !== undefined) await follow(facts.indexMessageId, candidates, of)
    return
  }
  if (named.length > 0) await followCaptions(candidates, of)
}

/** The newest manifests and packs that the index names, below its message. */
function newestNamedBelow(messageId: number, { backups, buckets = [] }: VaultIndex): number[] {
  const packs = buckets.flatMap(({ packs = [], checkpoint }) => [...packs, ...(checkpoint?.parts ?? [])])
  const named = [...backups.map(({ manifest }) => manifest), ...packs].map(one => one.messageId)
  return named
    .filter(id => id < messageId)
    .sort((one, other) => other - one)
    .slice(0, MOST_NAMED)
}

/** The index, if it is pinned. */
export async function findPinnedIndex(
  of: Search & { client: TelegramClient; signal: AbortSignal },
): Promise<IndexSearch> {
  return (await readPin(of)).search
}

async function readPin(
  of: Search & { client: TelegramClient; signal: AbortSignal },
): Promise<{ search: IndexSearch; candidates: Candidate[] }> {
  const { client, reader } = of
  const search: IndexSearch = { notes: [] }
  const candidates: Candidate[] = []
  const { pinned } = await client.getChat(reader.chatId, { signal: of.signal })
  if (pinned !== undefined) search.pinnedId = pinned.messageId
  const shown = pinnedIndexOf(pinned)
  if (shown.kind === 'index' && shown.document !== undefined) {
    const { messageId, document, caption: facts } = shown
    await consider(candidates, { messageId, document, facts, foundBy: 'pin' }, { ...of, search })
  } else {
    search.notes.push(pinned ? 'The pinned message is not an index.' : 'Nothing is pinned.')
  }
  return { search: choose(search, candidates), candidates }
}

/**
 * Follows the newest part or manifest to the index that it names. An index message found on the way may be a
 * person's copy. Older messages name the same index, or an earlier one.
 */
async function followCaptions(candidates: Candidate[], of: Search & { search: IndexSearch }): Promise<void> {
  const { search, reader } = of
  const newest = await reader.newestId(search.pinnedId)
  const range = { from: newest, to: newest - MAX_LOOK_BACK + 1, known: new Set<number>() }
  let isFirst = true
  for await (const { messageId, facts, document, isByPerson } of reader.down(range)) {
    if (facts.kind === 'tombstone' || isByPerson) continue
    if (facts.catalog && isFirst) noteOwner(search, facts.catalog)
    if (facts.catalog) isFirst = false
    if (facts.kind === 'index') {
      await consider(candidates, { messageId, document, facts, foundBy: 'caption' }, of)
      continue
    }
    if (facts.indexMessageId === undefined) continue
    if (!(await follow(facts.indexMessageId, candidates, of)))
      search.notes.push(`The index was message ${facts.indexMessageId}, and is gone.`)
    return
  }
}

/** Considers the message if it is an index; returns whether it is one. */
async function follow(
  messageId: number,
  candidates: Candidate[],
  of: Search & { search: IndexSearch },
): Promise<boolean> {
  if (candidates.some(one => one.messageId === messageId)) return true
  const sighting = await of.reader.look(messageId)
  if (sighting?.document === undefined || sighting.facts?.kind !== 'index' || sighting.isByPerson)
    return false
  const { document, facts } = sighting
  await consider(candidates, { messageId, document, facts, foundBy: 'caption' }, of)
  return true
}

async function consider(
  candidates: Candidate[],
  candidate: Omit<Candidate, 'sha256' | 'read'>,
  { reader, documents, search }: Search & { search: IndexSearch },
): Promise<void> {
  const { messageId, document, facts } = candidate
  if (candidates.some(one => one.messageId === messageId)) return
  if (candidates.length === 0 || candidates.some(one => one.facts.catalog.id === facts.catalog.id))
    noteOwner(search, facts.catalog)
  const file = await documents.downloadIndex(document.fileId, reader.chatId)
  const found: Candidate = { ...candidate, sha256: file?.sha256 }
  candidates.push(found)
  if (file === undefined) {
    search.notes.push(`The document of the index (message ${messageId}) cannot be downloaded.`)
    return
  }
  const { reading } = file
  if ('refusal' in reading) {
    const { words, signer } = reading.refusal
    search.notes.push(`The index (message ${messageId}) ${words}.`)
    if (signer !== undefined) search.disbelieved = { messageId, signer }
  } else found.read = { index: reading.content, signer: reading.signer }
}

/**
 * Takes the newest believed index. Its original message is the oldest one with the same or a later edition,
 * since copies are made later.
 */
function choose(search: IndexSearch, candidates: readonly Candidate[]): IndexSearch {
  const byAge = (one: Candidate, other: Candidate): number =>
    isEarlier(one, other) ? 1 : isEarlier(other, one) ? -1 : one.messageId - other.messageId
  const sorted = candidates.toSorted(byAge)
  const best = sorted.find(({ read }) => read !== undefined)
  if (best?.read === undefined) return sorted[0] ? Object.assign(search, { message: sorted[0] }) : search
  const { read, facts, foundBy } = best
  const isSame = (one: Candidate): boolean =>
    one.facts.catalog.id === facts.catalog.id && !isEarlier(one, best)
  const message = candidates
    .filter(isSame)
    .reduce((one, other) => (other.messageId < one.messageId ? other : one), best)
  return Object.assign(search, { ...read, foundBy, message })
}

/** By the signed facts where they can be read, else by the captions. */
function isEarlier(one: Candidate, other: Candidate): boolean {
  const ageOf = ({ read, facts }: Candidate): { generation: number; edition: number } => ({
    generation: read?.index.generation ?? facts.catalog.generation,
    edition: editionCount(read?.index.edition ?? facts.edition),
  })
  const [own, others] = [ageOf(one), ageOf(other)]
  return own.generation === others.generation
    ? own.edition < others.edition
    : own.generation < others.generation
}

function noteOwner(search: IndexSearch, catalog: { id: string; generation: number }): void {
  const { id: catalogId, generation } = catalog
  const before = search.owner?.catalogId === catalogId ? search.owner.generation : 0
  search.owner = { catalogId, generation: Math.max(before, generation) }
}
