import { beginRestore, type Database, finishRestore, markDamaged, markSound } from '@telegram-backup/database'
import { describeError } from '#lib/backups/backup-error.ts'

/** Opens the catalog for one piece of work; it must work also after the restore itself was cancelled. */
export type UseCatalog = <Result>(work: (database: Database) => Promise<Result>) => Promise<Result>

/**
 * Writes a restore down before it begins, and how it ended: a success is counted, and damage that was found in the chat
 * is noted. The catalog is not kept open meanwhile. A restore that succeeded has succeeded, also when the catalog cannot
 * be told; `onUntold` hears of it.
 */
export async function recordRestore<Result extends { bytes: number }>(
  useCatalog: UseCatalog,
  restore: { backupId: string; target: string; onUntold: (error: unknown) => void },
  work: () => Promise<Result>,
): Promise<Result & { restoreId: string }> {
  const { backupId, target, onUntold } = restore
  const { id: restoreId } = await useCatalog(database => beginRestore(database, { backupId, target }))
  let result: Result
  try {
    result = await work()
  } catch (error) {
    await useCatalog(async database => {
      await finishRestore(database, restoreId, { error: describeError(error).message })
      await noteDamage(database, backupId, error)
    }).catch(onUntold)
    throw error
  }
  await useCatalog(async database => {
    await finishRestore(database, restoreId, { bytes: result.bytes })
    await markSound(database, backupId)
  }).catch(onUntold)
  return { ...result, restoreId }
}

/** Notes damage in the chat; a wrong key, an outage or a cancel is none. */
export async function noteDamage(database: Database, backupId: string, error: unknown): Promise<void> {
  const { code, message } = describeError(error)
  if (code !== 'INTEGRITY') return
  const partNo = partNumberOf(error)
  await markDamaged(database, { backupId, error: message, ...(partNo === undefined ? {} : { partNo }) })
}

function partNumberOf(error: unknown): number | undefined {
  const { partNumber } = error as { partNumber?: unknown }
  return typeof partNumber === 'number' ? partNumber : undefined
}
