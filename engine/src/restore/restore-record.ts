import { randomUUID } from 'node:crypto'
import {
  acquireLease,
  beginRestore,
  type Database,
  finishRestore,
  markDamaged,
  markSound,
} from '@telegram-backup/database'
import { describeError, redactError } from '@telegram-backup/errors'

/**
 * Records that a restore begins and how it ends, also when it is cancelled, and damage that it finds in the
 * chat. A restore succeeds even when its end cannot be recorded; `onUnrecorded` gets that error.
 */
export async function recordRestore<Result extends { bytes: number }>(
  database: Database,
  restore: {
    backupId: string
    target: string
    /** Every part is read: damage that an earlier reading found is gone. */
    isWhole: boolean
    onUnrecorded: (error: unknown) => void
  },
  work: () => Promise<Result>,
): Promise<Result & { restoreId: string }> {
  const { backupId, target, isWhole, onUnrecorded } = restore
  const restoreId = randomUUID()
  // While it is held, no other process fails this restore as abandoned.
  const lease = await acquireLease(database, { subject: restoreId, purpose: 'restore' })
  try {
    await beginRestore(database, { id: restoreId, backupId, target })
    const result = await work().catch(async (error: unknown) => {
      await finishRestore(database, restoreId, { error: redactError(error).message })
        .then(() => noteDamage(database, backupId, error))
        .catch(onUnrecorded)
      throw error
    })
    await finishRestore(database, restoreId, { bytes: result.bytes })
      .then(() => isWhole && markSound(database, backupId, 'file ids'))
      .catch(onUnrecorded)
    return { ...result, restoreId }
  } finally {
    await lease?.release()
  }
}

/** Records damage in the chat; a wrong key, an outage or a cancellation is not damage. */
export async function noteDamage(database: Database, backupId: string, error: unknown): Promise<void> {
  const { code, message } = describeError(error)
  if (code !== 'INTEGRITY') return
  const { partNumber } = error as { partNumber?: number | undefined }
  await markDamaged(database, { backupId, error: message, partNumber })
}
