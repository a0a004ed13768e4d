import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import type { Evidence } from '#evidence/chain.ts'
import { checkProjectId, checkUuid, storable } from '#input-checks.ts'
import type { JsonObject, Verification } from '#jobs/types.backup.ts'

/** What the record of a drill says of its verification. */
export interface ImportedDrill {
  state: 'sound' | 'failed'
  depth: Verification['depth']
  report: JsonObject | null
  error: string | null
  /** Of the error; null for a sound one. Without it, a failed drill does not count as one. */
  code: string | null
  actor: string
  startedAt: Date
  finishedAt: Date
}

/**
 * Takes a record that was found in a chat into the catalog, and the verification of its drill, if the catalog
 * knows the backup.
 * - `added`: the catalog did not know it.
 * - `known`: the catalog has it.
 * - `conflict`: the catalog has another record in its place, and keeps that one.
 */
export async function importEvidence(
  database: Database,
  { evidence, drill }: { evidence: Evidence; drill: ImportedDrill | undefined },
): Promise<'added' | 'known' | 'conflict'> {
  checkUuid('evidence id', evidence.id)
  checkProjectId(evidence.project_id)
  return await inTransaction(database.kysely, async trx => {
    const { numInsertedOrUpdatedRows: added = 0n } = await trx
      .insertInto('evidence')
      .values(evidence)
      .onConflict(conflict => conflict.doNothing())
      .executeTakeFirstOrThrow()
    const there = await trx
      .selectFrom('evidence')
      .select('sha256')
      .where('id', '=', evidence.id)
      .executeTakeFirst()
    if (there?.sha256 !== evidence.sha256) return 'conflict'
    const { verification_id: id, backup_id } = evidence
    if (drill === undefined || id === null) return added > 0n ? 'added' : 'known'
    const backup = await trx.selectFrom('backups').select('id').where('id', '=', backup_id).executeTakeFirst()
    if (backup !== undefined) {
      await trx
        .insertInto('verifications')
        .values({
          id,
          backup_id,
          job_id: null,
          kind: 'drill',
          state: drill.state,
          depth: drill.depth,
          report: drill.report === null ? null : storable(JSON.stringify(drill.report)),
          error: drill.error === null ? null : storable(drill.error),
          code: drill.code === null ? null : storable(drill.code),
          actor: drill.actor,
          started_at: drill.startedAt,
          finished_at: drill.finishedAt,
        })
        .onConflict(conflict => conflict.doNothing())
        .execute()
    }
    return added > 0n ? 'added' : 'known'
  })
}
