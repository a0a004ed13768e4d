import {
  type Backup,
  type BackupDetails,
  completeBackup,
  confirmPart,
  createBackup,
  type Database,
  getBackupById,
  getBackupDetails,
  importBackup,
  intendPart,
} from '@telegram-backup/database'
import type { BackupMetadata, SentMessage, SentPart } from 'telegram-deployment-bot'

/** A sent backup with all its messages known. */
type ProvenMetadata = BackupMetadata &
  Required<
    Pick<BackupMetadata, 'chatId' | 'archiveSize' | 'plainSha256' | 'archiveSha256' | 'parts' | 'manifest'>
  >

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Makes a sent backup complete in the catalog, in one transaction. Messages that the send has recorded are
 * checked; messages that only the answer names are written first. An answer without messages, from a custom
 * telegram service, gives a record with the first file id alone.
 */
export async function recordSentBackup(
  database: Database,
  sent: {
    metadata: BackupMetadata
    ledgerBackupId: string | undefined
    /** Token of the lease of the run that sent it, while that run holds it. */
    leaseToken?: string | undefined
    expiresAt: Date | undefined
  },
): Promise<Backup> {
  const { ledgerBackupId } = sent
  const metadata = withDates(sent.metadata)
  const expiresAt = sent.expiresAt ?? metadata.expiresAt
  if (!isProven(metadata)) return recordByFileId(database, metadata, expiresAt)
  if (ledgerBackupId === metadata.id) return commit(database, metadata, sent.leaseToken)
  const details = await getBackupDetails(database, metadata.id)
  if (details?.state === 'complete') {
    const { parts, manifest, history, ...backup } = details
    return backup
  }
  if (details === null) return recordAtOnce(database, metadata, expiresAt)
  await writeMessages(database, metadata, { details, leaseToken: sent.leaseToken })
  return commit(database, metadata, sent.leaseToken)
}

function commit(
  database: Database,
  metadata: ProvenMetadata,
  leaseToken: string | undefined,
): Promise<Backup> {
  return completeBackup(database, {
    leaseToken,
    backupId: metadata.id,
    size: metadata.size,
    archiveSize: metadata.archiveSize,
    plainSha256: metadata.plainSha256,
    archiveSha256: metadata.archiveSha256,
    partCount: metadata.parts.length,
    // The last facts of the source are not known when the row is made.
    source: metadata.source,
  })
}

/** The metadata may come from JSON, which has dates as text. */
function withDates(metadata: BackupMetadata): BackupMetadata {
  const { expiresAt, completedAt, parts, manifest } = metadata
  const dated = <Message extends SentMessage>(message: Message): Message => ({
    ...message,
    sentAt: new Date(message.sentAt),
  })
  return {
    ...metadata,
    createdAt: new Date(metadata.createdAt),
    ...(expiresAt ? { expiresAt: new Date(expiresAt) } : {}),
    ...(completedAt ? { completedAt: new Date(completedAt) } : {}),
    ...(parts ? { parts: parts.map(dated) } : {}),
    ...(manifest ? { manifest: dated(manifest) } : {}),
  }
}

function isProven(metadata: BackupMetadata): metadata is ProvenMetadata {
  const { chatId, archiveSize, plainSha256, archiveSha256, parts, manifest } = metadata
  const facts = [chatId, archiveSize, plainSha256, archiveSha256, parts, manifest]
  return UUID.test(metadata.id) && facts.every(fact => fact !== undefined)
}

function recordByFileId(
  database: Database,
  metadata: BackupMetadata,
  expiresAt: Date | undefined,
): Promise<Backup> {
  const { chatId, caption, encrypted } = metadata
  return createBackup(database, {
    // The catalog's ids are UUIDs; a custom service may have other ids.
    ...(UUID.test(metadata.id) ? { id: metadata.id } : { source: { service_id: String(metadata.id) } }),
    project_id: metadata.projectId,
    type: metadata.type,
    file_id: metadata.fileId,
    size: metadata.size,
    filename: metadata.filename,
    created_at: metadata.createdAt,
    expires_at: expiresAt,
    chat_id: chatId,
    caption,
    encrypted,
  })
}

/** In one transaction: half a record would be an abandoned send, which the next reconcile erases. */
async function recordAtOnce(
  database: Database,
  metadata: ProvenMetadata,
  expiresAt: Date | undefined,
): Promise<Backup> {
  const { id, chatId, botId, parts, manifest } = metadata
  const inChat = ({ fileName, size, sha256, messageId, fileId, fileUniqueId, sentAt }: SentMessage) => ({
    chatId,
    botId,
    state: 'sent' as const,
    messageId,
    fileId,
    fileUniqueId,
    fileName,
    size,
    sha256,
    sentAt,
  })
  await importBackup(database, {
    id,
    projectId: metadata.projectId,
    type: metadata.type,
    state: 'complete',
    event: 'complete',
    filename: metadata.filename,
    caption: metadata.caption,
    chatId,
    botId,
    encrypted: metadata.encrypted ?? true,
    createdAt: metadata.createdAt,
    completedAt: metadata.completedAt ?? new Date(),
    expiresAt,
    expiryGiven: expiresAt !== undefined,
    size: metadata.size,
    archiveSize: metadata.archiveSize,
    plainSha256: metadata.plainSha256,
    archiveSha256: metadata.archiveSha256,
    partCount: parts.length,
    source: metadata.source,
    signer: metadata.signer,
    trust: null,
    messages: [
      ...parts.map(part => ({
        ...inChat(part),
        kind: 'part' as const,
        partNumber: part.number,
        plainOffset: part.plainOffset,
        plainSize: part.plainSize,
      })),
      { ...inChat(manifest), kind: 'manifest' as const, partNumber: 0 },
    ],
  })
  return (await getBackupById(database, id)) as Backup
}

/** Records the messages that the catalog lacks; the run may have recorded some before the catalog failed. */
async function writeMessages(
  database: Database,
  metadata: ProvenMetadata,
  { details, leaseToken }: { details: BackupDetails; leaseToken: string | undefined },
): Promise<void> {
  const { id: backupId, chatId, botId } = metadata
  const inChat = details.parts.filter(part => part.chat_id === chatId && part.state === 'sent')
  const proven = new Set(inChat.map(part => part.part_no))
  const write = async (message: SentMessage, kind: 'part' | 'manifest', part?: SentPart): Promise<void> => {
    const key = { backupId, chatId, botId, leaseToken, kind, partNumber: part?.number ?? 0 }
    const { fileName, size: sizeBytes, sha256, messageId, fileId, fileUniqueId, sentAt } = message
    const plain = { plainOffset: part?.plainOffset, plainSize: part?.plainSize }
    const { sendId } = await intendPart(database, { ...key, ...plain, fileName, sizeBytes, sha256 })
    await confirmPart(database, { ...key, sendId, messageId, fileId, fileUniqueId, sentAt })
  }
  for (const part of metadata.parts) if (!proven.has(part.number)) await write(part, 'part', part)
  if (details.manifest?.state !== 'sent') await write(metadata.manifest, 'manifest')
}
