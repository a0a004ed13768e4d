import { randomBytes } from 'node:crypto'
import { describeError } from '@telegram-backup/errors'
import { assertGoingOn, restoreInOneTransaction } from '#postgres/restore/restore-database.ts'
import type { BroughtBack } from '#postgres/restore/selection/dump-selection.ts'
import { OwnerSelection } from '#postgres/restore/selection/owner-selection.ts'
import type { PartPlan } from '#postgres/restore/selection/part-plan.ts'
import { inWordsOfPart } from '#postgres/restore/selection/part-words.ts'
import { SchemaSelection } from '#postgres/restore/selection/schema-selection.ts'
import { TableSelection } from '#postgres/restore/selection/table-selection.ts'
import { assertOthersUntouched } from '#postgres/restore/selection/untouched-tables.ts'
import { RESTORE_SESSION } from '#postgres/restore/target-database.ts'
import type { OpenBytes, OwnerWishes } from '#restoring.ts'

/**
 * Restores a part into the database that exists, in one transaction, which is committed after the last
 * verified byte. After any failure the database is as before. Throws what the bytes throw, `NOT_FOUND` for
 * what is not in the backup, `POSTGRES`, `UNRESTORABLE`, `CANCELLED`, `UNKNOWN_OUTCOME`.
 */
export async function restorePart(
  plan: PartPlan,
  open: OpenBytes,
  { signal, owners }: { signal: AbortSignal; owners: OwnerWishes | undefined },
): Promise<BroughtBack> {
  const { connection, psql, wanted, presentSchemas, versionNumber, role } = plan
  const selection =
    wanted.tables.length > 0 ? new TableSelection(wanted) : new SchemaSelection(wanted, presentSchemas)
  const changed = owners && new OwnerSelection(owners)
  try {
    await restoreInOneTransaction(
      { psql, role, owners, newRoles: [], schemas: [], target: { server: { versionNumber } } },
      {
        ...{ connection, open, signal, selection, owners: changed },
        session: `${RESTORE_SESSION} ${randomBytes(4).toString('hex')}`,
        beforeCommit: async transactionId => {
          // Rows alone go into tables that were there before.
          if (wanted.only !== 'rows')
            await assertOthersUntouched(connection, { transactionId, psql: psql.path, signal })
        },
      },
    )
  } catch (error) {
    if (describeError(error).code !== 'UNKNOWN_OUTCOME') assertGoingOn(signal)
    throw inWordsOfPart(error)
  }
  const { relations, remarks } = selection.broughtBack
  return { relations, remarks: [...remarks, ...(changed?.remarks ?? [])] }
}
