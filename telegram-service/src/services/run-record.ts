import {
  type ArchiveSummary,
  type Manifest,
  type MemberIndex,
  signerFingerprint,
} from '@telegram-backup/archive'
import { type BackupName, backupFileName } from '#messages/file-names.ts'
import type {
  BackupLabels,
  BackupMetadata,
  SentMessage,
  SentPart,
  SourceFacts,
} from '#services/backup-metadata.ts'
import type { LedgerContext, SealedBackup } from '#services/part-ledger.ts'
import type { SendRunOptions } from '#services/send-run-options.ts'

export interface RunRecord {
  options: SendRunOptions
  name: BackupName
  chatId: string
  context: LedgerContext | undefined
  summary: ArchiveSummary
  /** In order. */
  parts: SentPart[]
  completedAt: Date
  facts: SourceFacts
  members: MemberIndex | undefined
}

/**
 * The manifest: all that the chat alone must tell about the backup. It links the newest manifest below all of
 * its parts, found now, since other runs have ended meanwhile: a walk along the chain looks at each message
 * above.
 */
export async function describeManifest(record: RunRecord): Promise<Manifest> {
  const { options, context, summary, name, chatId } = record
  const messageId = record.parts.reduce(
    (least, part) => Math.min(least, part.messageId),
    Number.MAX_SAFE_INTEGER,
  )
  const previous = await options.ledger?.manifestBelow({ chatId, messageId })
  return {
    format: 1,
    ...(previous === undefined ? {} : { previousManifestMessageId: previous }),
    ...(context ? { catalogId: context.catalogId, generation: context.generation } : {}),
    botId: options.client.botId,
    backup: { id: options.id, project: options.projectId, type: options.type, filename: name.filename },
    source: record.facts,
    ...labelsOf(options.labels),
    createdAt: name.createdAt.toISOString(),
    completedAt: record.completedAt.toISOString(),
    ...(options.expiresAt ? { expiresAt: options.expiresAt.toISOString() } : {}),
    plainSize: summary.plainSize,
    plainSha256: summary.plainSha256,
    archiveSize: summary.archiveSize,
    archiveSha256: summary.archiveSha256,
    encrypted: options.encryption !== 'off',
    // A resumed backup may have larger parts.
    partSizeBytes: record.parts.reduce((most, { size }) => Math.max(most, size), options.partSizeBytes),
    parts: record.parts.map(({ number, size, sha256, plainOffset, plainSize, messageId, fileId }) => ({
      number,
      size,
      sha256,
      plainOffset,
      plainSize,
      messageId,
      fileId,
    })),
    ...(record.members ? { members: record.members } : {}),
  }
}

/** No manifest can hold a longer name, and no configuration has one. */
function labelsOf({ sourceName, tags = [] }: BackupLabels): Pick<Manifest, 'sourceName' | 'tags'> {
  return {
    ...(sourceName !== undefined && sourceName !== '' && sourceName.length <= 256 && { sourceName }),
    ...(tags.length > 0 && { tags: [...tags] }),
  }
}

/** What the ledger needs to finish the backup without this run. */
export function describeSealed(record: RunRecord, manifest: Uint8Array): SealedBackup {
  const { options, summary, name, parts } = record
  return {
    backupId: options.id,
    size: summary.plainSize,
    archiveSize: summary.archiveSize,
    plainSha256: summary.plainSha256,
    archiveSha256: summary.archiveSha256,
    partCount: parts.length,
    source: { ...record.facts, filename: name.filename },
    signer: signerFingerprint(options.signingKey),
    manifest,
  }
}

/** The same for the caller. */
export function describeBackup(record: RunRecord, manifest: SentMessage): BackupMetadata {
  const { options, summary, name, parts } = record
  return {
    id: options.id,
    projectId: options.projectId,
    type: options.type,
    filename: backupFileName(name),
    // An archive has at least one part, even of an empty source.
    fileId: (parts[0] as SentPart).fileId,
    size: summary.plainSize,
    createdAt: name.createdAt,
    chatId: record.chatId,
    botId: options.client.botId,
    ...(options.caption === undefined ? {} : { caption: options.caption }),
    encrypted: options.encryption !== 'off',
    archiveSize: summary.archiveSize,
    plainSha256: summary.plainSha256,
    archiveSha256: summary.archiveSha256,
    completedAt: record.completedAt,
    ...(options.expiresAt ? { expiresAt: options.expiresAt } : {}),
    parts,
    manifest,
    signer: signerFingerprint(options.signingKey),
    source: { ...record.facts, filename: name.filename },
  }
}
