import type { Manifest, ManifestPart, VaultIndex } from '@telegram-backup/archive'
import type { ParsedDocument, ParsedEvidence } from 'telegram-deployment-bot'
import type { ChatReader, OwnSighting, Sighting } from '#recover/chat-reader.ts'
import { type FoundBackup, foundByManifest } from '#recover/found-backup.ts'
import { type BackupReading, existing } from '#recover/indexed-backups.ts'
import type { PackSighting } from '#recover/pack-places.ts'

/** After so many ids without a message of ours, only messages that this bot may edit are read. */
const MAX_GAP = 500
/**
 * After so many ids without a message of ours, the search jumps to the manifest that the last one names. Not
 * at once: a manifest names the newest one from the beginning of its send, and other sends may have ended
 * since.
 */
const LEAD_GAP = 50

/** A manifest that was found and cannot be used. */
interface UnusableManifest {
  sighting: OwnSighting
  backupId: string
  reason: string
  isLocked: boolean
}

/** What the scan of a chat found besides backups with a manifest. */
export interface ChatScan {
  /** Parts without a usable manifest, by backup id. */
  parts: Map<string, OwnSighting[]>
  refused: UnusableManifest[]
  /** Backups that an index or a manifest names: their captions add nothing. */
  named: Set<string>
  /** Backups whose manifest was found in this chat: any further one is a copy. */
  found: Set<string>
  /** `backup part` of each part that was replaced by a tombstone. */
  erased: Set<string>
  /** Messages with records of evidence. */
  evidence: EvidenceSighting[]
  /** Messages with packs of buckets. */
  packs: PackSighting[]
  /** The number of messages far below all of ours that were not read. */
  unread: number
}

export type EvidenceSighting = OwnSighting & { facts: ParsedEvidence }

export function emptyScan(index: VaultIndex | undefined): ChatScan {
  const named = new Set(index?.backups.map(({ id }) => id))
  return {
    parts: new Map(),
    refused: [],
    named,
    found: new Set(),
    erased: new Set(),
    evidence: [],
    packs: [],
    unread: 0,
  }
}

/** The messages to look at. */
export interface ScanRange {
  from: number
  /** The lowest id to look at, or `chain`: follow the manifests as far back as they lead. */
  to: number | 'chain'
  /** Ids to skip; the scan adds those that it has seen. */
  known: Set<number>
  /** Also reads messages far below all of ours. */
  isWhole?: boolean
  /**
   * When the believed index was drawn. An older complete backup that it does not name and without parts was
   * erased.
   */
  indexDrawnAt?: Date | undefined
}

/**
 * Backups that no index names, newest first. Each manifest names its parts, which need no look, and the
 * manifest before it, so the search can skip what people wrote in between. Where that chain breaks, because a
 * backup was erased, the search continues message by message.
 */
export async function* readUnindexed(
  range: ScanRange,
  of: BackupReading,
  scan: ChatScan,
): AsyncGenerator<FoundBackup> {
  const way: Way = { through: Number.POSITIVE_INFINITY, lead: undefined }
  for (let from = range.from; ; ) {
    const sighting = await nextManifest({ ...range, from }, { reader: of.reader, scan, way })
    if (sighting === undefined) return
    from = sighting.messageId - 1
    const read = await readManifest(sighting, of, { scan, range })
    if (read === undefined) continue
    const { backup, through, previous } = read
    for (const { messageId } of backup.messages) if (messageId) range.known.add(messageId)
    scan.parts.delete(backup.id)
    scan.found.add(backup.id)
    yield backup
    way.through = Math.min(way.through, through)
    const leadsOn = range.to === 'chain' && previous !== undefined && previous < way.through
    way.lead = leadsOn && (await isManifest(previous, of.reader)) ? previous : undefined
  }
}

/** How the search continues. */
interface Way {
  /** Message by message down to this id: between the messages of a backup may lie those of other sends. */
  through: number
  /** Then this id, which the lowest manifest so far names. */
  lead: number | undefined
}

/** The next manifest below; the parts above it are kept. */
async function nextManifest(
  { from, to, known, isWhole = false }: ScanRange,
  of: { reader: ChatReader; scan: ChatScan; way: Way },
): Promise<OwnSighting | undefined> {
  const { reader, scan, way } = of
  const range = {
    from,
    to: to === 'chain' ? 1 : to,
    known,
    ...(to === 'chain' && !isWhole && { maxGap: MAX_GAP }),
    onUnread: () => {
      scan.unread++
    },
    leadFrom: ({ below, gap }: { below: number; gap: number }): number | undefined => {
      const { through, lead } = way
      return lead !== undefined && lead <= below && below < through && gap > LEAD_GAP ? lead : undefined
    },
  }
  for await (const sighting of reader.down(range)) {
    known.add(sighting.messageId)
    const { facts } = sighting
    if (facts.kind === 'part') keepPart(scan, sighting)
    if (facts.kind === 'evidence') scan.evidence.push({ ...sighting, facts })
    if (facts.kind === 'pack' && !sighting.isByPerson) scan.packs.push({ ...sighting, facts })
    if (facts.kind === 'tombstone' && 'backupId' in facts)
      scan.erased.add(`${facts.backupId} ${facts.partNumber}`)
    if (facts.kind === 'manifest' && !scan.found.has(facts.backupId)) return sighting
  }
  return undefined
}

async function isManifest(messageId: number, reader: ChatReader): Promise<boolean> {
  return (await reader.look(messageId))?.facts?.kind === 'manifest'
}

function keepPart(scan: ChatScan, sighting: OwnSighting): void {
  if (sighting.facts.kind !== 'part') return
  const { backupId } = sighting.facts
  scan.parts.set(backupId, [...(scan.parts.get(backupId) ?? []), sighting])
}

async function readManifest(
  sighting: OwnSighting,
  of: BackupReading,
  { scan, range }: { scan: ChatScan; range: ScanRange },
): Promise<{ backup: FoundBackup; through: number; previous: number | undefined } | undefined> {
  const { client, documents, reader } = of
  const { facts, document } = sighting
  if (facts.kind !== 'manifest') return undefined
  const { backupId } = facts
  scan.named.add(backupId)
  const refuse = (reason: string, isLocked: boolean = false): undefined => {
    scan.refused.push({ sighting, backupId, reason, isLocked })
  }
  const file = await documents.download(document.fileId, { sha256: facts.sha256 })
  if (file === undefined) return refuse('cannot be downloaded')
  if (file.sha256 !== facts.sha256) return refuse('is not what its caption says')
  const reading = await documents.readManifest(file, { isVouchedFor: false })
  if ('refusal' in reading) return refuse(reading.refusal.words, reading.refusal.isLocked)
  const { content: manifest, signer } = reading
  if (manifest.backup.id !== facts.backupId) return refuse('is that of another backup')
  const places = await placesOfParts(manifest, sighting.messageId, of)
  const { partMessageIds, there, isErased, isItsOwnChat } = places
  const { indexDrawnAt } = range
  const isForgotten = indexDrawnAt !== undefined && new Date(manifest.completedAt) < indexDrawnAt
  // What is left may be a copy that a person made before.
  if (isErased || (isForgotten && there.size === 0)) return undefined
  const ids = partMessageIds.filter(id => id !== undefined)
  const after = { above: Math.max(0, ...ids), known: range.known }
  const original = await originalOf({ ...sighting, facts }, after, reader)
  const { messageId } = original
  const backup = foundByManifest({
    manifest,
    signer,
    document: {
      fileId: original.document.fileId,
      botId: client.botId,
      size: file.bytes.length,
      sha256: file.sha256,
    },
    placement: {
      chatId: reader.chatId,
      manifestMessageId: messageId,
      partMessageIds,
      isThere: id => id === messageId || there.has(id),
      botId: manifest.botId,
    },
  })
  const { previousManifestMessageId } = manifest
  // It is a message of the chat that the backup was sent to.
  const previous = isItsOwnChat ? previousManifestMessageId : undefined
  return { backup, through: Math.min(messageId, ...ids), previous }
}

/**
 * The lowest message with the same manifest, above its parts. People copy messages byte for byte, and the
 * order of the ids is the only sure sign of the original.
 */
async function originalOf(
  copy: OwnSighting & { facts: ParsedDocument },
  { above, known }: { above: number; known: ReadonlySet<number> },
  reader: ChatReader,
): Promise<OwnSighting> {
  let original: OwnSighting = copy
  if (above === 0) return original
  const range = { from: copy.messageId - 1, to: above + 1, known, maxGap: MAX_GAP }
  for await (const sighting of reader.down(range)) {
    const { facts, document } = sighting
    const isSame =
      facts.kind === 'manifest' &&
      facts.backupId === copy.facts.backupId &&
      facts.sha256 === copy.facts.sha256 &&
      document.sizeBytes === copy.document.sizeBytes
    if (isSame) original = sighting
  }
  return original
}

/**
 * The messages of the parts in this chat, and which of them exist. A manifest names those of the backup's own
 * chat; copies in another chat lie before the manifest's copy there, and their captions identify them.
 */
async function placesOfParts(
  { backup, parts }: Pick<Manifest, 'backup' | 'parts'>,
  manifestMessageId: number,
  { reader, isCopy = false }: BackupReading,
): Promise<PartPlaces> {
  const byNumber = new Map(parts.map(part => [part.number, part]))
  const partOf = ({ facts, document }: Sighting): ManifestPart | undefined => {
    if (facts?.kind !== 'part' || facts.backupId !== backup.id) return undefined
    const part = byNumber.get(facts.partNumber)
    return part?.sha256 === facts.sha256 && part.size === document?.sizeBytes ? part : undefined
  }
  const named = parts.map(({ messageId }) => messageId)
  const first: Sighting[] = []
  for (const id of isCopy ? [] : named.slice(0, 3)) {
    const sighting = id < manifestMessageId ? await reader.look(id) : undefined
    if (sighting?.facts !== undefined) first.push(sighting)
  }
  const isErased = first.some(
    ({ facts }) =>
      facts?.kind === 'tombstone' &&
      'backupId' in facts &&
      facts.backupId === backup.id &&
      facts.partNumber > 0,
  )
  // Two chats may use the same ids: one different message of ours in these places shows another chat.
  const areTheirs = first.every(sighting => partOf(sighting)?.messageId === sighting.messageId)
  if (first.length > 0 && areTheirs) {
    return { partMessageIds: named, there: await existing(named, reader), isErased, isItsOwnChat: true }
  }
  const places = new Map<number, number>()
  const to = manifestMessageId - parts.length - MAX_GAP
  for await (const sighting of reader.down({ from: manifestMessageId - 1, to, known: new Set() })) {
    const part = partOf(sighting)
    // Of two messages of a part the older one counts.
    if (part !== undefined) places.set(part.number, sighting.messageId)
    if (places.size === parts.length) break
  }
  const isOwn = parts.some(part => places.get(part.number) === part.messageId)
  const isItsOwnChat = !isCopy && (places.size === 0 || isOwn)
  return {
    partMessageIds: parts.map(part => places.get(part.number) ?? (isItsOwnChat ? part.messageId : undefined)),
    there: new Set(places.values()),
    isErased: isErased && places.size === 0,
    isItsOwnChat: isOwn,
  }
}

interface PartPlaces {
  /** In order of part number; undefined for an unknown message. */
  partMessageIds: (number | undefined)[]
  there: ReadonlySet<number>
  /** A part was replaced by a tombstone, and no part is left. */
  isErased: boolean
  /** The manifest names messages of this chat. */
  isItsOwnChat: boolean
}
