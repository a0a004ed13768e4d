import { type Bucket, bucketByName, listBuckets } from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'
import { openSession } from '@telegram-backup/vault/session/open-session.ts'
import { endsEverything } from '@telegram-backup/vault/session/session.ts'
import type { BucketVerification, PackFinding } from '@telegram-backup/vault/verify/bucket-report.ts'
import { verifyBucket } from '@telegram-backup/vault/verify/verify-bucket.ts'
import type { Engine, Watching } from '#engine.ts'

export type { BucketVerification, PackFinding }

export type BucketOutcome = { bucket: Bucket } & ({ report: BucketVerification } | { error: unknown })

/** The bucket of that name, or all of them. Throws `NOT_FOUND`. */
export async function bucketsToVerify(
  { database }: Pick<Engine, 'database'>,
  of: { name?: string | undefined; project?: string | undefined },
): Promise<Bucket[]> {
  if (of.name === undefined) return await listBuckets(database, { projectId: of.project })
  const bucket = await bucketByName(database, of.name)
  if (bucket !== null) return [bucket]
  throw new BackupError(`There is no bucket ${of.name}`, {
    code: 'NOT_FOUND',
    hint: hint`${run('bucket list')} lists the buckets.`,
  })
}

/**
 * Verifies the packs of buckets, one bucket after the other: that every message exists, with `readData` that
 * every byte is what was sent, and that live objects have their SHA-256. It repairs what a second chat still
 * has. With `packs`, it verifies only so many of each bucket, those that were unread for the longest time. A
 * bucket that cannot be verified does not stop the others. Throws when the catalog fails or the signal fires.
 */
export async function verifyBuckets(
  engine: Engine,
  { buckets, readData, packs }: { buckets: readonly Bucket[]; readData: boolean; packs?: number },
  hooks: Watching & { onProgress?: (progress: { bucket: string; packs: number; bytes: number }) => void },
): Promise<BucketOutcome[]> {
  const session = await openSession({ ...engine, signal: hooks.signal, say: line => hooks.note(line) })
  const outcomes: BucketOutcome[] = []
  for (const bucket of buckets) {
    try {
      const onProgress = (progress: { packs: number; bytes: number }): void =>
        hooks.onProgress?.({ bucket: bucket.name, ...progress })
      outcomes.push({
        bucket,
        report: await verifyBucket(session, { bucketId: bucket.id, readData, packs, onProgress }),
      })
    } catch (error) {
      if (endsEverything(session, error)) throw error
      outcomes.push({ bucket, error })
    }
  }
  return outcomes
}
