import type { Transaction } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { BucketRow } from '#objects/buckets/bucket-writes.ts'
import type { IntendedObject } from '#objects/packs/intended-objects.ts'
import { usedBytes } from '#objects/versions/objects.ts'

/**
 * Live objects of one bucket: 30 TiB of restic's files of 16 MiB. The catalog and its indexes need about 1 KB
 * for each: a client that may only add would otherwise fill the disk of all buckets.
 */
const MOST_OBJECTS = 2_000_000

/**
 * Refuses a pack whose objects the bucket has no room for. To be called with the bucket locked, before they
 * are added: writers ask beforehand, but several may ask at once. CatalogError FULL.
 */
export async function refuseFull(
  trx: Transaction<CatalogSchema>,
  bucket: BucketRow,
  { packId, puts }: { packId: string; puts: readonly IntendedObject[] },
): Promise<void> {
  const added = puts.filter(put => bringsBytes(put, packId))
  if (added.length === 0) return
  const hint = 'Delete what is not needed any more, or use another bucket.'
  if (bucket.live_objects + added.length > MOST_OBJECTS) {
    throw new CatalogError(`The bucket ${bucket.name} is full: it may hold ${MOST_OBJECTS} objects`, {
      ...{ code: 'FULL', hint },
    })
  }
  if (bucket.max_bytes === null) return
  const used = await usedBytes({ kysely: trx }, bucket.id)
  const bytes = added.reduce((sum, { size }) => sum + size, 0)
  if (used.usedBytes + bytes <= bucket.max_bytes) return
  throw new CatalogError(`The bucket ${bucket.name} is full: it may hold ${bucket.max_bytes} bytes`, {
    ...{ code: 'FULL', hint },
  })
}

/** Compaction moves bytes, and an undelete brings back what is in older packs: both have to go on. */
function bringsBytes({ moves, extents }: IntendedObject, packId: string): boolean {
  return moves === undefined && (extents.length === 0 || extents.some(extent => extent.packId === packId))
}
