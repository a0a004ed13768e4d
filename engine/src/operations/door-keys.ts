import {
  type Database,
  type DoorKey,
  type DoorScope,
  createDoorKey as recordKey,
} from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import type { Caller } from '#access/caller.ts'
import { bucketFor } from '#operations/buckets.ts'

export interface DoorKeyRequest {
  bucketId: string
  scope: DoorScope
  /** What it is for. Default: the name of the bucket. */
  name?: string | undefined
  expiresAt?: Date | undefined
}

/**
 * Makes a key for the door of one bucket; only this call returns its secret. Throws `NOT_FOUND`, also for a
 * bucket that the caller does not see, and `INVALID`.
 */
export async function createDoorKey(
  database: Database,
  { bucketId, scope, name, expiresAt }: DoorKeyRequest,
  by?: Caller,
): Promise<{ doorKey: DoorKey; key: string }> {
  const bucket = await bucketFor(database, bucketId, by)
  if (by?.expires_at != null && (expiresAt === undefined || expiresAt > by.expires_at)) {
    throw new BackupError('A key cannot make a key that outlives itself', {
      code: 'FORBIDDEN',
      hint: `Ask for one that expires on ${by.expires_at.toISOString()} at the latest.`,
    })
  }
  return await recordKey(database, {
    ...{ bucketId: bucket.id, scope, name: name ?? bucket.name, expiresAt },
  })
}
