import { sql, type Transaction } from 'kysely'
import { addToAudit } from '#audit/audit.ts'
import { ensureProject } from '#backups/records.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkProjectId, checkType } from '#input-checks.ts'
import type { BackupType } from '#jobs/types.backup.ts'
import type { KeepPolicy } from '#jobs/types.job.ts'

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
    await noteChange(trx, database, { project_id, type, keep })
    if (keep === null) {
      await trx
        .deleteFrom('retention_policies')
        .where('project_id', '=', project_id)
        .where('type', '=', type)
        .execute()
      await noteLessKept(trx, { project_id, type }, ['schedules'])
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

/** Writes that the policy of a project and type, or of a source there, is another one from now on. */
export async function noteChange(
  trx: Transaction<CatalogSchema>,
  { actor }: Pick<Database, 'actor'>,
  of: { project_id: string; type: BackupType; source?: string; keep: KeepPolicy | null },
): Promise<void> {
  const { project_id: projectId, type, source = null, keep } = of
  const details = { type, source, keep: keep === null ? null : { ...keep } }
  const object = [projectId, type, source ?? []].flat().join('/')
  await addToAudit(trx, { actor, act: 'retention.change', object, projectId, details })
}

/** Less is kept now: the time of the last change of the rules, in these tables, must show it. */
export async function noteLessKept(
  trx: Transaction<CatalogSchema>,
  { project_id, type }: Omit<RetentionPolicy, 'keep'>,
  tables: readonly ('schedules' | 'retention_policies')[] = ['schedules', 'retention_policies'],
): Promise<void> {
  for (const table of tables) {
    await trx
      .updateTable(table)
      .set({ updated_at: sql<Date>`clock_timestamp()` })
      .where('project_id', '=', project_id)
      .where('type', '=', type)
      .execute()
  }
}
