import type { IndexEntry, Manifest, ManifestPart } from '@telegram-backup/archive'
import type { BackupType, ImportedBackup, ImportedMessage, JsonObject } from '@telegram-backup/database'
import { type BackupName, backupFileName, manifestFileName, partFileName } from 'telegram-deployment-bot'

/** A backup as one chat describes it. */
export interface FoundBackup extends Omit<ImportedBackup, 'trust'> {
  /** What is wrong with it, in words; a complete backup that has any is damaged. */
  findings: string[]
}

/** Where the messages of a manifest's backup lie in this chat, and which of them exist. */
export interface Placement {
  /** Numeric, as text. */
  chatId: string
  manifestMessageId: number
  /**
   * In order of part number; of a copy in another chat they are not those that the manifest names. Undefined
   * for one that was not found there.
   */
  partMessageIds: readonly (number | undefined)[]
  isThere: (messageId: number) => boolean
  /** The bot that the manifest's file ids belong to; undefined when unknown. */
  botId: string | undefined
}

/** What a believed manifest says, completed by the index where it names the backup. */
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
    isUnindexed: entry === undefined,
    messages,
    findings: messages
      .filter(message => message.state === 'missing')
      .map(
        message => `${nameOf(message)}${message.messageId ? ` (message ${message.messageId})` : ''} is gone`,
      ),
  }
}

function foundPart(
  part: ManifestPart,
  of: { name: BackupName; encrypted: boolean; manifest: Manifest; placement: Placement },
): ImportedMessage {
  const { name, encrypted, manifest, placement } = of
  const messageId = placement.partMessageIds[part.number - 1]
  return {
    chatId: placement.chatId,
    kind: 'part',
    partNumber: part.number,
    messageId,
    fileName: partFileName(name, {
      number: part.number,
      last: part.number === manifest.parts.length,
      encrypted,
    }),
    fileId: part.fileId,
    botId: placement.botId,
    size: part.size,
    sha256: part.sha256,
    plainOffset: part.plainOffset,
    plainSize: part.plainSize,
    state: messageId !== undefined && placement.isThere(messageId) ? 'sent' : 'missing',
  }
}

/**
 * What the index says about a backup without its manifest. `messages` are those found in the places of its
 * parts.
 */
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

function fromEntry(
  entry: IndexEntry | undefined,
): Pick<FoundBackup, 'restoreCount' | 'history' | 'damagedAt'> & FromSchedules {
  return {
    restoreCount: entry?.restoreCount ?? 0,
    history: entry?.history ?? [],
    sourceName: entry?.sourceName,
    scheduleId: entry?.scheduleId,
    scheduledFor: timeOf(entry?.scheduledFor),
    expiryGiven: entry?.expiryGiven,
    pinnedAt: timeOf(entry?.pinnedAt),
    verifiedAt: timeOf(entry?.verifiedAt),
    damagedAt: timeOf(entry?.damagedAt),
  }
}

type FromSchedules = Pick<
  FoundBackup,
  'sourceName' | 'scheduleId' | 'scheduledFor' | 'expiryGiven' | 'pinnedAt' | 'verifiedAt'
>

function timeOf(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text)
}

/** `part 3`, `its manifest`. */
function nameOf({ kind, partNumber }: Pick<ImportedMessage, 'kind' | 'partNumber'>): string {
  return kind === 'manifest' ? 'its manifest' : `part ${partNumber}`
}
