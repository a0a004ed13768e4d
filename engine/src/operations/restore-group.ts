import { CONNECTORS, restoreOf } from '@telegram-backup/connectors/registry.ts'
import type { Backup, BackupDetails, BackupGroup } from '@telegram-backup/database'
import { BackupError, describeError, hint, option } from '@telegram-backup/errors'
import type { Engine } from '#engine.ts'
import { findBackup } from '#operations/find-backup.ts'
import { type MeasuredPlan, type Restored, type RestoreHooks, restore } from '#operations/restore.ts'
import type { RestoreWishes } from '#restore/ask-for-plan.ts'
import { type RestoreTarget, supportedWishes } from '#restore/restore-target.ts'

export interface GroupRestoreRequest {
  group: BackupGroup
  /** Names the server; its database does not count. */
  server: RestoreTarget
  wishes: RestoreWishes
}

export interface GroupRestoreHooks extends Omit<RestoreHooks, 'onPlan'> {
  /** As for one backup. What it throws ends the whole restore. */
  onPlan?: (prepared: MeasuredPlan, backup: BackupDetails) => Promise<void>
  onMember?: (member: string, place: { number: number; of: number }) => void
}

export interface RestoredMember {
  member: string
  backupId: string
  /** Undefined when it failed. */
  restored: Restored | undefined
  error: unknown
}

export interface RestoredGroup {
  members: RestoredMember[]
  /** How many members of the run have no backup that is there. */
  missing: number
}

/**
 * Restores the members of a group one by one, each as `restore` does: first what the others need (roles and
 * tablespaces), then each database into the database of its name. If that first one fails, nothing else is
 * tried; a database that fails does not stop the others. Throws `USAGE` for a target that is no server for
 * them, `NOT_FOUND` for a group without backups, and the reason if the first restore fails.
 */
export async function restoreGroup(
  engine: Engine,
  { group, server, wishes }: GroupRestoreRequest,
  hooks: GroupRestoreHooks,
): Promise<RestoredGroup> {
  const planned = await targetsOf(group, server)
  const results: RestoredMember[] = []
  let ending: { error: unknown } | undefined
  for (const [index, { member, backup, target, isNeeded }] of planned.entries()) {
    let restored: Restored | undefined
    let error: unknown = ending?.error
    if (ending === undefined) {
      hooks.onMember?.(member, { number: index + 1, of: planned.length })
      try {
        const details = await findBackup(engine.database, backup.id)
        const request = { backup: details, target, wishes: supportedWishes(target, wishes) }
        const onPlan = async (prepared: MeasuredPlan): Promise<void> => {
          await hooks.onPlan?.(prepared, details).catch((refused: unknown) => {
            ending = { error: refused }
            throw refused
          })
        }
        restored = await restore(engine, request, { ...hooks, onPlan })
      } catch (failure) {
        if (results.length === 0 && (isNeeded || ending !== undefined)) throw failure
        error = failure
        if (hooks.signal.aborted || describeError(failure).code === 'CATALOG') ending = { error: failure }
      }
    }
    results.push({ member, backupId: backup.id, restored, error })
  }
  return { members: results, missing: Math.max(0, group.size - planned.length) }
}

interface PlannedMember {
  member: string
  backup: Backup
  target: RestoreTarget
  /** The others need it. */
  isNeeded: boolean
}

async function targetsOf(group: BackupGroup, server: RestoreTarget): Promise<PlannedMember[]> {
  const newest = new Map<string, Backup>()
  for (const backup of group.backups) {
    if (backup.state === 'complete' && backup.member !== null) newest.set(backup.member, backup)
  }
  if (newest.size === 0) {
    throw new BackupError(`Group ${group.id} has no complete backup`, { code: 'NOT_FOUND' })
  }
  const planned: PlannedMember[] = []
  for (const [member, backup] of newest) {
    const target = await targetOf(member, server)
    const isNeeded = restoreOf(target).makes === 'roles'
    planned.push({ member, backup, target, isNeeded })
  }
  return planned.sort((a, b) => Number(b.isNeeded) - Number(a.isNeeded) || (a.member < b.member ? -1 : 1))
}

async function targetOf(member: string, server: RestoreTarget): Promise<RestoreTarget> {
  for (const { group } of CONNECTORS) {
    const target = await group?.targetOf(member, server)
    if (target !== undefined) return target
  }
  throw new BackupError('The target is no server that this group can be restored to', {
    code: 'USAGE',
    hint: hint`Give any database of a PostgreSQL server: ${option('to', 'postgresql://USER@HOST/postgres')}.`,
  })
}
