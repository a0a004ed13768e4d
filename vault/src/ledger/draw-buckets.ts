import {
  type IndexedBucket,
  type IndexedManifest,
  MAX_INDEXED_BUCKETS,
  MAX_INDEXED_PACKS,
} from '@telegram-backup/archive'
import {
  bucketsOfChat,
  type Database,
  type IndexedBucketRow,
  type IndexedPackRow,
} from '@telegram-backup/database'

/**
 * The buckets with packs in a chat, by id: their settings, the newest checkpoint, and the packs after it. A
 * removed one is named as such until its messages are gone, so that a recovery erases them.
 */
export async function drawBuckets(database: Database, chatId: string): Promise<IndexedBucket[]> {
  const rows = await bucketsOfChat(database, chatId)
  return rows.slice(0, MAX_INDEXED_BUCKETS).map(entryOf)
}

function entryOf({ bucket, undeletingTo, checkpoint, packs }: IndexedBucketRow): IndexedBucket {
  const entry: IndexedBucket = {
    id: bucket.id,
    name: bucket.name,
    kind: bucket.kind,
    project: bucket.project_id,
    createdAt: bucket.created_at.toISOString(),
    undeleteMs: bucket.undelete_ms,
    replica: bucket.replica,
    ...(bucket.max_bytes !== null && { maxBytes: bucket.max_bytes }),
    ...(bucket.snapshot_limit_hours !== null && { snapshotLimitHours: bucket.snapshot_limit_hours }),
    ...(bucket.last_snapshot_at && { lastSnapshotAt: bucket.last_snapshot_at.toISOString() }),
    ...(bucket.removed_at && { removedAt: bucket.removed_at.toISOString() }),
  }
  const named = packs.flatMap(pack => withFile(pack, { pack: pack.pack_id, sequence: pack.sequence }))
  const parts = checkpoint?.parts.flatMap(part => withFile(part, { pack: part.pack_id })) ?? []
  return {
    ...entry,
    ...(undeletingTo !== null && { undeletingTo: undeletingTo.toISOString() }),
    ...(checkpoint !== null &&
      parts.length === checkpoint.parts.length && { checkpoint: { id: checkpoint.id, parts } }),
    ...(named.length > 0 && { packs: named.slice(-MAX_INDEXED_PACKS) }),
  }
}

/** Without a file id, which only a message from a table of objects may lack, the index has no form for it. */
function withFile<Facts>(row: IndexedPackRow, facts: Facts): (IndexedManifest & Facts)[] {
  const { message_id: messageId, file_id: fileId, bot_id: botId, size, sha256 } = row
  if (fileId === null) return []
  return [{ ...facts, messageId, fileId, ...(botId !== null && { botId }), size, sha256 }]
}
