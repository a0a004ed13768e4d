import type { IndexedBucket, IndexedManifest, NamedPack } from '@telegram-backup/archive'
import type { ParsedPack } from 'telegram-deployment-bot'
import type { ChatReader, OwnSighting } from '#recover/chat-reader.ts'

/** A message with a pack, as the scan of a chat found it. */
export type PackSighting = OwnSighting & { facts: ParsedPack }

/** A message that holds a pack, or held it. */
export interface PackPlace {
  packId: string
  bucketId: string
  /** Undefined for a part of a checkpoint that an index names. */
  sequence: number | undefined
  reader: ChatReader
  messageId: number
  /** Of the document, hex. */
  sha256: string
  /** Bytes; undefined where only a caption is known. */
  size: number | undefined
  /** Belongs to the bot `botId`. */
  fileId: string | undefined
  botId: string | undefined
  fileUniqueId?: string | undefined
  sentAt?: Date | undefined
  /** A believed document names its hash. */
  isVouchedFor: boolean
  /** As its caption says; 0 without one. */
  generation: number
}

/** All known messages of one pack; never empty. The first one is asked first. */
export type PlacesOfPack = [PackPlace, ...PackPlace[]]

/** A checkpoint of which every part is known. */
export interface FoundCheckpoint {
  id: string
  /** An index names it; otherwise only captions do. */
  isNamed: boolean
  /** Of its last part; undefined when only an index names it. */
  sequence: number | undefined
  /** Of the catalog that sent it, as the caption of its last part says; 0 when only an index names it. */
  generation: number
  /** In order. */
  parts: [PlacesOfPack, ...PlacesOfPack[]]
}

/** What the indexes and the scans of all chats say of one bucket. */
export interface FoundBucket {
  id: string
  /** The entry of the newest index that names it. */
  indexed: IndexedBucket | undefined
  /** Those that an index names first; then those of the scans, newest first. */
  checkpoints: FoundCheckpoint[]
  /** Parts of checkpoints are not among them. */
  packs: PlacesOfPack[]
}

/** An index that was read, and the chat that it describes. */
export interface IndexedBuckets {
  reader: ChatReader
  /** Of the catalog that drew the index; 0 without one. */
  generation: number
  /** ISO 8601 in UTC; undefined without one. */
  drawnAt: string | undefined
  buckets: readonly IndexedBucket[]
}

/** A chat that was searched. */
export interface ScannedPacks {
  reader: ChatReader
  /** The bot that the file ids belong to. */
  botId: string
  packs: readonly PackSighting[]
}

/**
 * Brings together what all chats say. Named messages come first, since their hashes are signed. The index of
 * a chat that was away for a while may be an old one: the newest says most.
 */
export function findBuckets(
  indexes: readonly IndexedBuckets[],
  scans: readonly ScannedPacks[],
): FoundBucket[] {
  const found = new Map<string, Finding>()
  const findingOf = (id: string): Finding => {
    const finding = found.get(id) ?? { indexed: undefined, packs: new Map(), checkpoints: new Map() }
    found.set(id, finding)
    return finding
  }
  for (const { reader, buckets } of indexes.toSorted(newestFirst))
    for (const bucket of buckets) addIndexed(findingOf(bucket.id), bucket, reader)
  for (const { packs, ...of } of scans) {
    // Of several messages of one pack the lowest is the original: people copy messages.
    for (const sighting of packs.toSorted((one, other) => one.messageId - other.messageId))
      addSeen(findingOf(sighting.facts.bucketId), sighting, of)
  }
  return [...found].map(([id, { indexed, packs, checkpoints }]) => ({
    ...{ id, indexed, packs: [...packs.values()] },
    checkpoints: [...checkpoints.values()].flatMap(wholeOf).sort(namedAndNewestFirst),
  }))
}

function newestFirst(one: IndexedBuckets, other: IndexedBuckets): number {
  const drawnAt = ({ drawnAt }: IndexedBuckets): number => (drawnAt === undefined ? 0 : Date.parse(drawnAt))
  return other.generation - one.generation || drawnAt(other) - drawnAt(one)
}

interface Finding {
  indexed: IndexedBucket | undefined
  packs: Map<string, PlacesOfPack>
  checkpoints: Map<string, PartsOfCheckpoint>
}

interface PartsOfCheckpoint {
  id: string
  isNamed: boolean
  sequence: number | undefined
  generation: number
  /** Undefined as long as its last part is unknown. */
  count: number | undefined
  parts: Map<number, PlacesOfPack>
}

function addIndexed(finding: Finding, bucket: IndexedBucket, reader: ChatReader): void {
  const { id: bucketId, checkpoint, packs = [] } = bucket
  finding.indexed ??= bucket
  const placeOf = (entry: IndexedManifest & { pack: string; sequence?: number }): PackPlace => {
    const { pack: packId, sequence, messageId, sha256, size, fileId, botId } = entry
    const place = { packId, bucketId, sequence, reader, messageId, sha256, size, fileId, botId }
    return { ...place, isVouchedFor: true, generation: 0 }
  }
  if (checkpoint !== undefined) {
    const of = checkpointIn(finding, checkpoint.id)
    Object.assign(of, { isNamed: true, count: checkpoint.parts.length })
    for (const [at, part] of checkpoint.parts.entries()) addTo(of.parts, at + 1, placeOf(part))
  }
  for (const pack of packs) addTo(finding.packs, pack.pack, placeOf(pack))
}

function addSeen(
  finding: Finding,
  { messageId, facts, document, sentAt }: PackSighting,
  of: { reader: ChatReader; botId: string },
): void {
  const { packId, bucketId, sequence, sha256, checkpoint, catalog } = facts
  const { fileId, fileUniqueId, sizeBytes: size } = document
  const place: PackPlace = {
    ...{ packId, bucketId, sequence, messageId, sha256, size, fileId, fileUniqueId, sentAt, ...of },
    ...{ isVouchedFor: false, generation: catalog?.generation ?? 0 },
  }
  if (checkpoint === undefined) {
    addTo(finding.packs, packId, place)
    return
  }
  const { id, part, last } = checkpoint
  const parts = checkpointIn(finding, id)
  addTo(parts.parts, part, place)
  if (!last) return
  parts.count ??= part
  // The lowest message is the original, and comes first.
  if (parts.sequence === undefined) parts.generation = place.generation
  parts.sequence ??= sequence
}

function checkpointIn({ checkpoints }: Finding, id: string): PartsOfCheckpoint {
  const known = checkpoints.get(id)
  if (known !== undefined) return known
  const parts = { id, isNamed: false, sequence: undefined, generation: 0, count: undefined, parts: new Map() }
  checkpoints.set(id, parts)
  return parts
}

function addTo<Key>(places: Map<Key, PlacesOfPack>, key: Key, place: PackPlace): void {
  const known = places.get(key)
  if (known === undefined) places.set(key, [place])
  else known.push(place)
}

/** Without each of its parts, a checkpoint says nothing. */
function wholeOf({ count = 0, parts, ...checkpoint }: PartsOfCheckpoint): FoundCheckpoint[] {
  // The number of parts may be any that somebody wrote into a caption.
  if (count === 0 || count > parts.size) return []
  const inOrder = Array.from({ length: count }, (_, at) => parts.get(at + 1))
  const [first, ...others] = inOrder.filter(part => part !== undefined)
  if (first === undefined || others.length + 1 < count) return []
  return [{ ...checkpoint, parts: [first, ...others] }]
}

function namedAndNewestFirst(one: FoundCheckpoint, other: FoundCheckpoint): number {
  return (
    Number(other.isNamed) - Number(one.isNamed) ||
    other.generation - one.generation ||
    (other.sequence ?? 0) - (one.sequence ?? 0)
  )
}

/** An earlier pack that a believed pack names, in the chat to which that was sent first. */
export function placeOfNamed(
  { pack: packId, sequence, messageId, sha256, size }: NamedPack,
  of: { bucketId: string; reader: ChatReader },
): PackPlace {
  const file = { sha256, size, fileId: undefined, botId: undefined }
  return { packId, sequence, messageId, ...of, ...file, isVouchedFor: true, generation: 0 }
}
