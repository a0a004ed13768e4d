import type { Insertable, Transaction } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { checkCount, checkText, checkTime, checkUuid, storableJson } from '#input-checks.ts'
import { inSlices } from '#objects/bucket-writes.ts'
import { checkKey } from '#objects/object-keys.ts'
import { refuseTakenKeys } from '#objects/taken-keys.ts'
import type { ObjectExtent } from '#objects/types.object.ts'

/** A version that is in a chat once its pack is. Sizes and offsets in bytes, hashes hex. */
export interface IntendedObject {
  /** UUID of the version. */
  id: string
  key: string
  size: number
  sha256: string
  etag?: string | undefined
  meta?: Record<string, string> | undefined
  storedAt: Date
  /** In order; together as long as the object. Those of other packs are in proven ones of this bucket. */
  extents: readonly ObjectExtent[]
  /** All its bytes, to be kept in the catalog as well. */
  content?: Buffer | undefined
  /** The version whose bytes it moves here. */
  moves?: string | undefined
  /** Refused when the key has other bytes, or is about to. */
  ifAbsent?: boolean | undefined
}

interface PackedObjects {
  bucketId: string
  packId: string
  sequence: number
  /** In the order of the records. */
  puts: readonly IntendedObject[]
}

export async function addIntendedObjects(trx: Transaction<CatalogSchema>, of: PackedObjects): Promise<void> {
  await refuseTakenKeys(trx, { ...of, wanted: of.puts.filter(({ ifAbsent }) => ifAbsent) })
  const rows = of.puts.map((put, place) => objectColumns(of, put, place))
  for (const slice of inSlices(rows)) await trx.insertInto('objects').values(slice).execute()
  const extents = of.puts.flatMap(put => extentColumns(put))
  for (const slice of inSlices(extents)) await trx.insertInto('extents').values(slice).execute()
}

function objectColumns(
  { bucketId, packId, sequence }: PackedObjects,
  put: IntendedObject,
  place: number,
): Insertable<CatalogSchema['objects']> {
  return {
    id: put.id,
    bucket_id: bucketId,
    key: put.key,
    size: put.size,
    sha256: put.sha256,
    etag: put.etag ?? null,
    meta: put.meta === undefined ? null : storableJson(put.meta),
    content: put.content ?? null,
    pack_id: packId,
    sequence,
    place,
    stored_at: put.storedAt,
    moves: put.moves ?? null,
  }
}

export function extentColumns({
  id,
  extents,
}: Pick<IntendedObject, 'id' | 'extents'>): Insertable<CatalogSchema['extents']>[] {
  return extents.map(({ packId, offset, length }, index) => ({
    object_id: id,
    no: index + 1,
    pack_id: packId,
    pack_offset: offset,
    length,
  }))
}

export function checkPut(put: IntendedObject): void {
  checkUuid('version id', put.id)
  checkKey(put.key)
  checkCount('size', put.size)
  checkTime('time', put.storedAt)
  if (put.etag !== undefined) checkText('etag', put.etag)
  if (put.moves !== undefined) checkUuid('version id', put.moves)
  let length = 0
  for (const extent of put.extents) {
    checkUuid('pack id', extent.packId)
    checkCount('offset', extent.offset)
    checkCount('length', extent.length, 1)
    length += extent.length
  }
  const isWhole = length === put.size && (put.content === undefined || put.content.length === put.size)
  if (!isWhole) {
    throw new CatalogError('The pieces of an object do not make its size', { code: 'INVALID' })
  }
}
