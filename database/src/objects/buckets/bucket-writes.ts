import { type Selectable, sql, type Transaction } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkUuid } from '#input-checks.ts'
import { guardWrite } from '#leases/lease-rows.ts'

/** The lease of a writer, or of whoever tends a bucket; a `Lease` is one. */
export interface ObjectLease {
  /** UUID of the writer, or of the bucket. */
  subject: string
  token: string
}

export type BucketRow = Selectable<CatalogSchema['object_buckets']>

interface BucketWrite {
  bucketId: string
  lease?: ObjectLease | undefined
  /** Whose lease it has to be; without a lease, no living process may hold that one. */
  subject?: string | undefined
  /** Also in a bucket that was removed. */
  evenRemoved?: boolean
}

/**
 * A transaction that writes to a bucket. The locks come in this order, so that no two transactions wait for
 * each other: the lease, the catalog, the bucket, everything in the bucket, the chat. CatalogError NOT_FOUND
 * without such a bucket, BUSY during a recovery, LEASE_LOST, CONFLICT when another process has the lease.
 */
export async function inBucket<Result>(
  database: Database,
  write: BucketWrite,
  work: (trx: Transaction<CatalogSchema>, bucket: BucketRow) => Promise<Result>,
): Promise<Result> {
  checkUuid('bucket id', write.bucketId)
  return await inTransaction(database.kysely, async trx => {
    await guardLease(trx, write)
    await refuseRecovering(trx)
    return await work(trx, await lockBucket(trx, write))
  })
}

async function guardLease(trx: Transaction<CatalogSchema>, { lease, subject }: BucketWrite): Promise<void> {
  const guarded = subject ?? lease?.subject
  if (guarded === undefined) return
  checkUuid('subject of a lease', guarded)
  await guardWrite(trx, guarded, lease?.token, { words: 'bucket' })
}

/** A recovery that begins waits until the transaction has ended. */
async function refuseRecovering(trx: Transaction<CatalogSchema>): Promise<void> {
  const { recovering } = await trx
    .selectFrom('catalog')
    .select('recovering')
    .forShare()
    .executeTakeFirstOrThrow()
  if (!recovering) return
  throw new CatalogError('The catalog is being recovered: nothing is stored or deleted until it has ended', {
    code: 'BUSY',
    hint: 'Wait until it has ended; one that was interrupted has to be run again.',
  })
}

export async function lockBucket(
  trx: Transaction<CatalogSchema>,
  { bucketId, evenRemoved = false }: Pick<BucketWrite, 'bucketId' | 'evenRemoved'>,
): Promise<BucketRow> {
  const bucket = await trx
    .selectFrom('object_buckets')
    .selectAll()
    .where('id', '=', bucketId)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (bucket !== undefined && (evenRemoved || bucket.removed_at === null)) return bucket
  throw noBucket(bucketId)
}

export function noBucket(named: string): CatalogError {
  return new CatalogError(`There is no bucket ${named}`, { code: 'NOT_FOUND' })
}

/** PostgreSQL takes 65,535 parameters in one statement. */
const ROWS_AT_ONCE = 1_000

export function* inSlices<Item>(items: readonly Item[], size: number = ROWS_AT_ONCE): Generator<Item[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size)
}

/** The keys of a removed bucket open nothing any more. */
export async function revokeKeys(trx: Transaction<CatalogSchema>, bucketId: string): Promise<void> {
  await trx
    .updateTable('door_keys')
    .set({ revoked_at: sql<Date>`clock_timestamp()` })
    .where('bucket_id', '=', bucketId)
    .where('revoked_at', 'is', null)
    .execute()
}
