import { randomBytes } from 'node:crypto'
import { BackupError, describeError } from '@telegram-backup/errors'
import { atDatabase } from '#postgres/connection.ts'
import { queryJson } from '#postgres/psql.ts'
import { type DatabasePlan, type TargetVersion, unknownSettings } from '#postgres/restore/database-plan.ts'
import { RestoreTransaction } from '#postgres/restore/restore-transaction.ts'
import { DumpFilter } from '#postgres/restore/selection/dump-filter.ts'
import type { DumpSelection } from '#postgres/restore/selection/dump-selection.ts'
import type { OwnerSelection } from '#postgres/restore/selection/owner-selection.ts'
import { DumpCutter } from '#postgres/restore/sql/dump-cutter.ts'
import { sqlOfDump } from '#postgres/restore/sql-of-dump.ts'
import { dropSubscriptions, StagingDatabase } from '#postgres/restore/staging-database.ts'
import { RESTORE_SESSION, STAGING_SESSION } from '#postgres/restore/target-database.ts'
import { quoteName } from '#postgres/sql-text.ts'
import type { OpenBytes } from '#restoring.ts'

export interface DatabaseRestored {
  /** Name of the old database if it was kept or could not be dropped. */
  keptOld?: string
}

/**
 * Restores into the database of the plan:
 * 1. if the target is missing or not empty, a staging database is made;
 * 2. the dump's SQL, cut into statements, runs in one transaction, committed after the last verified byte;
 * 3. the staging database takes the target's name, in one transaction as well.
 * After any failure the server is as before. Throws what the bytes throw, `POSTGRES`, `UNRESTORABLE`,
 * `CANCELLED`, `UNKNOWN_OUTCOME`.
 */
export async function restoreDatabase(
  plan: DatabasePlan,
  open: OpenBytes,
  { signal, selection, owners }: Pick<InOneTransaction, 'signal' | 'selection' | 'owners'>,
): Promise<DatabaseRestored> {
  const mark = randomBytes(4).toString('hex')
  await dropGarbage(plan, signal)
  const before = `${plan.stem}_before_${mark}`
  const staging =
    plan.way === 'in place'
      ? undefined
      : await StagingDatabase.create({
          ...plan,
          staging: `${plan.stem}_restoring_${mark}`,
          before,
          owner: plan.owners?.role,
          session: `${STAGING_SESSION} ${mark}`,
        })
  try {
    await restoreInOneTransaction(plan, {
      connection: staging?.connection ?? plan.connection,
      session: `${RESTORE_SESSION} ${mark}`,
      open,
      signal,
      selection,
      owners,
    })
    // In place, it is committed already.
    if (staging !== undefined) assertGoingOn(signal)
  } catch (error) {
    // The first failure is the reason; but the message must also name a database that stays behind.
    await staging?.discard().catch((failure: unknown) => {
      throw new BackupError(`${describeError(error).message}; ${describeError(failure).message}`, {
        code: describeError(error).code,
        cause: error,
      })
    })
    if (describeError(error).code !== 'UNKNOWN_OUTCOME') assertGoingOn(signal)
    throw error
  }
  const isOldGone = (await staging?.swapIn()) ?? true
  const hadOld = staging !== undefined && plan.target.database !== undefined
  return hadOld && (plan.keepOld || !isOldGone) ? { keptOld: before } : {}
}

/**
 * Drops databases that killed restores left. One that cannot be dropped stays: somebody may have given a
 * template such a name, which must not prevent restores. Throws `CANCELLED`.
 */
export async function dropGarbage(plan: DatabasePlan, signal: AbortSignal): Promise<void> {
  for (const name of plan.garbage) {
    await dropSubscriptions(atDatabase(plan.target.server.maintenance, name), plan.psql.path)
    await queryJson(plan.target.server.maintenance, 'drop database if exists :"name"', {
      psql: plan.psql.path,
      signal,
      variables: { name },
      isOutsideTransactions: true,
    }).catch(() => assertGoingOn(signal))
  }
}

export interface InOneTransaction extends Pick<DatabasePlan, 'connection'> {
  session: string
  open: OpenBytes
  signal: AbortSignal
  /** What is restored of the dump; by default all. */
  selection?: DumpSelection | undefined
  /** Changes the owners and privileges of what is restored. */
  owners?: OwnerSelection | undefined
  /** Called when all is restored; what it throws undoes it. `id`: of the transaction. */
  beforeCommit?: ((id: string) => Promise<void>) | undefined
}

/** Runs the dump's SQL, cut into statements, in one transaction, committed after the last verified byte. */
export async function restoreInOneTransaction(
  plan: Pick<DatabasePlan, 'psql' | 'newRoles' | 'role' | 'schemas'> & {
    owners?: DatabasePlan['owners']
    target: TargetVersion
  },
  into: InOneTransaction,
): Promise<void> {
  const { signal } = into
  const transaction = await RestoreTransaction.begin({ ...plan, ...into, as: plan.owners?.role })
  try {
    const unknown = unknownSettings(plan.target)
    // Owners come last: a part is chosen by what stands in the dump.
    const filters = [into.selection, into.owners]
      .filter(selection => selection !== undefined)
      .map(selection => new DumpFilter(selection, unknown))
    const cutter = new DumpCutter(unknown)
    const run = async (sql: readonly Buffer[]): Promise<void> => {
      for (const selected of sql) for (const piece of cutter.push(selected)) await transaction.write(piece)
    }
    await run([Buffer.from(schemasOf(plan))])
    // Fetching stops when psql does.
    const whileRunning = AbortSignal.any([signal, transaction.ended])
    for await (const sql of sqlOfDump(into.open(whileRunning), whileRunning))
      await run(filters.reduce((pieces, filter) => pieces.flatMap(piece => filter.push(piece)), [sql]))
    for (const [index, filter] of filters.entries()) {
      const last = filter.finish()
      const after = filters.slice(index + 1)
      await run(after.reduce((pieces, next) => pieces.flatMap(piece => next.push(piece)), last))
    }
    for (const piece of cutter.finish()) await transaction.write(piece)
    if (into.beforeCommit !== undefined) {
      await transaction.finishWork()
      await into.beforeCommit(transaction.id)
    }
    await transaction.commit()
  } catch (error) {
    // If psql stopped first, that is the reason.
    const reason = await transaction.assertRunning().then(
      () => error,
      (failure: unknown) => failure,
    )
    await transaction.rollBack()
    throw describeError(error).code === 'UNKNOWN_OUTCOME' ? error : reason
  }
}

/** Schemas that a dump of tables alone leaves out; restored like the dump itself. */
function schemasOf({ schemas }: Pick<DatabasePlan, 'schemas'>): string {
  return schemas
    .map(
      ({ name, owner }) =>
        `CREATE SCHEMA IF NOT EXISTS ${quoteName(name)} AUTHORIZATION ${quoteName(owner)};\n`,
    )
    .join('')
}

export function assertGoingOn(signal: AbortSignal): void {
  if (signal.aborted) throw new BackupError('Cancelled; nothing was restored', { code: 'CANCELLED' })
}
