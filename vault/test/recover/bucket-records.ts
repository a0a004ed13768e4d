import { createHash, randomUUID } from 'node:crypto'
import type { CheckpointedObject, CheckpointedPack, PutRecord } from '@telegram-backup/archive'
import type { IntendedObject, SnapshotObject, SnapshotPack } from '@telegram-backup/database'

export function factsOf(bytes: Buffer): { id: string; size: number; sha256: string } {
  return { id: randomUUID(), size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}

export function intended(packId: string, { put: key, at, extents, ...record }: PutRecord): IntendedObject {
  return {
    ...record,
    key,
    storedAt: new Date(at),
    extents: extents.map(({ pack = packId, offset, length }) => ({ packId: pack, offset, length })),
  }
}

export function packLine({ plain_size: plainSize, messages, ...pack }: SnapshotPack): CheckpointedPack {
  return {
    ...pack,
    plainSize,
    messages: messages.map(({ chat_id: chat, message_id: message, file_id, bot_id }) => ({
      ...{ chat, message },
      ...(file_id !== null && { file: file_id }),
      ...(bot_id !== null && { bot: bot_id }),
    })),
  }
}

export function objectLine({
  id,
  key,
  size,
  sha256,
  sequence,
  extents,
  ...object
}: SnapshotObject): CheckpointedObject {
  const { etag, meta, stored_at, deleted_at, pack_id: pack, moves } = object
  return {
    ...{ id, key, size, sha256, sequence, pack, at: stored_at.toISOString() },
    ...(etag !== null && { etag }),
    ...(meta !== null && { meta }),
    ...(moves !== null && { moves }),
    ...(deleted_at && { deletedAt: deleted_at.toISOString() }),
    extents: extents.map(({ packId, offset, length }) => ({ pack: packId, offset, length })),
  }
}
