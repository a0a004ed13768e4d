import type { BackupDetails } from '@telegram-backup/database'
import type { Engine, Watching } from '#engine.ts'
import { type RestoreEstimate, restoreTimeOf } from '#proof/restore-time.ts'
import { askForPlan, type RestorePlan, type RestoreWishes } from '#restore/ask-for-plan.ts'
import { BackupContents, counted, type ReadHooks } from '#restore/contents.ts'
import { recordRestore } from '#restore/restore-record.ts'
import { assertRestorable, membersOf, type RestoreTarget } from '#restore/restore-target.ts'

export interface RestoreRequest {
  backup: BackupDetails
  target: RestoreTarget
  wishes: RestoreWishes
  /** Only these members of a directory backup: paths, or patterns with `*`, `?`, `[…]` and `**`. */
  paths?: readonly string[] | undefined
}

/** A plan, and how long it will take by past drills; null without any, and for a part of a backup. */
export type MeasuredPlan = RestorePlan & { measured: RestoreEstimate | null }

export interface RestoreHooks extends Watching, ReadHooks {
  /** Called with the plan before anything is done. What it throws ends the restore. */
  onPlan?: (prepared: MeasuredPlan) => Promise<void>
  /** Called when the end of the restore could not be recorded in the catalog. */
  onUnrecorded: (error: unknown) => void
}

export interface Restored {
  restoreId: string
  prepared: MeasuredPlan
  /** Plain bytes that were read, and the parts in the chat that hold them. */
  bytes: number
  partCount: number
  /** Facts about the target, for programs. */
  facts: Record<string, unknown>
}

/**
 * Restores a backup: a database in one transaction, a directory by one exchange. The target stays as it is
 * until the last part is verified. With `paths`, only some files of a directory, from the parts that hold
 * them. The catalog records the beginning and the end. Throws `USAGE` when the backup or a wish does not fit
 * the target, `NOT_FOUND` for a path that the backup does not hold, why it cannot begin, what fetching
 * throws, and how the target failed.
 */
export async function restore(
  engine: Engine,
  { backup, target, wishes, paths }: RestoreRequest,
  hooks: RestoreHooks,
): Promise<Restored> {
  assertRestorable(backup, target, wishes)
  if (paths !== undefined) membersOf(backup)
  const { config, database } = engine
  const { signal, onPart, onBytes } = hooks
  const contents = await BackupContents.open(backup, {
    ...engine,
    catalog: async () => database,
    note: hooks.note,
    signal,
  })
  const part = paths === undefined ? undefined : await contents.selectPart(paths)
  const isWhole = part === undefined && wishes.databasePart === undefined
  const prepared = {
    ...(await askForPlan(target, backup, { wishes, config, signal, part })),
    measured: isWhole ? await restoreTimeOf(database, backup) : null,
  }
  await hooks.onPlan?.(prepared)
  const { partCount, plainBytes } = part ?? { partCount: contents.partCount, plainBytes: backup.size }
  hooks.onStart?.({ partCount, plainBytes })
  const open = (until: AbortSignal): AsyncIterable<Buffer> =>
    part === undefined
      ? contents.read({ signal: until, onPart, onBytes })
      : counted(part.read({ signal: until, onPart }), onBytes)
  const { facts, bytes, restoreId } = await recordRestore(
    database,
    {
      ...{ backupId: backup.id, target: prepared.target, isWhole: part === undefined },
      onUnrecorded: hooks.onUnrecorded,
    },
    async () => ({ facts: await prepared.run(open), bytes: plainBytes }),
  )
  return { restoreId, prepared, bytes, partCount, facts }
}

const ONLY_THE_PLAN = new Error('Only the plan was asked for')

/**
 * What a restore would do. Makes every check that it makes before its first change, and changes nothing.
 * Throws what {@link restore} throws before it begins.
 */
export async function previewRestore(
  engine: Engine,
  request: RestoreRequest,
  { signal, note }: Watching,
): Promise<MeasuredPlan> {
  let plan: MeasuredPlan | undefined
  const onPlan = async (prepared: MeasuredPlan): Promise<void> => {
    plan = prepared
    throw ONLY_THE_PLAN
  }
  try {
    await restore(engine, request, { signal, note, onPlan, onUnrecorded: () => {} })
  } catch (error) {
    if (error !== ONLY_THE_PLAN) throw error
  }
  if (plan === undefined) throw new TypeError('The restore went on without its plan')
  return plan
}
