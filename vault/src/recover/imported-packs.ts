import type { CheckpointedObject, IndexedBucket, PackedBucket } from '@telegram-backup/archive'
import type { ImportedBucket, ImportedObject, ImportedPack, Pack } from '@telegram-backup/database'
import type { PackPlace } from '#recover/pack-places.ts'

// What chats say of buckets, in the words of the catalog.

export function factsOf(pack: Pack): Omit<ImportedPack, 'messages'> {
  const { id, sequence, size, sha256, encrypted, file_name: fileName, plain_size: plainSize } = pack
  return { id, sequence, size, sha256, encrypted, fileName, plainSize }
}

export function importedBucket(bucket: PackedBucket | IndexedBucket): ImportedBucket {
  const { id, name, kind, project: projectId } = bucket
  return { id, name, kind, projectId, ...('createdAt' in bucket && settingsOf(bucket)) }
}

function settingsOf(bucket: IndexedBucket): Omit<ImportedBucket, 'id' | 'name' | 'kind' | 'projectId'> {
  const { createdAt, lastSnapshotAt, removedAt, undeleteMs, replica, maxBytes, snapshotLimitHours } = bucket
  const { undeletingTo } = bucket
  return {
    ...{ undeleteMs, replica, maxBytes, snapshotLimitHours },
    createdAt: new Date(createdAt),
    lastSnapshotAt: lastSnapshotAt === undefined ? undefined : new Date(lastSnapshotAt),
    removedAt: removedAt === undefined ? undefined : new Date(removedAt),
    undeletingTo: undeletingTo === undefined ? null : new Date(undeletingTo),
  }
}

export function listedObject({
  at,
  pack,
  extents,
  deletedAt,
  ...object
}: CheckpointedObject): ImportedObject {
  return {
    ...object,
    packId: pack,
    storedAt: new Date(at),
    extents: extents.map(extent => ({ packId: extent.pack, offset: extent.offset, length: extent.length })),
    deletedAt: deletedAt === undefined ? undefined : new Date(deletedAt),
  }
}

/** One message for each chat, the first one of it. Whether it is there is asked later. */
export function messagesAt(places: readonly PackPlace[]): ImportedPack['messages'] {
  const messages = new Map<string, ImportedPack['messages'][number]>()
  for (const { reader, messageId, fileId, botId, sentAt } of places) {
    const { chatId } = reader
    if (!messages.has(chatId)) messages.set(chatId, { chatId, messageId, fileId, botId, sentAt })
  }
  return [...messages.values()]
}

export function lossOf({ sequence, messageId, reader }: PackPlace): string {
  const where = `(message ${messageId} of chat ${reader.chatId}) is gone`
  return sequence === undefined
    ? `A part of its checkpoint ${where}, with what it says of objects.`
    : `Pack ${sequence} ${where}. What it says of objects is unknown: those that were stored before may have been overwritten or deleted.`
}
