import {
  type IndexDrawing,
  type IndexEntry,
  type IndexedEvidence,
  MAX_INDEXED_EVIDENCE,
} from '@telegram-backup/archive'
import {
  catalogIdentity,
  type Database,
  evidenceOfChat,
  type IndexedEvidenceRow,
  type IndexRow,
  indexRows,
} from '@telegram-backup/database'
import { drawBuckets } from '#ledger/draw-buckets.ts'
import { drawPlans } from '#ledger/draw-plans.ts'

/** Turns the rows of the catalog into the index document of a chat, which the package `archive` defines. */
export async function drawIndex(database: Database, chatId: string): Promise<IndexDrawing> {
  const { catalogId, generation } = await catalogIdentity(database)
  const { movedFrom, signers, backups } = await indexRows(database, chatId)
  const evidence = await evidenceOfChat(database, chatId, MAX_INDEXED_EVIDENCE)
  const buckets = await drawBuckets(database, chatId)
  return {
    catalogId,
    generation,
    chatId,
    ...(movedFrom.length > 0 && { movedFrom }),
    signers,
    ...(await drawPlans(database)),
    ...(evidence.length > 0 && { evidence: evidence.map(evidenceEntry) }),
    ...(buckets.length > 0 && { buckets }),
    backups: backups.map(entryOf),
  }
}

function evidenceEntry(row: IndexedEvidenceRow): IndexedEvidence {
  const { id, number, message_id: messageId, file_id: fileId, bot_id: botId, size, sha256 } = row
  return { id, number, messageId, fileId, ...(botId !== null && { botId }), size, sha256 }
}

function entryOf(row: IndexRow): IndexEntry {
  return {
    id: row.id,
    project: row.project_id,
    type: row.type,
    filename: row.filename,
    state: row.state,
    createdAt: row.created_at.toISOString(),
    completedAt: row.completed_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    plainSize: row.size,
    plainSha256: row.plain_sha256,
    archiveSize: row.archive_size,
    partCount: row.part_count,
    encrypted: row.encrypted,
    restoreCount: row.restore_count,
    ...originOf(row),
    ...(row.expiry_given && { expiryGiven: true }),
    ...(row.pinned_at && { pinnedAt: row.pinned_at.toISOString() }),
    ...(row.verified_at && { verifiedAt: row.verified_at.toISOString() }),
    ...(row.damaged_at && { damagedAt: row.damaged_at.toISOString() }),
    ...(row.signer !== null && { signer: row.signer }),
    manifest: {
      messageId: row.manifest_message_id,
      fileId: row.manifest_file_id,
      ...(row.manifest_bot_id !== null && { botId: row.manifest_bot_id }),
      size: row.manifest_size,
      sha256: row.manifest_sha256,
    },
    partMessages: row.part_messages,
    history: row.history,
  }
}

function originOf(row: IndexRow): Pick<IndexEntry, 'sourceName' | 'tags' | 'scheduleId' | 'scheduledFor'> {
  const { source_name: sourceName, schedule_id: scheduleId, scheduled_for: scheduledFor, tags, history } = row
  return {
    // No configuration file allows a longer name, and no index takes it.
    ...(sourceName !== null && sourceName !== '' && sourceName.length <= 256 && { sourceName }),
    // Without this, a backup whose tags were taken away would come back with those of its manifest.
    ...((tags.length > 0 || history.some(({ event }) => event === 'tagged')) && { tags }),
    ...(scheduleId !== null && { scheduleId }),
    ...(scheduledFor && { scheduledFor: scheduledFor.toISOString() }),
  }
}
