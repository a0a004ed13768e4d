import type { ImportedMessage } from '@telegram-backup/database'
import { readCaptionWords } from '#recovery/caption-words.ts'
import type { ChatReader, OwnSighting } from '#recovery/chat-reader.ts'
import { type FoundBackup, foundByManifest } from '#recovery/found-backup.ts'
import { type BackupReading, messageSeen } from '#recovery/indexed-backups.ts'

/** Without a message of ours among so many ids, there are none further back. */
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
}

/** Which messages to look at. */
export interface ScanRange {
  from: number
  /** The lowest id to look at, or `chain`: follow the manifests as far back as they lead. */
  to: number | 'chain'
  /** Ids that need no looking at; grows. */
  known: Set<number>
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
  { from, to, known }: ScanRange,
  reader: ChatReader,
  left: Leftovers,
): Promise<OwnSighting | undefined> {
  for (let below = from; ; ) {
    const lowest = to === 'chain' ? below - MAX_GAP : to
    const { value: sighting } = await reader.down({ from: below, to: lowest, known }).next()
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
  const partMessageIds = await placesOfParts(manifest, messageId, of)
  const there = new Set<number>([messageId])
  for (const id of partMessageIds) if (await reader.exists(id)) there.add(id)
  const backup = foundByManifest({
    manifest,
    signer,
    document: { fileId: document.fileId, botId: client.botId, size: file.bytes.length, sha256: file.sha256 },
    placement: {
      chatId: reader.chatId,
      manifestMessageId: messageId,
      partMessageIds,
      isThere: id => there.has(id),
      botId: manifest.botId,
    },
  })
  return { backup, previous: manifest.previousManifestMessageId }
}

/**
 * The messages of the parts in this chat. A manifest names those of the chat that the backup was sent to; the copies in
 * another chat lie before the manifest's copy there, and say so in their captions.
 */
async function placesOfParts(
  manifest: { backup: { id: string }; parts: readonly { number: number; messageId: number }[] },
  manifestMessageId: number,
  { reader }: BackupReading,
): Promise<number[]> {
  const named = manifest.parts.map(({ messageId }) => messageId)
  const isPart = (sighting: { facts?: unknown } | undefined): boolean => {
    const facts = (sighting as OwnSighting | undefined)?.facts
    return facts?.kind === 'part' && facts.backupId === manifest.backup.id
  }
  for (const id of named.filter(id => id < manifestMessageId).slice(0, 3)) {
    if (isPart(await reader.look(id))) return named
  }
  const places = [...named]
  let wanted = named.length
  const to = manifestMessageId - named.length - MAX_GAP
  for await (const { messageId, facts } of reader.down({
    from: manifestMessageId - 1,
    to,
    known: new Set(),
  })) {
    if (facts.kind !== 'part' || facts.backupId !== manifest.backup.id) continue
    places[facts.partNumber - 1] = messageId
    if (--wanted === 0) break
  }
  return wanted === named.length ? named : places
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
  const [first = manifest] = parts
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
  const last = parts.find(({ facts }) => facts.kind === 'part' && facts.last)
  const partCount = last?.facts.kind === 'part' ? last.facts.partNumber : undefined
  // Where no index tells otherwise, all parts with their last one may be a backup whose manifest is gone.
  const mayBeWhole = !of.isIndexed && messages.size === partCount
  if (manifest === undefined && !mayBeWhole) {
    return { ...backup, state: 'failed', error: DEAD_RUN, messages: [...messages.values()], findings: [] }
  }
  const missing = Array.from({ length: partCount ?? 0 }, (_, index) => index + 1).filter(
    partNo => !messages.has(partNo),
  )
  const own = manifest && messageSeen(manifest, of)
  return {
    ...backup,
    state: 'complete',
    ...(partCount === undefined ? {} : { partCount }),
    messages: [...messages.values(), ...(own ? [own] : [])],
    findings: [
      ...(manifest ? [] : ['its manifest is gone']),
      ...(partCount === undefined ? ['its last part is gone'] : []),
      ...missing.map(partNo => `part ${partNo} is gone`),
    ],
  }
}

const DEAD_RUN = 'Found in the chat without a manifest: its run died before the backup was whole.'
