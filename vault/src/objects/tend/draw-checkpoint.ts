import { randomUUID } from 'node:crypto'
import { type CheckpointLine, type UnsealedPart, writeCheckpoint } from '@telegram-backup/archive'
import {
  type Bucket,
  type BucketWork,
  beginCheckpoint,
  type CheckpointSnapshot,
  confirmCheckpoint,
  type Lease,
  reservePack,
  type SnapshotObject,
  type SnapshotPack,
  withCheckpointSnapshot,
} from '@telegram-backup/database'
import type { UpkeepTools } from '#objects/tend/upkeep.ts'

/** Whether the bucket has changed enough, or is quiet after a change. */
export function isCheckpointDue(work: BucketWork, times: UpkeepTools['times']): boolean {
  const { packsSinceCheckpoint, changedAt, bucket } = work
  if (packsSinceCheckpoint === 0 || changedAt === null || bucket.removed_at !== null) return false
  return (
    packsSinceCheckpoint >= times.checkpointAfterPacks ||
    Date.now() - changedAt.getTime() >= times.checkpointAfterMs
  )
}

/**
 * C1 to C4: sends the table of the bucket's objects, as it is at one moment, in packs of its own. It counts
 * when all of them are proven; one that was begun before is given up. The lines come from the catalog page by
 * page, and one part is in memory. Throws `CONFIGURATION`, `LEASE_LOST`, `CATALOG`, `CANCELLED`, and the
 * client's errors.
 */
export async function drawCheckpoint(
  tools: UpkeepTools,
  { bucket, lease }: { bucket: Bucket; lease: Lease },
): Promise<void> {
  const { database, packs, seal, signal } = tools
  const memory = await packs.reserveMemory(signal)
  try {
    await withCheckpointSnapshot(database, bucket.id, async snapshot => {
      const checkpointId = randomUUID()
      const { id: bucketId } = bucket
      await beginCheckpoint(database, { checkpointId, bucketId, snapshot, lease })
      const checkpoint = { id: checkpointId, upTo: snapshot.coversUpTo, not: snapshot.coversNot }
      const { id, name, kind, project_id: project } = bucket
      const options = { ...seal, bucket: { id, name, kind, project }, checkpoint }
      let partCount = 0
      for await (const part of writeCheckpoint(linesOf(snapshot), options)) {
        await sendPart(tools, { bucket, checkpointId, part })
        partCount = part.part
      }
      await confirmCheckpoint(database, { checkpointId, bucketId, partCount, lease })
    })
  } finally {
    memory.release()
  }
}

async function sendPart(
  { database, sender, signal }: UpkeepTools,
  { bucket, checkpointId, part }: { bucket: Bucket; checkpointId: string; part: UnsealedPart },
): Promise<void> {
  const turn = await sender.takeTurn({ signal })
  try {
    const reserved = await reservePack(database, { ...turn, bucketId: bucket.id })
    const { packId, sequence, catalogId, at: createdAt } = reserved
    const { bytes, sha256, plainSize, encrypted, header } = await part.seal({
      ...{ pack: packId, catalogId, sequence, createdAt: createdAt.toISOString() },
      names: reserved.names.map(({ packId: pack, ...name }) => ({ pack, ...name })),
    })
    await sender.send(
      {
        ...{ bucket, packId, sequence, bytes, sha256, plainSize, encrypted, createdAt },
        names: header.names.map(({ pack }) => pack),
        ...{ puts: [], deletes: [], uploadId: undefined },
        checkpoint: { id: checkpointId, part: part.part, last: part.last },
      },
      turn,
      { signal },
    )
  } finally {
    turn.release()
  }
}

async function* linesOf(snapshot: CheckpointSnapshot): AsyncGenerator<CheckpointLine> {
  for await (const page of snapshot.packs()) for (const pack of page) yield { pack: packLine(pack) }
  for await (const page of snapshot.objects()) for (const object of page) yield { object: objectLine(object) }
}

function packLine({ id, sequence, size, sha256, plain_size, encrypted, messages }: SnapshotPack) {
  return {
    ...{ id, sequence, size, sha256, plainSize: plain_size, encrypted },
    messages: messages.map(({ chat_id: chat, message_id: message, file_id, bot_id }) => ({
      ...{ chat, message },
      ...(file_id !== null && { file: file_id }),
      ...(bot_id !== null && { bot: bot_id }),
    })),
  }
}

function objectLine(object: SnapshotObject) {
  const { key, id, size, sha256, etag, meta, stored_at, deleted_at, moves } = object
  return {
    ...{
      key,
      id,
      size,
      sha256,
      at: stored_at.toISOString(),
      pack: object.pack_id,
      sequence: object.sequence,
    },
    ...(etag !== null && { etag }),
    ...(meta !== null && { meta }),
    ...(moves !== null && { moves }),
    extents: object.extents.map(({ packId: pack, offset, length }) => ({ pack, offset, length })),
    ...(deleted_at !== null && { deletedAt: deleted_at.toISOString() }),
  }
}
