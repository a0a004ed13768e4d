import type { VaultIndex } from '@telegram-backup/archive'
import {
  type ParsedIndex,
  parseCaption,
  type SeenDocument,
  type TelegramClient,
} from 'telegram-deployment-bot'
import type { ChatReader } from '#recovery/chat-reader.ts'
import type { SignedDocuments } from '#recovery/signed-documents.ts'

/** How far below the newest message a message of ours is looked for. */
const MAX_LOOK_BACK = 500

/** The message that is, or was, the chat's index. */
interface IndexMessage {
  messageId: number
  document: SeenDocument
  facts: ParsedIndex
  /** Of its document; undefined when that cannot be had. */
  sha256: string | undefined
}

/** What the chat has for an index. */
export interface IndexSearch {
  /** Of ours, whether it can be used or not. */
  message?: IndexMessage
  /** What it says, when it opens and is believed. */
  index?: VaultIndex
  /** Fingerprint of the key that signed it. */
  signer?: string
  foundBy?: 'pin' | 'caption'
  /** The catalog that the caption of the newest message of ours names, and the highest generation of it that was seen. */
  owner?: { catalogId: string; generation: number }
  /** Whatever is pinned. */
  pinnedId?: number
  /** What was found wrong on the way, a sentence each. */
  notes: string[]
}

/**
 * The index of the chat: the pinned message; else, since any message of ours names the index, the newest of them leads
 * there. People unpin messages, pin others, and delete.
 */
export async function findIndex(of: {
  client: TelegramClient
  reader: ChatReader
  documents: SignedDocuments
  announce: (messages: number) => void
  signal: AbortSignal
}): Promise<IndexSearch> {
  const search = await findPinnedIndex(of)
  if (search.index !== undefined || !of.documents.hasKey) return search
  of.announce(MAX_LOOK_BACK)
  await followCaptions(search, of)
  return search
}

/** What the pin alone leads to. */
export async function findPinnedIndex(of: {
  client: TelegramClient
  reader: ChatReader
  documents: SignedDocuments
  signal: AbortSignal
}): Promise<IndexSearch> {
  const { client, reader } = of
  const search: IndexSearch = { notes: [] }
  const { pinned } = await client.getChat(reader.chatId, { signal: of.signal })
  if (pinned !== undefined) search.pinnedId = pinned.messageId
  const pinFacts = pinned?.forwarded === undefined ? parseCaption(pinned?.caption) : undefined
  if (pinned?.document !== undefined && pinFacts?.kind === 'index') {
    await consider(search, { ...pinned, document: pinned.document, facts: pinFacts, foundBy: 'pin' }, of)
  } else {
    search.notes.push(pinned ? 'The pinned message is not an index.' : 'Nothing is pinned.')
  }
  return search
}

/** Looks for the newest message of ours, and where it leads. */
async function followCaptions(
  search: IndexSearch,
  of: { reader: ChatReader; documents: SignedDocuments },
): Promise<void> {
  const newest = await of.reader.newestId(search.pinnedId)
  const range = { from: newest, to: newest - MAX_LOOK_BACK + 1, known: new Set<number>() }
  for await (const { messageId, facts, document } of of.reader.down(range)) {
    if (facts.kind === 'tombstone') continue
    if (facts.catalog) noteOwner(search, facts.catalog)
    if (facts.kind === 'index') {
      if (messageId !== search.message?.messageId)
        await consider(search, { messageId, document, facts, foundBy: 'caption' }, of)
      return
    }
    if (facts.indexMessageId === undefined) continue
    if (facts.indexMessageId !== search.message?.messageId) await follow(search, facts.indexMessageId, of)
    // Older messages name the same index, or one that came before it.
    return
  }
}

async function follow(
  search: IndexSearch,
  messageId: number,
  of: { reader: ChatReader; documents: SignedDocuments },
): Promise<void> {
  const sighting = await of.reader.look(messageId)
  if (sighting?.document === undefined || sighting.facts?.kind !== 'index') {
    search.notes.push(`The index was message ${messageId}, and is gone.`)
    return
  }
  const { document, facts } = sighting
  await consider(search, { messageId, document, facts, foundBy: 'caption' }, of)
}

async function consider(
  search: IndexSearch,
  candidate: {
    messageId: number
    document: SeenDocument
    facts: ParsedIndex
    foundBy: 'pin' | 'caption'
  },
  { reader, documents }: { reader: ChatReader; documents: SignedDocuments },
): Promise<void> {
  const { messageId, document, facts, foundBy } = candidate
  noteOwner(search, facts.catalog)
  const file = await documents.downloadIndex(document.fileId, reader.chatId)
  search.message = { messageId, document, facts, sha256: file?.sha256 }
  if (file === undefined) {
    search.notes.push(`The document of the index (message ${messageId}) cannot be had.`)
    return
  }
  const { reading } = file
  if ('refusal' in reading) {
    search.notes.push(`The index (message ${messageId}) ${reading.refusal.words}.`)
    return
  }
  const { content, signer } = reading
  Object.assign(search, { index: content, signer, foundBy })
}

const MOST_RECOVERIES = 1_000_000

/** Whether so many recoveries can have been; else somebody else wrote the caption that says so. */
export function isReachable({ generation }: { generation: number }): boolean {
  return generation <= MOST_RECOVERIES
}

function noteOwner(search: IndexSearch, catalog: { id: string; generation: number }): void {
  const { id: catalogId, generation } = catalog
  if (!isReachable(catalog)) return
  const before = search.owner?.catalogId === catalogId ? search.owner.generation : 0
  search.owner = { catalogId, generation: Math.max(before, generation) }
}
