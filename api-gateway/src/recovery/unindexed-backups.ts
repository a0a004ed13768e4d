import type { Manifest, ManifestPart } from '@telegram-backup/archive'
import type { ImportedMessage } from '@telegram-backup/database'
import { readCaptionWords } from '#recovery/caption-words.ts'
import type { ChatReader, OwnSighting, Sighting } from '#recovery/chat-reader.ts'
import { type FoundBackup, foundByManifest } from '#recovery/found-backup.ts'
import { type BackupReading, existing, messageSeen } from '#recovery/indexed-backups.ts'

/** Without a message of ours among so many ids, only those are read further back that this bot may edit. */
const MAX_GAP = 500

/** A manifest that was found and cannot be used. */
interface RefusedManifest {
  sighting: OwnSighting
  backupId: string
  reason: string
  isLocked: boolean
}

/** What a scan of the chat met besides backups with a manifest. */
export interface Leftovers {
  /** By backup, the parts of which no usable manifest was seen. */
  parts: Map<string, OwnSighting[]>
  refused: RefusedManifest[]
  /** Backups that an index or a manifest names: captions have nothing to tell of them. */
  named: Set<string>
  /** Messages far below all of ours that are there and were not read; most likely, people wrote them. */
  unread: number
}

/** Which messages to look at. */
export interface ScanRange {
  from: number
  /** The lowest id to look at, or `chain`: follow the manifests as far back as they lead. */
  to: number | 'chain'
  /** Ids that need no looking at; grows. */
  known: Set<number>
  /** Reads every message, however far below all of ours. */
  isWhole?: boolean
}

/**
 * Backups that no index names, newest first: each manifest names its parts, and the manifest before it. Where that chain
 * breaks, since old backups are erased, the search goes on below, message by message.
 */
export async function* readUnindexed(
  range: ScanRange,
  of: BackupReading,
  left: Leftovers,
): AsyncGenerator<FoundBackup> {
  let from = range.from
  for (;;) {
    const sighting = await nextManifest({ ...range, from }, of.reader, left)
    if (sighting === undefined) return
    from = sighting.messageId - 1
    const read = await readManifest(sighting, of, left)
    if (read === undefined) continue
    for (const { messageId } of read.backup.messages) if (messageId) range.known.add(messageId)
    left.parts.delete(read.backup.id)
    yield read.backup
    const { previous } = read
    const leadsOn = range.to === 'chain' && previous !== undefined && previous < from
    if (leadsOn && (await isManifest(previous, of.reader))) from = previous
  }
}

/** The next manifest below; the parts above it are kept. */
async function nextManifest(
  { from, to, known, isWhole = false }: ScanRange,
  reader: ChatReader,
  left: Leftovers,
): Promise<OwnSighting | undefined> {
  const onUnread = (): void => {
    left.unread++
  }
  for (let below = from; ; ) {
    const lowest = to === 'chain' ? 1 : to
    const readAllTo = to === 'chain' && !isWhole ? below - MAX_GAP : 1
    const range = { from: below, to: lowest, known, readAllTo, onUnread }
    const { value: sighting } = await reader.down(range).next()
    if (sighting === undefined) return undefined
    known.add(sighting.messageId)
    if (sighting.facts.kind === 'manifest') return sighting
    keepPart(left, sighting)
    below = sighting.messageId - 1
  }
}

async function isManifest(messageId: number, reader: ChatReader): Promise<boolean> {
  return (await reader.look(messageId))?.facts?.kind === 'manifest'
}

function keepPart(left: Leftovers, sighting: OwnSighting): void {
  if (sighting.facts.kind !== 'part') return
  const { backupId } = sighting.facts
  left.parts.set(backupId, [...(left.parts.get(backupId) ?? []), sighting])
}

async function readManifest(
  sighting: OwnSighting,
  of: BackupReading,
  left: Leftovers,
): Promise<{ backup: FoundBackup; previous: number | undefined } | undefined> {
  const { client, documents, reader } = of
  const { messageId, facts, document } = sighting
  if (facts.kind !== 'manifest') return undefined
  const { backupId } = facts
  left.named.add(backupId)
  const refuse = (reason: string, isLocked: boolean = false): undefined => {
    left.refused.push({ sighting, backupId, reason, isLocked })
  }
  const file = await documents.download(document.fileId, { sha256: facts.sha256 })
  if (file === undefined) return refuse('cannot be had')
  if (file.sha256 !== facts.sha256) return refuse('is not what its caption says')
  const reading = await documents.readManifest(file, { isVouchedFor: false })
  if ('refusal' in reading) return refuse(reading.refusal.words, reading.refusal.isLocked)
  const { content: manifest, signer } = reading
  if (manifest.backup.id !== facts.backupId) return refuse('is that of another backup')
  const { partMessageIds, there } = await placesOfParts(manifest, messageId, of)
  const backup = foundByManifest({
    manifest,
    signer,
    document: { fileId: document.fileId, botId: client.botId, size: file.bytes.length, sha256: file.sha256 },
    placement: {
      chatId: reader.chatId,
      manifestMessageId: messageId,
      partMessageIds,
      isThere: id => id === messageId || there.has(id),
      botId: manifest.botId,
    },
  })
  return { backup, previous: manifest.previousManifestMessageId }
}

/**
 * The messages of the parts in this chat, and which of them are there. A manifest names those of the chat that the backup
 * was sent to; the copies in another chat lie before the manifest's copy there, and say so in their captions.
 */
async function placesOfParts(
  { backup, parts }: Pick<Manifest, 'backup' | 'parts'>,
  manifestMessageId: number,
  { reader, isCopy = false }: BackupReading,
): Promise<{ partMessageIds: (number | undefined)[]; there: ReadonlySet<number> }> {
  const byNumber = new Map(parts.map(part => [part.number, part]))
  const partOf = ({ facts, document }: Sighting): ManifestPart | undefined => {
    if (facts?.kind !== 'part' || facts.backupId !== backup.id) return undefined
    const part = byNumber.get(facts.partNumber)
    return part?.sha256 === facts.sha256 && part.size === document?.size ? part : undefined
  }
  // The numbers of two chats that began alike are alike: one other thing of ours in their places is enough to tell.
  const areTheirs = async (ids: readonly number[]): Promise<boolean> => {
    const sightings: (Sighting | undefined)[] = []
    for (const id of ids) if (id < manifestMessageId) sightings.push(await reader.look(id))
    const ours = sightings.filter(sighting => sighting?.facts !== undefined)
    return (
      ours.length > 0 &&
      ours.every(sighting => sighting && partOf(sighting)?.messageId === sighting.messageId)
    )
  }
  const named = parts.map(({ messageId }) => messageId)
  if (!isCopy && (await areTheirs(named.slice(0, 3)))) {
    return { partMessageIds: named, there: await existing(named, reader) }
  }
  const places = new Map<number, number>()
  const to = manifestMessageId - parts.length - MAX_GAP
  for await (const sighting of reader.down({ from: manifestMessageId - 1, to, known: new Set() })) {
    const part = partOf(sighting)
    if (part === undefined || places.has(part.number)) continue
    places.set(part.number, sighting.messageId)
    if (places.size === parts.length) break
  }
  const isOwn = parts.some(part => places.get(part.number) === part.messageId)
  const isItsOwnChat = !isCopy && (places.size === 0 || isOwn)
  return {
    partMessageIds: parts.map(part => places.get(part.number) ?? (isItsOwnChat ? part.messageId : undefined)),
    there: new Set(places.values()),
  }
}

/**
 * A backup as captions and names tell of it. Without a manifest its run died, and reconcile takes its messages out of the
 * chat, unless nothing tells that it was not whole; with one that there is no key for, it is complete, but sizes, hashes and
 * expiry stay unknown. Undefined when the
 * captions do not tell enough.
 */
export function foundByCaptions(
  sightings: { parts: readonly OwnSighting[]; manifest: OwnSighting | undefined },
  of: { chatId: string; botId: string; isIndexed: boolean },
): FoundBackup | undefined {
  const { parts, manifest } = sightings
  // Whoever copies a line of ours does so after us: the oldest message tells.
  const first = parts.at(-1) ?? manifest
  if (first === undefined || first.facts.kind === 'index') return undefined
  const { backupId } = first.facts
  const words = readCaptionWords({ caption: first.caption, fileName: first.document.fileName })
  if (words === undefined) return undefined
  const messages = new Map<number, ImportedMessage>()
  // Of two messages for one part the older one counts; the other is for reconcile to find.
  for (const sighting of parts.toSorted((a, b) => b.messageId - a.messageId)) {
    const message = messageSeen(sighting, of)
    if (message) messages.set(message.partNo, message)
  }
  const { project: projectId, ...told } = words
  const { chatId, botId } = of
  const backup = { id: backupId, projectId, ...told, chatId, botId }
  const last = parts.findLast(({ facts }) => facts.kind === 'part' && facts.last)
  const partCount = last?.facts.kind === 'part' ? last.facts.partNumber : undefined
  // Where no index tells otherwise, all parts with their last one may be a backup whose manifest is gone.
  const mayBeWhole = !of.isIndexed && messages.size === partCount
  if (manifest === undefined && !mayBeWhole) {
    return { ...backup, state: 'failed', error: DEAD_RUN, messages: [...messages.values()], findings: [] }
  }
  const own = manifest && messageSeen(manifest, of)
  return {
    ...backup,
    state: 'complete',
    ...(partCount === undefined ? {} : { partCount }),
    messages: [
      ...[...messages.values()].filter(({ partNo }) => partCount === undefined || partNo <= partCount),
      ...(own ? [own] : []),
    ],
    findings: [
      ...(manifest ? [] : ['its manifest is gone']),
      ...(partCount === undefined ? ['its last part is gone'] : []),
      ...gapsIn([...messages.keys()], partCount),
    ],
  }
}

/** `part 2 is gone`, `parts 4 to 900 are gone`: as many as there are gaps, whatever number a caption makes up. */
function gapsIn(partNumbers: readonly number[], partCount: number | undefined): string[] {
  if (partCount === undefined) return []
  const gaps: string[] = []
  let before = 0
  for (const partNo of [...partNumbers, partCount + 1].sort((a, b) => a - b)) {
    const [from, to] = [before + 1, Math.min(partNo, partCount + 1) - 1]
    if (from === to) gaps.push(`part ${from} is gone`)
    else if (from < to) gaps.push(`parts ${from} to ${to} are gone`)
    before = partNo
  }
  return gaps
}

const DEAD_RUN = 'Found in the chat without a manifest: its run died before the backup was whole.'
