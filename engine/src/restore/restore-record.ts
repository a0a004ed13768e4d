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
 * Writes a restore down before it begins, and how it ended, also when it was cancelled: a success is counted,
 * and damage that was found in the chat is noted. A restore that succeeded has succeeded, also when the
 * catalog cannot be told; `onUntold` hears of it.
 */
export async function recordRestore<Result extends { bytes: number }>(
  database: Database,
  restore: { backupId: string; target: string; onUntold: (error: unknown) => void },
  work: () => Promise<Result>,
): Promise<Result & { restoreId: string }> {
  const { backupId, target, onUntold } = restore
  const restoreId = randomUUID()
  // As long as it is held, nobody takes this for a restore whose process has died.
  const lease = await acquireLease(database, { subject: restoreId, purpose: 'restore' })
  try {
    await beginRestore(database, { id: restoreId, backupId, target })
    const result = await work().catch(async (error: unknown) => {
      await finishRestore(database, restoreId, { error: redactError(error).message })
        .then(() => noteDamage(database, backupId, error))
        .catch(onUntold)
      throw error
    })
    await finishRestore(database, restoreId, { bytes: result.bytes })
      .then(() => markSound(database, backupId, 'file ids'))
      .catch(onUntold)
    return { ...result, restoreId }
  } finally {
    await lease?.release()
  }
}

/** Notes damage in the chat; a wrong key, an outage or a cancel is none. */
export async function noteDamage(database: Database, backupId: string, error: unknown): Promise<void> {
  const { code, message } = describeError(error)
  if (code !== 'INTEGRITY') return
  await markDamaged(database, { backupId, error: message, partNumber: partNumberOf(error) })
}

function partNumberOf(error: unknown): number | undefined {
  const { partNumber } = error as { partNumber?: unknown }
  return typeof partNumber === 'number' ? partNumber : undefined
}
