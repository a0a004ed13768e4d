import { sql } from 'kysely'
import type { Database } from '#database.ts'
import { checkProjectId, checkText, storable } from '#input-checks.ts'
import type { SourceCheck } from '#queue/types.service.ts'

/** A source that nobody has checked for so long may be gone. */
const KEPT = sql`interval '90 days'`

/** Records a check of a source in place of the one before. CatalogError INVALID for a bad name. */
export async function noteSourceCheck(
  database: Database,
  check: Pick<SourceCheck, 'source' | 'project_id' | 'state' | 'message' | 'hint'>,
): Promise<SourceCheck> {
  checkText('source', check.source)
  checkProjectId(check.project_id)
  const row = {
    ...check,
    message: storable(check.message),
    hint: check.hint === null ? null : storable(check.hint),
    actor: database.actor,
  }
  await database.kysely
    .deleteFrom('source_checks')
    .where('checked_at', '<', sql<Date>`clock_timestamp() - ${KEPT}`)
    .execute()
  return await database.kysely
    .insertInto('source_checks')
    .values(row)
    .onConflict(conflict =>
      conflict.column('source').doUpdateSet({ ...row, checked_at: sql<Date>`clock_timestamp()` }),
    )
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** The last check of each source, by its name. */
export async function sourceChecks(database: Database): Promise<ReadonlyMap<string, SourceCheck>> {
  const rows = await database.kysely.selectFrom('source_checks').selectAll().execute()
  return new Map(rows.map(row => [row.source, row]))
}
