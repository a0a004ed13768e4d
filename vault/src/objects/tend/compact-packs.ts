import { randomUUID } from 'node:crypto'
import type { PutRecord } from '@telegram-backup/archive'
import { type Bucket, type FoundObject, type SparsePack, sparsePacks } from '@telegram-backup/database'
import type { PackedObject, StoredIn } from '#objects/fill/filling-pack.ts'
import { isIdle } from '#objects/tend/collect-garbage.ts'
import type { UpkeepTools } from '#objects/tend/upkeep.ts'
import type { TendedBucket } from '#objects/tended-bucket.ts'

/** Packs of one round. */
const COMPACTED_AT_ONCE = 8

/**
 * G5: what is live in packs that are more than half dead is written again into a new pack, by records that
 * move it; then they are dead. Needs the private key. Only while nobody waits for the pace of the chat.
 */
export async function compactPacks(tools: UpkeepTools, { work }: TendedBucket): Promise<void> {
  const { bucket } = work
  if (!tools.hasIdentity || bucket.removed_at !== null || bucket.undeleting_to !== null) return
  if (!(await isIdle(tools))) return
  const sparse = await sparsePacks(tools.database, { bucketId: bucket.id, limit: COMPACTED_AT_ONCE })
  // One alone would become another pack as sparse as it.
  if (sparse.length < 2 && !sparse.some(isWorthAPackOfItsOwn)) return
  const moved: Promise<StoredIn>[] = []
  // One by one, since each is in memory until it is in the pack.
  for (const found of sparse.flatMap(({ objects }) => objects)) {
    const { stored } = await moveObject(tools, { bucket, found })
    moved.push(stored)
  }
  await Promise.all(moved)
}

/** Most of the message would go. */
function isWorthAPackOfItsOwn({ pack, usedBytes }: SparsePack): boolean {
  return usedBytes * 4 < pack.plain_size
}

async function moveObject(
  { packs, reader, signal }: UpkeepTools,
  { bucket, found }: { bucket: Bucket; found: FoundObject },
): Promise<{ stored: Promise<StoredIn> }> {
  const { object, content } = found
  const plain = await reader.readWhole(found, signal)
  const record: PutRecord = {
    put: object.key,
    id: randomUUID(),
    size: object.size,
    sha256: object.sha256,
    ...(object.etag !== null && { etag: object.etag }),
    ...(object.meta !== null && { meta: object.meta as Record<string, string> }),
    at: object.stored_at.toISOString(),
    moves: object.id,
    extents: [],
  }
  const moved: PackedObject = {
    ...{ record, ifAbsent: false, signal, onIntended: () => {} },
    content: content ?? undefined,
  }
  return await packs.add(bucket, moved, plain)
}
