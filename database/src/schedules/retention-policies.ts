import { sql } from 'kysely'
import { ensureProject } from '#backups/records.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkProjectId, checkType } from '#input-checks.ts'
import type { BackupType } from '#jobs/types.backup.ts'
import type { KeepPolicy } from '#jobs/types.job.ts'

/** Which backups of a project and type are kept. */
export interface RetentionPolicy {
  project_id: string
  type: BackupType
  keep: KeepPolicy
}

/** All policies, by project and type. */
export async function listRetentionPolicies(database: Database): Promise<RetentionPolicy[]> {
  return await database.kysely
    .selectFrom('retention_policies')
    .select(['project_id', 'type', 'keep'])
    .orderBy('project_id')
    .orderBy('type')
    .execute()
}

/** When each policy was set, in the same order. */
export async function retentionPolicyTimes(
  database: Database,
): Promise<{ project_id: string; type: BackupType; updated_at: Date }[]> {
  return await database.kysely
    .selectFrom('retention_policies')
    .select(['project_id', 'type', 'updated_at'])
    .orderBy('project_id')
    .orderBy('type')
    .execute()
}

/** Sets or replaces the policy of a project and type; null removes it. CatalogError INVALID. */
export async function setRetentionPolicy(
  database: Database,
  { project_id, type, keep }: Omit<RetentionPolicy, 'keep'> & { keep: KeepPolicy | null },
): Promise<void> {
  checkProjectId(project_id)
  checkType(type)
  await inTransaction(database.kysely, async trx => {
    await ensureProject(trx, project_id)
    if (keep === null) {
      await trx
        .deleteFrom('retention_policies')
        .where('project_id', '=', project_id)
        .where('type', '=', type)
        .execute()
      // Less is kept now: the time of the last change of the rules must show it.
      await trx
        .updateTable('schedules')
        .set({ updated_at: sql<Date>`clock_timestamp()` })
        .where('project_id', '=', project_id)
        .where('type', '=', type)
        .execute()
      return
    }
    const policy = { keep: JSON.stringify(keep), updated_at: sql<Date>`clock_timestamp()` }
    await trx
      .insertInto('retention_policies')
      .values({ project_id, type, ...policy })
      .onConflict(conflict => conflict.columns(['project_id', 'type']).doUpdateSet(policy))
      .execute()
  })
}
