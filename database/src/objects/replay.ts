import { sql, type Transaction } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkTime, checkUuid } from '#input-checks.ts'
import { inSlices, lockBucket } from '#objects/bucket-writes.ts'
import {
  addPackMessages,
  addPacks,
  checkImportedPack,
  type ImportedPack,
  raiseNewestOf,
} from '#objects/import-packs.ts'
import { addIntendedObjects, checkPut, type IntendedObject } from '#objects/intended-objects.ts'
import { applyPuts } from '#objects/records.ts'

/** A pack that was found in a chat, and what its records say, in their order. */
export interface ReplayedPack extends ImportedPack {
  bucketId: string
  puts: readonly IntendedObject[]
  /** Versions that it tells to be deleted, and when that was. */
  deletes: readonly { id: string; at: Date }[]
  /** Ids of packs that it names. */
  names: readonly string[]
  /** The version that it holds a fragment of. */
  uploadId?: string | undefined
}

/**
 * Does what the records of a pack say, as if it were proven now. To be called for packs with rising numbers. A known
 * pack only gets messages that it lacks. `lost`: keys of objects with bytes in a pack that no chat has shown; they
 * do not come back, and neither do the versions that they replaced. CatalogError INVALID for bad values, CONFLICT when
 * another pack has its number.
 */
export async function replayPack(
  database: Database,
  pack: ReplayedPack,
): Promise<{ outcome: 'added' | 'known'; lost: string[] }> {
  checkReplayed(pack)
  const { id: packId, bucketId } = pack
  return await inTransaction(database.kysely, async trx => {
    await lockBucket(trx, { bucketId, evenRemoved: true })
    const hasRecords = pack.puts.length + pack.deletes.length > 0
    const more = { upload_id: pack.uploadId ?? null }
    const added = await addPacks(trx, { bucketId, packs: [pack], state: 'intended', hasRecords, more })
    await addPackMessages(trx, [pack])
    await raiseNewestOf(trx, [pack])
    if (!added.has(packId)) return { outcome: 'known', lost: [] }
    const { whole, broken } = await wholePuts(trx, pack)
    // In their places among all records of the pack.
    await addIntendedObjects(trx, { ...pack, packId, puts: whole })
    await applyPuts(trx, { bucketId, packId })
    for (const put of broken) await dropReplaced(trx, pack, put)
    await applyDeletes(trx, pack)
    await nameEarlier(trx, pack)
    await trx
      .updateTable('packs')
      .set({ state: 'sent', sent_at: sql<Date>`clock_timestamp()` })
      .where('id', '=', packId)
      .execute()
    return { outcome: 'added', lost: broken.map(({ key }) => key) }
  })
}

/** Puts of which all bytes are in known packs, and the others; without versions that are known already. */
async function wholePuts(
  trx: Transaction<CatalogSchema>,
  { id, bucketId, puts }: ReplayedPack,
): Promise<{ whole: IntendedObject[]; broken: IntendedObject[] }> {
  const versions = await idsIn(trx, 'objects', puts.map(put => put.id), bucketId)
  const places = new Set(puts.flatMap(({ extents }) => extents.map(({ packId }) => packId)))
  const packs = await idsIn(trx, 'packs', [...places], bucketId)
  const unknown = puts.filter(put => !versions.has(put.id))
  const isWhole = ({ extents }: IntendedObject): boolean =>
    extents.every(({ packId }) => packId === id || packs.has(packId))
  return { whole: unknown.filter(isWhole), broken: unknown.filter(put => !isWhole(put)) }
}

/** CatalogError INVALID for one of another bucket. */
async function idsIn(
  trx: Transaction<CatalogSchema>,
  table: 'objects' | 'packs',
  ids: readonly string[],
  bucketId: string,
): Promise<Set<string>> {
  const known = new Set<string>()
  for (const slice of inSlices(ids)) {
    const rows = await trx.selectFrom(table).select(['id', 'bucket_id']).where('id', 'in', slice).execute()
    for (const row of rows) {
      if (row.bucket_id !== bucketId)
        throw new CatalogError(`${row.id} belongs to another bucket`, { code: 'INVALID' })
      known.add(row.id)
    }
  }
  return known
}

/** Without the new bytes of a key, the old ones would pass for what was stored last. */
async function dropReplaced(
  trx: Transaction<CatalogSchema>,
  { id, bucketId, sequence }: ReplayedPack,
  { key, storedAt }: IntendedObject,
): Promise<void> {
  await trx
    .updateTable('objects')
    .set({ state: 'deleted', deleted_at: storedAt, deleted_in: id })
    .where('bucket_id', '=', bucketId)
    .where('key', '=', key)
    .where('state', '=', 'live')
    .where('sequence', '<', sequence)
    .execute()
}

/** A version that was moved goes by the id of the one that it moves as well. */
async function applyDeletes(
  trx: Transaction<CatalogSchema>,
  { id: packId, bucketId, deletes }: ReplayedPack,
): Promise<void> {
  for (const slice of inSlices(deletes)) {
    await sql`
      update control_plane.objects object
         set state = 'deleted', deleted_at = coalesce(object.deleted_at, told.at),
             deleted_in = coalesce(object.deleted_in, ${packId}::uuid)
        from jsonb_to_recordset(${JSON.stringify(slice)}::jsonb) as told (id uuid, at timestamptz)
       where object.bucket_id = ${bucketId} and object.state in ('live', 'deleted')
         and (object.id = told.id or object.moves = told.id)
    `.execute(trx)
  }
}

async function nameEarlier(trx: Transaction<CatalogSchema>, { id, bucketId, names }: ReplayedPack): Promise<void> {
  for (const slice of inSlices(names)) {
    await trx
      .updateTable('packs')
      .set({ named_by: id })
      .where('id', 'in', slice)
      .where('bucket_id', '=', bucketId)
      .where('named_by', 'is', null)
      .execute()
  }
}

function checkReplayed(pack: ReplayedPack): void {
  checkUuid('bucket id', pack.bucketId)
  checkImportedPack(pack)
  for (const put of pack.puts) checkPut(put)
  for (const { id, at } of pack.deletes) {
    checkUuid('version id', id)
    checkTime('time', at)
  }
  for (const id of pack.names) checkUuid('pack id', id)
  if (pack.uploadId !== undefined) checkUuid('version id', pack.uploadId)
  const own = pack.puts.flatMap(({ extents }) => extents.filter(({ packId }) => packId === pack.id))
  if (own.some(({ offset, length }) => offset + length > pack.plainSize))
    throw new CatalogError('Bytes of an object are outside of its pack', { code: 'INVALID' })
}
