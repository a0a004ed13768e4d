import { BackupError, describeError, hint, option } from '@telegram-backup/errors'
import type { PostgresTarget } from '#postgres/connection.ts'
import { type DatabasePlan, planDatabaseRestore } from '#postgres/restore/database-plan.ts'
import { checkRoles, ownerSteps } from '#postgres/restore/owner-plan.ts'
import { restoreDatabase } from '#postgres/restore/restore-database.ts'
import { OwnerSelection } from '#postgres/restore/selection/owner-selection.ts'
import { planPart } from '#postgres/restore/selection/part-plan.ts'
import { restorePart } from '#postgres/restore/selection/restore-part.ts'
import { SchemaSelection } from '#postgres/restore/selection/schema-selection.ts'
import { describePart, readWantedPart, type WantedPart } from '#postgres/restore/selection/wanted-part.ts'
import type { RecordedBackup } from '#recorded-backup.ts'
import type { OwnerWishes, PlannedRestore, RestoreStep, RestoreWishes } from '#restoring.ts'

/** Throws what {@link planDatabaseRestore} throws. */
export async function planRestore(
  { connection }: PostgresTarget,
  backup: RecordedBackup,
  { wishes, signal }: { wishes: RestoreWishes; signal: AbortSignal },
): Promise<PlannedRestore> {
  const { overwrite, keepOld, createRoles, owners, databasePart: part } = wishes
  const wanted = part && readWantedPart(part)
  if (wanted !== undefined) assertNothingReplaced(wishes)
  const isWhole = wanted === undefined || isAllDefinitions(wanted)
  if (!isWhole) return await planRestoreOfPart(wanted, { connection, backup, owners, signal })
  const plan = await planDatabaseRestore(backup, connection, {
    overwrite,
    keepOld,
    createRoles,
    owners,
    signal,
  }).catch((error: unknown) => {
    throw wanted === undefined ? error : withoutOverwriting(error)
  })
  return {
    target: connection.display,
    steps: [
      ...stepsOf(plan),
      ...(wanted === undefined ? [] : selectStep(wanted)),
      ...ownerSteps(owners, backup.source ?? {}),
    ],
    run: async open => {
      const selection = wanted && new SchemaSelection(wanted, [])
      const changed = owners && new OwnerSelection(owners)
      const restored = await restoreDatabase(plan, open, { signal, selection, owners: changed })
      const remarks = changed === undefined ? {} : { remarks: changed.remarks }
      return { ...restored, created_roles: plan.newRoles, ...remarks }
    },
  }
}

/** Definitions without a choice among them make a database of their own. */
function isAllDefinitions({ tables, schemas, only }: WantedPart): boolean {
  return tables.length === 0 && schemas.length === 0 && only !== 'rows'
}

/** Nobody wants a database without rows in place of one with rows. */
function withoutOverwriting(error: unknown): unknown {
  const { code, message } = describeError(error)
  if (code !== 'USAGE' || !/is not empty/.test(message)) return error
  return new BackupError(message, {
    code,
    hint: hint`Definitions alone go into a new or an empty database: name one. Or choose a part with ${option('schema')} or ${option('table')}.`,
  })
}

async function planRestoreOfPart(
  wanted: WantedPart,
  of: {
    connection: PostgresTarget['connection']
    backup: RecordedBackup
    owners: OwnerWishes | undefined
    signal: AbortSignal
  },
): Promise<PlannedRestore> {
  const { connection, backup, owners, signal } = of
  const plan = await planPart(wanted, of)
  if (owners !== undefined)
    await checkRoles(owners, { connection, needsCreate: false, psql: plan.psql.path, signal })
  const { role, rights } = plan
  return {
    target: connection.display,
    steps: [
      { does: 'write', into: 'existing', name: connection.database ?? '' },
      ...selectStep(wanted),
      ...ownerSteps(owners, backup.source ?? {}),
      ...(rights === undefined ? [] : [{ does: 'run as' as const, role: role.name, rights }]),
    ],
    run: async open => {
      const { relations, remarks } = await restorePart(plan, open, { signal, owners })
      return { relations, remarks }
    },
  }
}

function selectStep(wanted: WantedPart): RestoreStep[] {
  return [{ does: 'select', what: describePart(wanted) }]
}

/** Throws `USAGE` for wishes that concern a whole database. */
function assertNothingReplaced({ overwrite, keepOld, createRoles }: RestoreWishes): void {
  const [wish] = [overwrite && 'overwrite', keepOld && 'keep-old', createRoles && 'create-roles'].filter(
    name => name !== false,
  )
  if (wish === undefined) return
  throw new BackupError('A part of a backup replaces nothing, and creates no roles', {
    code: 'USAGE',
    hint: hint`Leave out ${option(wish)}.`,
  })
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
