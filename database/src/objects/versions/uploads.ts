import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkUuid } from '#input-checks.ts'
import { guardWrite, isAbandoned } from '#leases/lease-rows.ts'
import { inBucket, type ObjectLease } from '#objects/buckets/bucket-writes.ts'
import { checkKey } from '#objects/versions/object-keys.ts'

/** An object that needs several packs, while it is stored. */
export interface Upload {
  /** UUID of the version to come. */
  id: string
  bucket_id: string
  key: string
  writer: string
  created_at: Date
}

/**
 * To be called before the first fragment of an object is sent: until its `put` record is proven, which ends
 * the upload, or `abandonUpload`, its fragments are no garbage. CatalogError INVALID, NOT_FOUND without the
 * bucket, BUSY during a recovery, LEASE_LOST.
 */
export async function beginUpload(
  database: Database,
  of: { uploadId: string; bucketId: string; key: string; lease: ObjectLease },
): Promise<void> {
  checkUuid('version id', of.uploadId)
  checkKey(of.key)
  await inBucket(database, of, async trx => {
    await trx
      .insertInto('object_uploads')
      .values({ id: of.uploadId, bucket_id: of.bucketId, key: of.key, writer: of.lease.subject })
      .execute()
  })
}

/**
 * The packs of the upload are garbage from here on. Nothing for an unknown one. Without a lease, its writer
 * has to be gone: else CatalogError CONFLICT; LEASE_LOST.
 */
export async function abandonUpload(
  database: Database,
  { uploadId, lease }: { uploadId: string; lease?: ObjectLease | undefined },
): Promise<void> {
  checkUuid('version id', uploadId)
  await inTransaction(database.kysely, async trx => {
    const upload = await trx
      .selectFrom('object_uploads')
      .select('writer')
      .where('id', '=', uploadId)
      .executeTakeFirst()
    if (upload === undefined) return
    await guardWrite(trx, upload.writer, lease?.token, { words: 'bucket' })
    await trx.deleteFrom('object_uploads').where('id', '=', uploadId).execute()
  })
}

/** The uploads whose writer is gone, oldest first. */
export async function unfinishedUploads({ kysely }: Database): Promise<Upload[]> {
  const uploads = await kysely.selectFrom('object_uploads').selectAll().orderBy('created_at').execute()
  const living = await livingWriters({ kysely })
  return uploads.filter(({ writer }) => !living.has(writer))
}

/** Subjects of the leases under which a process may be at work. */
export async function livingWriters({ kysely }: Pick<Database, 'kysely'>): Promise<Set<string>> {
  const leases = await kysely
    .selectFrom('leases')
    .selectAll()
    .where('purpose', '=', 'objects')
    .where(({ eb, fn }) => eb('expires_at', '>', fn<Date>('clock_timestamp')))
    .execute()
  return new Set(leases.filter(lease => !isAbandoned(lease)).map(({ subject }) => subject))
}
