import { randomUUID } from 'node:crypto'
import { type Selectable, sql, type Transaction } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'
import { checkCount, checkUuid, storableJson } from '#input-checks.ts'
import { inBucket, inSlices, noBucket } from '#objects/buckets/bucket-writes.ts'
import type { ObjectExtent, ObjectVersion } from '#objects/types.object.ts'
import { refuseDuringUndelete } from '#objects/versions/closed-bucket.ts'
import { refuseTooMany, roomForContent } from '#objects/versions/kept-content.ts'
import { checkKey, endOfPrefix, isKey } from '#objects/versions/object-keys.ts'

export interface FoundObject {
  object: ObjectVersion
  /** In order; empty for an object of no bytes, and for one that is in the catalog alone. */
  extents: ObjectExtent[]
  /** All its bytes, if the catalog keeps them. */
  content: Buffer | null
}

/** The live version of a key; null for none. */
export async function findObject(
  { kysely }: Pick<Database, 'kysely'>,
  { bucketId, key }: { bucketId: string; key: string },
): Promise<FoundObject | null> {
  if (!isKey(key)) return null
  // In one statement: compaction may move the bytes at any moment.
  const row = await kysely
    .selectFrom('objects')
    .selectAll()
    .select(extentsOf.as('extents'))
    .where('bucket_id', '=', bucketId)
    .where('key', '=', key)
    .where('state', '=', 'live')
    .executeTakeFirst()
  return row === undefined ? null : foundOf(row)
}

/** Without the bytes that the catalog may keep. */
export type StoredObject = Omit<FoundObject, 'content'>

/** The live versions of several keys, by key; those that have none are left out. CatalogError INVALID. */
export async function findObjects(
  { kysely }: Pick<Database, 'kysely'>,
  { bucketId, keys }: { bucketId: string; keys: readonly string[] },
): Promise<Map<string, StoredObject>> {
  checkUuid('bucket id', bucketId)
  for (const key of keys) checkKey(key)
  // In one statement, as above. `limit` makes the planner look each key up, also without statistics.
  const { rows } = await sql<ObjectVersion & { extents: ObjectExtent[] }>`
    select found.*
      from jsonb_array_elements_text(${JSON.stringify(keys)}::jsonb) as wanted (key)
     cross join lateral (
       select id, bucket_id, key, state, size, sha256, etag, meta, in_chat, pack_id, sequence, stored_at, deleted_at,
              ${extentsOf} as extents
         from control_plane.objects
        where bucket_id = ${bucketId} and key = wanted.key collate "C" and state = 'live' limit 1) found
  `.execute(kysely)
  return new Map(rows.map(({ extents, ...object }) => [object.key, { object, extents }]))
}

/** Versions by id, in any state and order; unknown ones are left out. CatalogError INVALID. */
export async function versionsById(
  { kysely }: Pick<Database, 'kysely'>,
  ids: readonly string[],
): Promise<FoundObject[]> {
  for (const id of ids) checkUuid('version id', id)
  const found = []
  for (const slice of inSlices(ids)) {
    const rows = await kysely
      .selectFrom('objects')
      .selectAll()
      .select(extentsOf.as('extents'))
      .where('id', 'in', slice)
      .execute()
    found.push(...rows.map(foundOf))
  }
  return found
}

function foundOf({ extents, ...object }: ObjectRow & { extents: ObjectExtent[] }): FoundObject {
  return { object: versionOf(object), extents, content: object.content }
}

const extentsOf = sql<ObjectExtent[]>`(
  select coalesce(jsonb_agg(jsonb_build_object('packId', pack_id, 'offset', pack_offset, 'length', length) order by no), '[]')
    from control_plane.extents where object_id = objects.id)`

function versionOf(row: Selectable<CatalogSchema['objects']>): ObjectVersion {
  const { content, place, deleted_in, moves, ...version } = row
  return version
}

/** What a list says of a live object: an index has it, so a page reads no rows. `size` in bytes. */
export type ListedVersion = Pick<ObjectVersion, 'key' | 'size'>

/**
 * One page of the live objects whose keys begin with `prefix`, by the bytes of their keys; `after`: those
 * behind that key. The last page is shorter than `limit`.
 */
export async function listObjects(
  { kysely }: Pick<Database, 'kysely'>,
  of: { bucketId: string; prefix: string; after?: string | undefined; limit: number },
): Promise<ListedVersion[]> {
  checkCount('limit', of.limit, 1)
  if (of.prefix !== '' && !isKey(of.prefix)) return []
  let query = kysely
    .selectFrom('objects')
    .select(['key', 'size'])
    .where('bucket_id', '=', of.bucketId)
    .where('state', '=', 'live')
  const end = endOfPrefix(of.prefix)
  if (of.prefix !== '') query = query.where('key', '>=', of.prefix)
  if (end !== undefined) query = query.where('key', '<', end)
  if (of.after !== undefined && of.after !== '') {
    checkKey(of.after)
    query = query.where('key', '>', of.after)
  }
  return await query.orderBy('key').limit(of.limit).execute()
}

/** The most that the catalog keeps of an object. */
export const MAX_CONTENT_BYTES = 65_536

/**
 * Stores an object in the catalog alone; it does not survive the loss of the catalog. One of that key is
 * overwritten, or, with `ifAbsent`, refused unless it has the same bytes. CatalogError INVALID, NOT_FOUND
 * without the bucket, CONFLICT, also when the bucket has 1,000 such objects, BUSY during a recovery and an
 * undelete.
 */
export async function putInCatalog(
  database: Database,
  put: {
    bucketId: string
    key: string
    content: Buffer
    sha256: string
    etag?: string | undefined
    meta?: Record<string, string> | undefined
    ifAbsent?: boolean | undefined
  },
): Promise<ObjectVersion> {
  checkKey(put.key)
  checkContent(put.content)
  return await inBucket(database, put, async (trx, bucket) => {
    refuseDuringUndelete(bucket)
    const live = await liveOf(trx, put)
    if (live !== undefined) {
      const isSame = live.sha256 === put.sha256 && live.size === put.content.length
      if (put.ifAbsent && isSame) return versionOf(live)
      if (put.ifAbsent) throw new CatalogError(`There is an object ${put.key} already`, { code: 'CONFLICT' })
      await dropLive(trx, live)
    }
    await refuseTooMany(trx, put.bucketId)
    const row = await trx
      .insertInto('objects')
      .values({
        id: randomUUID(),
        bucket_id: put.bucketId,
        key: put.key,
        state: 'live',
        size: put.content.length,
        sha256: put.sha256,
        etag: put.etag ?? null,
        meta: put.meta === undefined ? null : storableJson(put.meta),
        in_chat: false,
        content: put.content,
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    return versionOf(row)
  })
}

function checkContent(content: Buffer): void {
  if (content.length <= MAX_CONTENT_BYTES) return
  throw new CatalogError(`The catalog keeps at most ${MAX_CONTENT_BYTES} bytes of an object`, {
    code: 'INVALID',
  })
}

type ObjectRow = Selectable<CatalogSchema['objects']>

async function liveOf(
  trx: Transaction<CatalogSchema>,
  { bucketId, key }: { bucketId: string; key: string },
): Promise<ObjectRow | undefined> {
  return await trx
    .selectFrom('objects')
    .selectAll()
    .where('bucket_id', '=', bucketId)
    .where('key', '=', key)
    .where('state', '=', 'live')
    .executeTakeFirst()
}

async function dropLive(trx: Transaction<CatalogSchema>, live: ObjectRow): Promise<void> {
  const gone = live.in_chat
    ? trx
        .updateTable('objects')
        .set({ state: 'deleted', deleted_at: sql<Date>`clock_timestamp()` })
        .where('id', '=', live.id)
    : trx.deleteFrom('objects').where('id', '=', live.id)
  await gone.execute()
}

/**
 * The live version of a key is deleted, and returned as it was; null when there was none. What is in a chat
 * can be brought back for the bucket's `undelete_ms`, and its deletion is to be told (`untoldDeletes`).
 * CatalogError INVALID, NOT_FOUND without the bucket, BUSY during a recovery and an undelete.
 */
export async function deleteObject(
  database: Database,
  of: { bucketId: string; key: string },
): Promise<ObjectVersion | null> {
  checkKey(of.key)
  return await inBucket(database, of, async (trx, bucket) => {
    refuseDuringUndelete(bucket)
    const live = await liveOf(trx, of)
    if (live === undefined) return null
    await dropLive(trx, live)
    return versionOf(live)
  })
}

/**
 * Keeps the bytes of a live object in the catalog too, unless it keeps many of the bucket already. They are
 * the caller's to check. CatalogError INVALID.
 */
export async function keepContent(
  { kysely }: Database,
  of: { bucketId: string; versionId: string; content: Buffer },
): Promise<void> {
  checkUuid('version id', of.versionId)
  checkContent(of.content)
  if ((await roomForContent(kysely, of.bucketId)) <= 0) return
  await kysely
    .updateTable('objects')
    .set({ content: of.content })
    .where('id', '=', of.versionId)
    .where('bucket_id', '=', of.bucketId)
    .where('size', '=', of.content.length)
    .execute()
}

/**
 * Bytes of live objects and of those that are being sent, and the bucket's limit. A writer asks before it
 * takes a body, and counts what it has not yet given to `intendPack` itself. CatalogError NOT_FOUND.
 */
export async function usedBytes(
  { kysely }: Pick<Database, 'kysely'>,
  bucketId: string,
): Promise<{ usedBytes: number; maxBytes: number | null }> {
  checkUuid('bucket id', bucketId)
  const { rows } = await sql<{ used: number; max_bytes: number | null }>`
    select live_bytes + (select coalesce(sum(size), 0) from control_plane.objects
                          where bucket_id = bucket.id and state = 'intended' and moves is null)::bigint as used, max_bytes
      from control_plane.object_buckets bucket where id = ${bucketId} and removed_at is null
  `.execute(kysely)
  const [row] = rows
  if (row === undefined) throw noBucket(bucketId)
  return { usedBytes: row.used, maxBytes: row.max_bytes }
}
