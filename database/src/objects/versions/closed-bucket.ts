import { CatalogError } from '#catalog-error.ts'
import type { BucketRow } from '#objects/buckets/bucket-writes.ts'

/**
 * For whoever changes the objects of a bucket: refused while it is taken back to a moment, and for a pack of
 * an undelete (`to`) that has ended or was given up. CatalogError BUSY.
 */
export function refuseDuringUndelete(bucket: BucketRow, to?: Date): void {
  if (to !== undefined && !isSame(bucket.undeleting_to, to)) throw otherUndelete('BUSY')
  if (to !== undefined || bucket.undeleting_to === null) return
  const moment = bucket.undeleting_to.toISOString()
  throw new CatalogError(
    `The bucket ${bucket.name} is being taken back to ${moment}: nothing is stored or deleted until that has ended`,
    { code: 'BUSY', hint: 'It goes on in serve, or with the command bucket undelete.' },
  )
}

export function otherUndelete(code: 'BUSY' | 'CONFLICT' = 'CONFLICT'): CatalogError {
  return new CatalogError('The undelete has ended, or another one to another moment has begun', {
    code,
    hint: 'Look at the bucket.',
  })
}

export function isSame(one: Date | null, other: Date): boolean {
  return one?.getTime() === other.getTime()
}
