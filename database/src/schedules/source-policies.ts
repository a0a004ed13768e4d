import { ensureProject } from '#backups/records.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkProjectId, checkText, checkType } from '#input-checks.ts'
import { noteChange, noteLessKept, type RetentionPolicy } from '#schedules/retention-policies.ts'

/**
 * Which backups of one source are kept, from a schedule that was removed since. A source may have several.
 */
export interface SourcePolicy extends RetentionPolicy {
  source: string
}

/** All of them, by project, type and source, each with the time of its last change. */
export async function listSourcePolicies(
  database: Database,
): Promise<(SourcePolicy & { updated_at: Date })[]> {
  return await database.kysely
    .selectFrom('source_policies')
    .selectAll()
    .orderBy('project_id')
    .orderBy('type')
    .orderBy('source')
    .orderBy('keep')
    .execute()
}

/** Adds a policy, unless there is an equal one. CatalogError INVALID. */
export async function addSourcePolicy(database: Database, policy: SourcePolicy): Promise<void> {
  checkProjectId(policy.project_id)
  checkType(policy.type)
  checkText('source', policy.source)
  await inTransaction(database.kysely, async trx => {
    await ensureProject(trx, policy.project_id)
    const { numInsertedOrUpdatedRows } = await trx
      .insertInto('source_policies')
      .values({ ...policy, keep: JSON.stringify(policy.keep) })
      .onConflict(conflict => conflict.doNothing())
      .executeTakeFirstOrThrow()
    if (numInsertedOrUpdatedRows === 1n) await noteChange(trx, database, policy)
  })
}

/** Removes all policies of a source, and returns their number. */
export async function removeSourcePolicies(
  database: Database,
  { project_id, type, source }: Omit<SourcePolicy, 'keep'>,
): Promise<number> {
  return await inTransaction(database.kysely, async trx => {
    const { numDeletedRows } = await trx
      .deleteFrom('source_policies')
      .where('project_id', '=', project_id)
      .where('type', '=', type)
      .where('source', '=', source)
      .executeTakeFirstOrThrow()
    await noteLessKept(trx, { project_id, type })
    if (numDeletedRows > 0n) await noteChange(trx, database, { project_id, type, source, keep: null })
    return Number(numDeletedRows)
  })
}
