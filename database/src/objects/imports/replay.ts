import { sql, type Transaction } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkTime, checkUuid, storableJson } from '#input-checks.ts'
import { inSlices, lockBucket } from '#objects/buckets/bucket-writes.ts'
import { addPacks, checkSequence, checkSha256, whyNot } from '#objects/imports/imported-packs.ts'
import type {
  ImportedObject,
  ImportedPack,
  RefusedImport,
  ReplayedRecord,
} from '#objects/imports/types.import.ts'
import {
  addIntendedObjects,
  checkPut,
  extentColumns,
  type IntendedObject,
} from '#objects/packs/intended-objects.ts'
import { applyPuts } from '#objects/packs/records.ts'

const UNKNOWN_BYTES = 'its bytes are in a pack that is not there'

/**
 * Takes versions that a checkpoint lists, after its packs; known ones, and keys of which another version is
 * live, stay as they are. May be repeated. `checkpointPack`: a part of the checkpoint, which tells of what it
 * lists when the packs before are gone. Returns the impossible ones, and the live ones whose bytes are in no
 * known pack. CatalogError NOT_FOUND.
 */
export async function importObjects(
  database: Database,
  of: { bucketId: string; checkpointPack: string; objects: readonly ImportedObject[] },
): Promise<RefusedImport[]> {
  checkUuid('bucket id', of.bucketId)
  checkUuid('pack id', of.checkpointPack)
  return await inTransaction(database.kysely, async trx => {
    await lockBucket(trx, { bucketId: of.bucketId, evenRemoved: true })
    const packs = await plainSizes(trx, of.bucketId, of.objects)
    const { good, lost, refused } = sortOut(
      of.objects,
      object => {
        checkSequence(object.sequence)
        checkUuid('pack id', object.packId)
        if (object.deletedAt !== undefined) checkTime('time', object.deletedAt)
        checkVersion(object)
      },
      packs,
    )
    for (const slice of inSlices(good)) {
      const added = await trx
        .insertInto('objects')
        .values(
          slice.map(object => ({
            id: object.id,
            bucket_id: of.bucketId,
            key: object.key,
            state: object.deletedAt === undefined ? ('live' as const) : ('deleted' as const),
            size: object.size,
            sha256: object.sha256,
            etag: object.etag ?? null,
            meta: object.meta === undefined ? null : storableJson(object.meta),
            pack_id: packs.has(object.packId) ? object.packId : of.checkpointPack,
            sequence: object.sequence,
            stored_at: object.storedAt,
            deleted_at: object.deletedAt ?? null,
            deleted_in: object.deletedAt === undefined ? null : of.checkpointPack,
            moves: object.moves ?? null,
          })),
        )
        .onConflict(conflict => conflict.doNothing())
        .returning('id')
        .execute()
      const ids = new Set(added.map(({ id }) => id))
      const extents = slice.filter(({ id }) => ids.has(id.toLowerCase())).flatMap(extentColumns)
      for (const rows of inSlices(extents)) await trx.insertInto('extents').values(rows).execute()
    }
    const live = lost.filter(({ deletedAt }) => deletedAt === undefined)
    return [...refused, ...(await withoutKnown(trx, live)).map(lossOf)]
  })
}

/**
 * Takes a pack with all that its records say, as if it were proven now; what is known of it stays as it is.
 * May be repeated. Packs have to come in the order of their numbers: when one is found late, all after it are
 * replayed again. A version whose bytes are in no known pack is not taken; it overwrites earlier versions all
 * the same. Returns those, and what is impossible. CatalogError NOT_FOUND.
 */
export async function replayPack(
  database: Database,
  of: { bucketId: string; pack: ImportedPack; records: readonly ReplayedRecord[] },
): Promise<RefusedImport[]> {
  const { bucketId, pack, records } = of
  checkUuid('bucket id', bucketId)
  return await inTransaction(database.kysely, async trx => {
    await lockBucket(trx, { bucketId, evenRemoved: true })
    const { taken, refused } = await addPacks(trx, bucketId, [pack])
    const [packId] = taken
    if (packId === undefined) return refused
    const puts = records.flatMap(record => ('put' in record ? [versionOf(record, packId)] : []))
    const packs = await plainSizes(trx, bucketId, puts)
    const sorted = sortOut(puts, checkVersion, packs)
    const unknown = await withoutKnown(trx, sorted.good)
    await addIntendedObjects(trx, { bucketId, packId, sequence: pack.sequence, puts: unknown })
    await applyPuts(trx, { bucketId, packId })
    const lost = await applyLostPuts(trx, { bucketId, packId, sequence: pack.sequence, lost: sorted.lost })
    const impossible = await replayDeletes(trx, { bucketId, packId, records })
    return [...refused, ...sorted.refused, ...lost, ...impossible]
  })
}

function versionOf(record: Extract<ReplayedRecord, { put: string }>, packId: string): IntendedObject {
  const { put: key, id, size, sha256, etag, meta, moves } = record
  const extents = record.extents.map(({ pack = packId, offset, length }) => ({
    packId: pack,
    offset,
    length,
  }))
  return { id, key, size, sha256, etag, meta, moves, storedAt: new Date(record.at), extents }
}

function checkVersion(version: IntendedObject): void {
  checkPut(version)
  checkSha256(version.sha256)
}

type Extents = Pick<IntendedObject, 'extents'>

/** Of the packs of the bucket that versions refer to: how many plain bytes they have. */
async function plainSizes(
  trx: Transaction<CatalogSchema>,
  bucketId: string,
  versions: readonly (Extents & { packId?: string })[],
): Promise<Map<string, number>> {
  const ids = new Set(
    versions.flatMap(({ packId, extents }) => [
      ...(packId === undefined ? [] : [packId]),
      ...extents.map(of => of.packId),
    ]),
  )
  const known = new Map<string, number>()
  for (const slice of inSlices([...ids].filter(id => whyNot(() => checkUuid('pack id', id)) === undefined))) {
    const rows = await trx
      .selectFrom('packs')
      .select(['id', 'plain_size'])
      .where('id', 'in', slice)
      .where('bucket_id', '=', bucketId)
      .where('state', 'in', ['sent', 'erasing'])
      .execute()
    for (const { id, plain_size } of rows) known.set(id, plain_size)
  }
  return known
}

function sortOut<Version extends IntendedObject>(
  versions: readonly Version[],
  check: (version: Version) => void,
  packs: Map<string, number>,
): { good: Version[]; lost: Version[]; refused: RefusedImport[] } {
  const good: Version[] = []
  const lost: Version[] = []
  const refused: RefusedImport[] = []
  for (const version of versions) {
    const { id, key, extents } = version
    const reason = whyNot(() => check(version))
    if (reason !== undefined) refused.push({ id: String(id), key: String(key), reason })
    else if (extents.some(({ packId, offset, length }) => offset + length > (packs.get(packId) ?? -1)))
      lost.push(version)
    else good.push(version)
  }
  return { good, lost, refused }
}

function lossOf({ id, key }: Pick<IntendedObject, 'id' | 'key'>): RefusedImport {
  return { id, key, reason: UNKNOWN_BYTES }
}

/**
 * Versions whose bytes are lost: the versions that they have overwritten do not come back. Returns those that
 * were not overwritten themselves.
 */
async function applyLostPuts(
  trx: Transaction<CatalogSchema>,
  of: { bucketId: string; packId: string; sequence: number; lost: readonly IntendedObject[] },
): Promise<RefusedImport[]> {
  const { bucketId, packId, sequence } = of
  const moved = new Set(
    await knownOf(
      trx,
      of.lost.flatMap(({ moves }) => moves ?? []),
    ),
  )
  // What a lost version was to move is where it was.
  const lost = (await withoutKnown(trx, of.lost)).filter(({ moves = '' }) => !moved.has(moves.toLowerCase()))
  const losses: RefusedImport[] = []
  for (const slice of inSlices(lost)) {
    const told = JSON.stringify(slice.map(({ id, key, storedAt: at }) => ({ id, key, at })))
    await sql`
      update control_plane.objects object
         set state = 'deleted', deleted_at = lost.at, deleted_in = ${packId}
        from jsonb_to_recordset(${told}::jsonb) as lost (key text, at timestamptz)
       where object.bucket_id = ${bucketId} and object.key = lost.key and object.state = 'live'
         and object.in_chat and object.sequence < ${sequence}
    `.execute(trx)
    const { rows } = await sql<{ id: string; key: string }>`
      select lost.id, lost.key from jsonb_to_recordset(${told}::jsonb) as lost (id uuid, key text)
       where not exists (select from control_plane.objects object
                          where object.bucket_id = ${bucketId} and object.key = lost.key and object.sequence >= ${sequence})
    `.execute(trx)
    losses.push(...rows.map(lossOf))
  }
  return losses
}

/** A version that was moved is known by the one that took its place. */
async function knownOf(trx: Transaction<CatalogSchema>, ids: readonly string[]): Promise<string[]> {
  const known: string[] = []
  for (const slice of inSlices(ids)) {
    const { rows } = await sql<{ id: string }>`
      select id from control_plane.objects where id = any (${slice}::uuid[])
       union
      select moves from control_plane.objects where moves = any (${slice}::uuid[])
    `.execute(trx)
    known.push(...rows.map(({ id }) => id))
  }
  return known
}

async function withoutKnown<Version extends IntendedObject>(
  trx: Transaction<CatalogSchema>,
  versions: readonly Version[],
): Promise<Version[]> {
  const known = new Set(
    await knownOf(
      trx,
      versions.map(({ id }) => id),
    ),
  )
  return versions.filter(({ id }) => {
    const isKnown = known.has(id.toLowerCase())
    // A pack that says the same twice.
    known.add(id.toLowerCase())
    return !isKnown
  })
}

async function replayDeletes(
  trx: Transaction<CatalogSchema>,
  { bucketId, packId, records }: { bucketId: string; packId: string; records: readonly ReplayedRecord[] },
): Promise<RefusedImport[]> {
  const refused: RefusedImport[] = []
  const deletes = records.flatMap(record => {
    if (!('delete' in record)) return []
    const { id, at, delete: key } = record
    const reason = whyNot(() => {
      checkUuid('version id', id)
      checkTime('time', new Date(at))
    })
    if (reason === undefined) return [{ id, at }]
    refused.push({ id: String(id), key: String(key), reason })
    return []
  })
  for (const slice of inSlices(deletes)) {
    await sql`
      update control_plane.objects object
         set state = 'deleted', deleted_at = gone.at, deleted_in = ${packId}
        from jsonb_to_recordset(${JSON.stringify(slice)}::jsonb) as gone (id uuid, at timestamptz)
       where object.bucket_id = ${bucketId} and object.state = 'live' and gone.id in (object.id, object.moves)
    `.execute(trx)
  }
  return refused
}
