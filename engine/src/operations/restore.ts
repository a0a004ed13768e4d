import type { BackupDetails } from '@telegram-backup/database'
import type { Engine, Watching } from '#engine.ts'
import { BackupContents, type ReadHooks } from '#restore/contents.ts'
import { type PreparedRestore, prepareRestore, type RestoreWishes } from '#restore/prepare-restore.ts'
import { recordRestore } from '#restore/restore-record.ts'
import type { RestoreTarget } from '#restore/restore-target.ts'

/** What is to be restored, and where to. */
export interface RestoreRequest {
  backup: BackupDetails
  target: RestoreTarget
  wishes: RestoreWishes
}

/** Callbacks of a restore. */
export interface RestoreHooks extends Watching, ReadHooks {
  /**
   * Called with the plan before anything is done. The restore waits for it; what it throws ends the restore.
   */
  onPlan?: (prepared: PreparedRestore) => Promise<void>
  /** The catalog could not be told how the restore ended. */
  onUntold: (error: unknown) => void
}

/** What a restore has done. */
export interface Restored {
  restoreId: string
  prepared: PreparedRestore
  /** Plain bytes. */
  bytes: number
  partCount: number
  /** What the target tells of itself, for programs. */
  facts: Record<string, unknown>
}

/**
 * Restores a backup: a database in one transaction, a directory swapped in whole. Until the last part is
 * verified, the target stays as it is. Written down before it begins, and how it ended. Throws what stands
 * against it, what fetching throws, and what the target failed of.
 */
export async function restore(
  engine: Engine,
  { backup, target, wishes }: RestoreRequest,
  hooks: RestoreHooks,
): Promise<Restored> {
  const { config, database } = engine
  const { signal, onPart, onBytes } = hooks
  const contents = await BackupContents.open(backup, {
    ...engine,
    catalog: async () => database,
    note: hooks.note,
    signal,
  })
  const prepared = await prepareRestore(target, backup, { wishes, config, signal })
  await hooks.onPlan?.(prepared)
  const { partCount } = contents
  hooks.onStart?.({ partCount, plainBytes: backup.size })
  const open = (until: AbortSignal): AsyncIterable<Buffer> =>
    contents.read({ signal: until, onPart, onBytes })
  const { facts, bytes, restoreId } = await recordRestore(
    database,
    { backupId: backup.id, target: prepared.target, onUntold: hooks.onUntold },
    async () => ({ facts: await prepared.run(open), bytes: backup.size }),
  )
  return { restoreId, prepared, bytes, partCount, facts }
}
