import type { Drill } from '#drilling.ts'
import type { DatabaseContents } from '#postgres/contents-record.ts'
import {
  countObjects,
  countRows,
  prepareCounting,
  readRelations,
  readSequences,
  type TableRows,
} from '#postgres/database-contents.ts'
import type { RestoredContents } from '#postgres/drill/compare-contents.ts'
import { readHashes } from '#postgres/drill/read-hashes.ts'
import { keyOf } from '#postgres/drill/table-key.ts'
import type { PsqlSession } from '#postgres/psql-session.ts'
import { OUTLIVE_LIMITS } from '#postgres/sql-text.ts'

/** A table that is hashed is not read a second time to count it. Throws what the session throws. */
export async function readContents(
  session: PsqlSession,
  recorded: DatabaseContents,
  onCompare: Drill['onCompare'],
): Promise<RestoredContents> {
  await session.ask(OUTLIVE_LIMITS)
  const relations = await readRelations(session)
  await prepareCounting(session, 0)
  const objects = await countObjects(session)
  const sequences = await readSequences(session)
  const hashes =
    recorded.hashes === undefined ? undefined : await readHashes(session, recorded.hashes, onCompare)
  const rowsOf = typeof hashes === 'object' ? hashes.rowsOf : new Map<string, number>()
  const rows: TableRows[] = []
  for (const table of relations) {
    if (table.kind !== 'table') continue
    const { schema, name } = table
    rows.push([schema, name, rowsOf.get(keyOf(schema, name)) ?? (await countRows(session, table))])
  }
  return { rows, sequences, objects, hashes }
}
