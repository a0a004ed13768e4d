import type { IndexEntry, Manifest, ManifestPart } from '@telegram-backup/archive'
import type { BackupType, ImportedBackup, ImportedMessage, JsonObject } from '@telegram-backup/database'
import { type BackupName, backupFileName, manifestFileName, partFileName } from 'telegram-deployment-bot'

/** A backup as one chat describes it. */
export interface FoundBackup extends Omit<ImportedBackup, 'trust'> {
  /** Problems, for people; a complete backup with any is damaged. */
  findings: string[]
}

/** The messages of a manifest's backup in this chat, and which of them exist. */
export interface Placement {
  /** Numeric, as text. */
  chatId: string
  manifestMessageId: number
  /**
   * In order of part number; not those of the manifest in a copy. Undefined for a message that was not found.
   */
  partMessageIds: readonly (number | undefined)[]
  isThere: (messageId: number) => boolean
  /** The bot that the manifest's file ids belong to; undefined when unknown. */
  botId: string | undefined
}

/** From a believed manifest, and from the entry of the index if there is one. */
export function foundByManifest(of: {
  manifest: Manifest
  signer: string
  /** The manifest's own document. */
  document: { fileId: string; size: number; sha256: string; botId: string | undefined }
  placement: Placement
  entry?: IndexEntry
}): FoundBackup {
  const { manifest, signer, document, placement, entry } = of
  const { id, project, type, filename } = manifest.backup
  const createdAt = new Date(manifest.createdAt)
  const name = { id, project, type, filename, createdAt }
  const { encrypted } = manifest
  const expiresAt = entry?.expiresAt ?? manifest.expiresAt
  const parts = manifest.parts.map(part => foundPart(part, { name, encrypted, manifest, placement }))
  const manifestMessage: ImportedMessage = {
    chatId: placement.chatId,
    kind: 'manifest',
    partNumber: 0,
    messageId: placement.manifestMessageId,
    fileName: manifestFileName(name, encrypted),
    ...document,
    state: placement.isThere(placement.manifestMessageId) ? 'sent' : 'missing',
  }
  const messages = [...parts, manifestMessage]
  return {
    id,
    projectId: project,
    type: type as BackupType,
    chatId: placement.chatId,
    botId: placement.botId,
    filename: backupFileName(name),
    state: entry?.state ?? 'complete',
    createdAt,
    completedAt: new Date(entry?.completedAt ?? manifest.completedAt),
    expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt),
    size: manifest.plainSize,
    archiveSize: manifest.archiveSize,
    plainSha256: manifest.plainSha256,
    archiveSha256: manifest.archiveSha256,
    partCount: manifest.parts.length,
    encrypted,
    source: { ...(manifest.source as JsonObject), filename },
    signer,
    ...fromEntry(entry),
    sourceName: entry === undefined ? manifest.sourceName : entry.sourceName,
    tags: entry?.tags ?? manifest.tags,
    isUnindexed: entry === undefined,
    messages,
    findings: messages.filter(({ state }) => state === 'missing').map(lossOf),
  }
}

function foundPart(
  part: ManifestPart,
  of: { name: BackupName; encrypted: boolean; manifest: Manifest; placement: Placement },
): ImportedMessage {
  const { name, encrypted, manifest, placement } = of
  const messageId = placement.partMessageIds[part.number - 1]
  const last = part.number === manifest.parts.length
  return {
    chatId: placement.chatId,
    kind: 'part',
    partNumber: part.number,
    messageId,
    fileName: partFileName(name, { number: part.number, last, encrypted }),
    fileId: part.fileId,
    botId: placement.botId,
    size: part.size,
    sha256: part.sha256,
    plainOffset: part.plainOffset,
    plainSize: part.plainSize,
    state: messageId !== undefined && placement.isThere(messageId) ? 'sent' : 'missing',
  }
}

/** From the entry of the index alone. `found.messages` are those in the places of its parts. */
export function foundByEntry(
  entry: IndexEntry,
  found: Pick<FoundBackup, 'chatId' | 'messages' | 'findings'>,
): FoundBackup {
  return {
    id: entry.id,
    projectId: entry.project,
    type: entry.type as BackupType,
    filename: entry.filename,
    state: entry.state,
    createdAt: new Date(entry.createdAt),
    completedAt: new Date(entry.completedAt),
    expiresAt: new Date(entry.expiresAt),
    size: entry.plainSize,
    archiveSize: entry.archiveSize,
    plainSha256: entry.plainSha256,
    partCount: entry.partCount,
    encrypted: entry.encrypted,
    signer: entry.signer,
    ...fromEntry(entry),
    ...found,
  }
}

function fromEntry(entry: IndexEntry | undefined) {
  return {
    restoreCount: entry?.restoreCount ?? 0,
    history: entry?.history ?? [],
    sourceName: entry?.sourceName,
    tags: entry?.tags,
    scheduleId: entry?.scheduleId,
    scheduledFor: timeOf(entry?.scheduledFor),
    expiryGiven: entry?.expiryGiven,
    pinnedAt: timeOf(entry?.pinnedAt),
    verifiedAt: timeOf(entry?.verifiedAt),
    damagedAt: timeOf(entry?.damagedAt),
  }
}

function timeOf(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text)
}

/** `part 3 (message 17) is gone`, `its manifest is gone`. */
function lossOf({ kind, partNumber, messageId }: ImportedMessage): string {
  const name = kind === 'manifest' ? 'its manifest' : `part ${partNumber}`
  return `${name}${messageId ? ` (message ${messageId})` : ''} is gone`
}
