import { type Insertable, sql, type Transaction } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { checkCount, checkText, checkTime, checkUuid, storableJson } from '#input-checks.ts'
import { inSlices } from '#objects/buckets/bucket-writes.ts'
import type { ObjectExtent } from '#objects/types.object.ts'
import { roomForContent } from '#objects/versions/kept-content.ts'
import { checkKey } from '#objects/versions/object-keys.ts'
import { refuseTakenKeys } from '#objects/versions/taken-keys.ts'

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
  /** All its bytes, to be kept in the catalog as well, unless it keeps many of the bucket already. */
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
  const kept = await keptPuts(trx, of)
  const rows = of.puts.map((put, place) => objectColumns(of, { ...put, content: kept.get(put) }, place))
  for (const slice of inSlices(rows)) await trx.insertInto('objects').values(slice).execute()
  const extents = of.puts.flatMap(put => extentColumns(put))
  for (const slice of inSlices(extents)) await trx.insertInto('extents').values(slice).execute()
}

async function keptPuts(
  trx: Transaction<CatalogSchema>,
  { bucketId, puts }: PackedObjects,
): Promise<Map<IntendedObject, Buffer | undefined>> {
  const withContent = puts.filter(({ content }) => content !== undefined)
  const room = withContent.length === 0 ? 0 : await roomForContent(trx, bucketId)
  return new Map(withContent.slice(0, Math.max(0, room)).map(put => [put, put.content]))
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

/**
 * Whoever replays the records of a bucket in the order of the packs' numbers has to come to the same result,
 * so that a pack refers to packs with smaller numbers only: with its extents, and with the versions that it
 * moves or whose deletion it tells. Nor does it put a key of which a pack with a greater number moves a
 * version: who no longer finds that version would take the moved one for the later one. Bytes have to be in
 * this pack or in a proven one that is not being erased, and nothing else may be under way for the key of a
 * move. Throws CatalogError CONFLICT.
 */
export async function refuseUnreplayable(
  trx: Transaction<CatalogSchema>,
  of: Pick<PackedObjects, 'bucketId' | 'packId' | 'sequence'> & { deletes: readonly string[] },
): Promise<void> {
  const { bucketId, packId, sequence } = of
  const { rows } = await sql<{ what: string }>`
    select 'bytes' as what from control_plane.objects object
      join control_plane.extents extent on extent.object_id = object.id
      join control_plane.packs pack on pack.id = extent.pack_id
     where object.pack_id = ${packId} and object.state = 'intended'
       and (pack.bucket_id <> ${bucketId} or pack_offset + length > plain_size
            or (pack.id <> ${packId} and (pack.state <> 'sent' or pack.sequence >= ${sequence})))
     union all
    select 'a move' from control_plane.objects object
     where object.pack_id = ${packId} and object.state = 'intended' and object.moves is not null
       and (not exists (
              select from control_plane.objects source join control_plane.packs pack on pack.id = source.pack_id
               where source.id = object.moves and source.bucket_id = ${bucketId} and source.key = object.key
                 and source.sha256 = object.sha256 and source.state <> 'intended' and pack.sequence < ${sequence})
            or exists (
              select from control_plane.objects rival
               where rival.bucket_id = ${bucketId} and rival.key = object.key and rival.id <> object.id
                 and rival.state = 'intended'))
     union all
    select 'a moved object' from control_plane.objects object
      join control_plane.objects moved on moved.bucket_id = ${bucketId} and moved.key = object.key
       and moved.moves is not null and moved.id <> object.id
      join control_plane.packs pack on pack.id = moved.pack_id and pack.sequence > ${sequence}
     where object.pack_id = ${packId} and object.state = 'intended'
     union all
    select 'a deletion' from control_plane.objects object join control_plane.packs pack on pack.id = object.pack_id
     where object.id = any (${[...of.deletes]}::uuid[]) and object.bucket_id = ${bucketId} and pack.sequence >= ${sequence}
     limit 1
  `.execute(trx)
  const [refused] = rows
  if (refused === undefined) return
  throw new CatalogError(
    `The pack refers, for ${refused.what}, to what is not proven, is gone, or comes later`,
    {
      code: 'CONFLICT',
      hint: 'Look at the bucket again and reserve another pack.',
    },
  )
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
