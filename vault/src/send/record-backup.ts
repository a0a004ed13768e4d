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

/** A sent backup whose every message is known. */
type ProvenMetadata = BackupMetadata &
  Required<
    Pick<BackupMetadata, 'chatId' | 'archiveSize' | 'plainSha256' | 'archiveSha256' | 'parts' | 'manifest'>
  >

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Makes a sent backup a complete one in the catalog, in one transaction. Where the send wrote its messages
 * down, they are checked and the backup is marked; where only the answer names them, they are written first;
 * where the answer names no messages (a telegram service of another make), the first file id is all there is.
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
    ...(leaseToken === undefined ? {} : { leaseToken }),
    backupId: metadata.id,
    size: metadata.size,
    archiveSize: metadata.archiveSize,
    plainSha256: metadata.plainSha256,
    archiveSha256: metadata.archiveSha256,
    partCount: metadata.parts.length,
    // The last facts of the source are not known when the row is made.
    ...(metadata.source === undefined ? {} : { source: metadata.source }),
  })
}

/** Metadata may have been through JSON meanwhile, for example as the output of `send --json`. */
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
    // The catalog's ids are UUIDs; a service of another make may count in its own way.
    ...(UUID.test(metadata.id) ? { id: metadata.id } : { source: { service_id: String(metadata.id) } }),
    project_id: metadata.projectId,
    type: metadata.type,
    file_id: metadata.fileId,
    size: metadata.size,
    filename: metadata.filename,
    created_at: metadata.createdAt,
    ...(expiresAt ? { expires_at: expiresAt } : {}),
    ...(chatId === undefined ? {} : { chat_id: chatId }),
    ...(caption === undefined ? {} : { caption }),
    ...(encrypted === undefined ? {} : { encrypted }),
  })
}

/** In one transaction: half of it would be an abandoned send, whose messages the next reconcile erases. */
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

/**
 * Writes down the messages that the catalog does not know yet; a run of ours may have got some of them in
 * before the catalog failed.
 */
async function writeMessages(
  database: Database,
  metadata: ProvenMetadata,
  { details, leaseToken }: { details: BackupDetails; leaseToken: string | undefined },
): Promise<void> {
  const { id: backupId, chatId } = metadata
  const lease = leaseToken === undefined ? {} : { leaseToken }
  const inChat = details.parts.filter(part => part.chat_id === chatId && part.state === 'sent')
  const proven = new Set(inChat.map(part => part.part_no))
  const write = async (message: SentMessage, kind: 'part' | 'manifest', part?: SentPart): Promise<void> => {
    const key = { backupId, chatId, kind, partNumber: part?.number ?? 0 }
    const plain = part ? { plainOffset: part.plainOffset, plainSize: part.plainSize } : {}
    const bot = metadata.botId === undefined ? {} : { botId: metadata.botId }
    const { fileName, size: sizeBytes, sha256, messageId, fileId, fileUniqueId, sentAt } = message
    const file = { fileName, sizeBytes, sha256 }
    const { sendId } = await intendPart(database, { ...key, ...bot, ...plain, ...lease, ...file })
    const proof = { sendId, messageId, fileId, fileUniqueId, sentAt }
    await confirmPart(database, { ...key, ...bot, ...lease, ...proof })
  }
  for (const part of metadata.parts) if (!proven.has(part.number)) await write(part, 'part', part)
  if (details.manifest?.state !== 'sent') await write(metadata.manifest, 'manifest')
}
