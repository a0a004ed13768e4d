import { randomBytes } from 'node:crypto'
import { BackupError, describeError } from '@telegram-backup/errors'
import { atDatabase } from '#postgres/connection.ts'
import { queryJson } from '#postgres/psql.ts'
import { type DatabasePlan, unknownSettings } from '#postgres/restore/database-plan.ts'
import { RestoreTransaction } from '#postgres/restore/restore-transaction.ts'
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
  signal: AbortSignal,
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
          session: `${STAGING_SESSION} ${mark}`,
        })
  try {
    await restoreInOneTransaction(plan, {
      connection: staging?.connection ?? plan.connection,
      session: `${RESTORE_SESSION} ${mark}`,
      open,
      signal,
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

/** Runs the dump's SQL, cut into statements, in one transaction, committed after the last verified byte. */
export async function restoreInOneTransaction(
  plan: DatabasePlan,
  into: Pick<DatabasePlan, 'connection'> & { session: string; open: OpenBytes; signal: AbortSignal },
): Promise<void> {
  const { signal } = into
  const transaction = await RestoreTransaction.begin({ ...plan, ...into })
  try {
    const cutter = new DumpCutter(unknownSettings(plan.target))
    for (const piece of cutter.push(Buffer.from(schemasOf(plan)))) await transaction.write(piece)
    // Fetching stops when psql does.
    const whileRunning = AbortSignal.any([signal, transaction.ended])
    for await (const sql of sqlOfDump(into.open(whileRunning), whileRunning)) {
      for (const piece of cutter.push(sql)) await transaction.write(piece)
    }
    for (const piece of cutter.finish()) await transaction.write(piece)
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
function schemasOf({ schemas }: DatabasePlan): string {
  return schemas
    .map(
      ({ name, owner }) =>
        `CREATE SCHEMA IF NOT EXISTS ${quoteName(name)} AUTHORIZATION ${quoteName(owner)};\n`,
    )
    .join('')
}

function assertGoingOn(signal: AbortSignal): void {
  if (signal.aborted) throw new BackupError('Cancelled; nothing was restored', { code: 'CANCELLED' })
}
