import { type Insertable, sql, type Transaction } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkCount, checkTime, checkUuid, storableJson } from '#input-checks.ts'
import { inSlices, lockBucket } from '#objects/bucket-writes.ts'
import { addPackMessages, addPacks, checkImportedPack, type ImportedPack, raiseNewestOf } from '#objects/import-packs.ts'
import { checkPut, extentColumns, type IntendedObject } from '#objects/intended-objects.ts'

/** A version as a checkpoint has it. */
export interface ImportedObject extends IntendedObject {
  /** Where its record stands, and the number of that pack. */
  packId: string
  sequence: number
  /** Of one that can be brought back. */
  deletedAt?: Date | undefined
}

/**
 * Takes versions of objects from a checkpoint into the catalog, after their packs. Known ones become deleted if they
 * are so in the checkpoint, and else stay as they are. May be repeated. CatalogError INVALID for a bad value, and for
 * bytes in an unknown pack.
 */
export async function importObjects(
  database: Database,
  { bucketId, objects }: { bucketId: string; objects: readonly ImportedObject[] },
): Promise<void> {
  for (const object of objects) checkImportedObject(object)
  await inTransaction(database.kysely, async trx => {
    await lockBucket(trx, { bucketId, evenRemoved: true })
    await addErasedPacks(trx, bucketId, objects)
    await refuseUnknownPacks(trx, bucketId, objects)
    const added: string[] = []
    for (const slice of inSlices(objects)) {
      const rows = await trx
        .insertInto('objects')
        .values(slice.map(object => columnsOf(bucketId, object)))
        .onConflict(conflict => conflict.column('id').doNothing())
        .returning('id')
        .execute()
      added.push(...rows.map(({ id }) => id))
    }
    const isNew = new Set(added)
    const extents = objects.filter(({ id }) => isNew.has(id)).flatMap(extentColumns)
    for (const slice of inSlices(extents)) await trx.insertInto('extents').values(slice).execute()
    for (const slice of inSlices(added)) await settle(trx, bucketId, slice)
    await deleteKnown(trx, bucketId, objects.filter(({ id }) => !isNew.has(id)))
  })
}

/** Live ones are intended first: another version of the key may be live, and only one can be. */
function columnsOf(bucketId: string, object: ImportedObject): Insertable<CatalogSchema['objects']> {
  return {
    id: object.id,
    bucket_id: bucketId,
    key: object.key,
    state: object.deletedAt === undefined ? 'intended' : 'deleted',
    size: object.size,
    sha256: object.sha256,
    etag: object.etag ?? null,
    meta: object.meta === undefined ? null : storableJson(object.meta),
    pack_id: object.packId,
    sequence: object.sequence,
    stored_at: object.storedAt,
    deleted_at: object.deletedAt ?? null,
    moves: object.moves ?? null,
  }
}

/** Of two versions of a key, the one with the greater number is the later one. */
async function settle(trx: Transaction<CatalogSchema>, bucketId: string, ids: readonly string[]): Promise<void> {
  const imported = sql`any (${[...ids]}::uuid[])`
  await sql`
    update control_plane.objects object
       set state = 'deleted', deleted_at = later.stored_at, deleted_in = later.pack_id
      from control_plane.objects later
     where object.id = ${imported} and object.state = 'intended' and later.bucket_id = ${bucketId}
       and later.key = object.key and later.state = 'live' and later.in_chat and later.sequence > object.sequence
  `.execute(trx)
  await sql`
    update control_plane.objects old
       set state = 'deleted', deleted_at = object.stored_at, deleted_in = object.pack_id
      from control_plane.objects object
     where object.id = ${imported} and object.state = 'intended' and old.bucket_id = ${bucketId}
       and old.key = object.key and old.state = 'live' and old.in_chat
  `.execute(trx)
  await sql`
    delete from control_plane.objects old using control_plane.objects object
     where object.id = ${imported} and object.state = 'intended' and old.bucket_id = ${bucketId}
       and old.key = object.key and old.state = 'live' and not old.in_chat
  `.execute(trx)
  await sql`
    update control_plane.objects set state = 'live' where id = ${imported} and state = 'intended'
  `.execute(trx)
}

async function deleteKnown(
  trx: Transaction<CatalogSchema>,
  bucketId: string,
  known: readonly ImportedObject[],
): Promise<void> {
  const deleted = known.flatMap(({ id, deletedAt: at }) => (at === undefined ? [] : [{ id, at }]))
  for (const slice of inSlices(deleted)) {
    await sql`
      update control_plane.objects object set state = 'deleted', deleted_at = told.at
        from jsonb_to_recordset(${JSON.stringify(slice)}::jsonb) as told (id uuid, at timestamptz)
       where object.id = told.id and object.bucket_id = ${bucketId} and object.state = 'live'
    `.execute(trx)
  }
}

/** An object of no bytes needs no pack: the one with its record may be erased. */
async function addErasedPacks(
  trx: Transaction<CatalogSchema>,
  bucketId: string,
  objects: readonly ImportedObject[],
): Promise<void> {
  const rows = objects
    .filter(({ extents }) => extents.length === 0)
    .map(({ packId, sequence }) => ({
      ...{ id: packId, bucket_id: bucketId, sequence, state: 'erased' as const, writer: packId },
      ...{ file_name: 'erased', plain_size: 0, size: 1, sha256: '0'.repeat(64) },
      ...{ encrypted: true, has_records: true },
    }))
  for (const slice of inSlices(rows)) {
    await trx
      .insertInto('packs')
      .values(slice)
      .onConflict(conflict => conflict.doNothing())
      .execute()
  }
}

async function refuseUnknownPacks(
  trx: Transaction<CatalogSchema>,
  bucketId: string,
  objects: readonly ImportedObject[],
): Promise<void> {
  const wanted = new Set(objects.flatMap(({ packId, extents }) => [packId, ...extents.map(one => one.packId)]))
  for (const ids of inSlices([...wanted])) {
    const { rows } = await sql<{ id: string }>`
      select wanted.id from unnest(${ids}::uuid[]) as wanted (id)
       where not exists (select from control_plane.packs pack where pack.id = wanted.id and pack.bucket_id = ${bucketId})
       limit 1
    `.execute(trx)
    const [unknown] = rows
    if (unknown !== undefined)
      throw new CatalogError(`Bytes of an object are in the unknown pack ${unknown.id}`, { code: 'INVALID' })
  }
}

function checkImportedObject(object: ImportedObject): void {
  checkPut(object)
  checkUuid('pack id', object.packId)
  checkCount('sequence', object.sequence, 1)
  if (object.deletedAt !== undefined) checkTime('time', object.deletedAt)
}

/** A checkpoint that was found in a chat, with its parts in order. */
export interface ImportedCheckpoint {
  id: string
  bucketId: string
  upTo: number
  not: readonly number[]
  createdAt: Date
  parts: readonly ImportedPack[]
}

/**
 * Takes a checkpoint into the catalog, after its packs and objects: the catalog has the records of all packs that it
 * covers now. It replaces one that covers less. Deletions that no known pack tells are told by it. May be repeated.
 * CatalogError INVALID for a bad value, CONFLICT when another pack has the number of a part.
 */
export async function importCheckpoint(database: Database, checkpoint: ImportedCheckpoint): Promise<void> {
  const { id, bucketId, upTo, not, createdAt, parts } = checkpoint
  checkUuid('checkpoint id', id)
  checkCount('sequence', upTo)
  for (const sequence of not) checkCount('sequence', sequence, 1)
  checkTime('time', createdAt)
  for (const part of parts) checkImportedPack(part)
  await inTransaction(database.kysely, async trx => {
    await lockBucket(trx, { bucketId, evenRemoved: true })
    const held = await trx
      .selectFrom('object_checkpoints')
      .select(['id', 'covers_up_to', 'state'])
      .where('bucket_id', '=', bucketId)
      .where(({ or, eb }) => or([eb('state', '=', 'sent'), eb('id', '=', id)]))
      .execute()
    const isKnown = held.some(one => one.id === id)
    const isNewest = !held.some(one => one.id !== id && one.state === 'sent' && one.covers_up_to >= upTo)
    if (isNewest) {
      await trx
        .updateTable('object_checkpoints')
        .set({ state: 'replaced' })
        .where('bucket_id', '=', bucketId)
        .where('state', '=', 'sent')
        .where('id', '<>', id)
        .execute()
    }
    if (!isKnown) {
      await trx
        .insertInto('object_checkpoints')
        .values({
          id,
          bucket_id: bucketId,
          state: isNewest ? 'sent' : 'replaced',
          covers_up_to: upTo,
          covers_not: [...not],
          part_count: parts.length,
          created_at: createdAt,
          sent_at: createdAt,
        })
        .execute()
    }
    for (const [at, part] of parts.entries()) {
      const more = { checkpoint_id: id, part_no: at + 1 }
      await addPacks(trx, { bucketId, packs: [part], state: 'sent', hasRecords: false, more })
    }
    await addPackMessages(trx, parts)
    await raiseNewestOf(trx, parts)
    await trx
      .updateTable('object_buckets')
      .set({ next_sequence: sql<number>`greatest(next_sequence, ${upTo}::bigint + 1)` })
      .where('id', '=', bucketId)
      .execute()
    const [first] = parts
    if (first === undefined) return
    await trx
      .updateTable('objects')
      .set({ deleted_in: first.id })
      .where('bucket_id', '=', bucketId)
      .where('state', '=', 'deleted')
      .where('deleted_in', 'is', null)
      .where('sequence', '<=', upTo)
      .execute()
  })
}

/**
 * Forgets versions that a checkpoint covers and does not list: they are gone for good, since another machine removed
 * them. `listed`: ids of all its versions. For a bucket that the catalog knew before.
 */
export async function dropUnlisted(
  database: Database,
  of: { bucketId: string; upTo: number; not: readonly number[]; listed: ReadonlySet<string> },
): Promise<void> {
  const { bucketId, upTo, not, listed } = of
  await inTransaction(database.kysely, async trx => {
    await lockBucket(trx, { bucketId, evenRemoved: true })
    const covered = await trx
      .selectFrom('objects')
      .select('id')
      .where('bucket_id', '=', bucketId)
      .where('in_chat', '=', true)
      .where('state', '<>', 'intended')
      .where('sequence', '<=', upTo)
      .where(sql<boolean>`sequence <> all (${[...not]}::bigint[])`)
      .execute()
    const gone = covered.map(({ id }) => id).filter(id => !listed.has(id))
    for (const ids of inSlices(gone)) await trx.deleteFrom('objects').where('id', 'in', ids).execute()
  })
}
