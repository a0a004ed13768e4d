import type { PostgresTarget } from '#postgres/connection.ts'
import { type DatabasePlan, planDatabaseRestore } from '#postgres/restore/database-plan.ts'
import { restoreDatabase } from '#postgres/restore/restore-database.ts'
import type { RecordedBackup } from '#recorded-backup.ts'
import type { PlannedRestore, RestoreStep, RestoreWishes } from '#restoring.ts'

/** Throws what {@link planDatabaseRestore} throws. */
export async function planRestore(
  { connection }: PostgresTarget,
  backup: RecordedBackup,
  { wishes, signal }: { wishes: RestoreWishes; signal: AbortSignal },
): Promise<PlannedRestore> {
  const { overwrite, keepOld, createRoles } = wishes
  const plan = await planDatabaseRestore(backup, connection, { overwrite, keepOld, createRoles, signal })
  return {
    target: connection.display,
    steps: stepsOf(plan),
    run: async open => ({ ...(await restoreDatabase(plan, open, signal)), created_roles: plan.newRoles }),
  }
}

function stepsOf(plan: DatabasePlan): RestoreStep[] {
  const { target, way, keepOld, newRoles, role, rights, garbage, keptBefore, problems } = plan
  const { name, database: old } = target
  const isReplaced = way === 'staging' && old !== undefined
  return [
    { does: 'write', into: way === 'in place' ? 'empty' : isReplaced ? 'staging' : 'new', name },
    ...(isReplaced
      ? [
          {
            ...{ does: 'replace' as const, name, holds: old.contents, sizeBytes: old.sizeBytes },
            ...{ sessions: old.sessions, isKept: keepOld },
          },
        ]
      : []),
    ...(newRoles.length > 0 ? [{ does: 'make roles' as const, roles: newRoles }] : []),
    ...(rights === undefined ? [] : [{ does: 'run as' as const, role: role.name, rights }]),
    ...problems.map(problem => ({ does: 'warn' as const, problem })),
    ...garbage.map(name => ({ does: 'clear' as const, name })),
    ...keptBefore.map(name => ({ does: 'leave' as const, name, why: 'earlier' as const })),
  ]
}
