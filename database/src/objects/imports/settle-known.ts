import { sql } from 'kysely'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkUuid } from '#input-checks.ts'
import { inSlices, lockBucket } from '#objects/buckets/bucket-writes.ts'
import { checkSequence } from '#objects/imports/imported-packs.ts'

/** What a checkpoint covers, and its versions by id: since when they are deleted, null for a live one. */
export interface CheckpointListing {
  bucketId: string
  upTo: number
  not: readonly number[]
  versions: ReadonlyMap<string, Date | null>
}

/**
 * Before the objects of a checkpoint are imported into a bucket that the catalog knew before: another machine
 * has gone on since. Versions that the checkpoint covers and does not list are gone for good; those that it
 * lists as deleted become deleted. Versions of later packs, and those in the catalog alone, stay as they are.
 * CatalogError NOT_FOUND.
 */
export async function settleKnownVersions(database: Database, listing: CheckpointListing): Promise<void> {
  const { bucketId, upTo, not, versions } = listing
  checkUuid('bucket id', bucketId)
  checkSequence(upTo, 0)
  await inTransaction(database.kysely, async trx => {
    await lockBucket(trx, { bucketId, evenRemoved: true })
    const covered = await trx
      .selectFrom('objects')
      .select(['id', 'state', 'moves'])
      .where('bucket_id', '=', bucketId)
      .where('in_chat', '=', true)
      .where('state', '<>', 'intended')
      .where('sequence', '<=', upTo)
      .where(sql<boolean>`sequence <> all (${[...not]}::bigint[])`)
      // A version that was moved keeps the number of the first one: the checkpoint may list that one only.
      .where(({ not: no, exists, selectFrom }) =>
        no(
          exists(
            selectFrom('packs')
              .select('packs.id')
              .whereRef('packs.id', '=', 'objects.pack_id')
              .where('objects.moves', 'is not', null)
              .where(
                sql<boolean>`(packs.sequence > ${upTo} or packs.sequence = any (${[...not]}::bigint[]))`,
              ),
          ),
        ),
      )
      .execute()
    const gone = covered.filter(({ id }) => !versions.has(id)).map(({ id }) => id)
    for (const ids of inSlices(gone)) await trx.deleteFrom('objects').where('id', 'in', ids).execute()
    const deleted = covered.flatMap(({ id, state }) => {
      const at = versions.get(id)
      return state === 'live' && at instanceof Date ? [{ id, at }] : []
    })
    for (const slice of inSlices(deleted)) {
      await sql`
        update control_plane.objects object set state = 'deleted', deleted_at = told.at
          from jsonb_to_recordset(${JSON.stringify(slice)}::jsonb) as told (id uuid, at timestamptz)
         where object.id = told.id
      `.execute(trx)
    }
  })
}
