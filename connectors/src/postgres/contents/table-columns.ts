import { createHash } from 'node:crypto'
import { BackupError } from '@telegram-backup/errors'
import type { HashableColumn } from '#postgres/contents/hash-sql.ts'
import type { PsqlSession } from '#postgres/psql-session.ts'

export interface TableColumns {
  /** Those that a dump holds, by their names in the order of bytes. */
  columns: HashableColumn[]
  /** Eight digits that differ, most likely, where names or types do. */
  fingerprint: string
  hasGenerated: boolean
  /** Whether other columns hold floating-point numbers inside. */
  hasNestedFloats: boolean
}

/** A server may answer anything; this goes into the next query. */
function numberOf({ oid }: { oid: number }): number {
  if (Number.isSafeInteger(oid) && oid > 0) return oid
  throw new BackupError('The server named a table by an oid that is none', { code: 'SOURCE' })
}

/**
 * Conservative: any composite type counts as one that holds floats. Without quotes, since which names need
 * them differs between versions.
 */
const columnsSql = (tables: readonly { oid: number }[]): string => `
with recursive own as (
  select attrelid, attname, attnum, atttypid, pg_catalog.replace(pg_catalog.format_type(atttypid, atttypmod), '"', '') as shown,
    coalesce(pg_catalog.to_jsonb(a)->>'attgenerated', '') <> '' as is_generated
  from pg_catalog.pg_attribute a
  where attrelid in (${tables.map(numberOf).join(', ')}) and attnum > 0 and not attisdropped
), base (attrelid, attnum, oid) as (
  select attrelid, attnum, atttypid from own
  union all
  select attrelid, attnum, t.typbasetype from base join pg_catalog.pg_type t on t.oid = base.oid where t.typtype = 'd'
)
select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(
  attrelid::pg_catalog.int8, attname, shown, is_generated,
  case when t.oid in (700, 701) then 'float' when t.oid = 18 then 'char' else 'other' end,
  t.typtype in ('c', 'r', 'm') or t.oid in (600, 601, 602, 603, 604, 628, 718) or (t.typlen = -1 and element.oid is not null
    and (element.oid in (700, 701) or element.typcategory = 'G' or element.typtype in ('c', 'd', 'r')))
) order by attname::pg_catalog.text collate "C"), '[]')
from own join base using (attrelid, attnum) join pg_catalog.pg_type t on t.oid = base.oid and t.typtype <> 'd'
left join pg_catalog.pg_type element on element.oid = t.typelem`

type ColumnRow = [
  oid: number,
  name: string,
  shown: string,
  isGenerated: boolean,
  kind: HashableColumn['kind'],
  isNested: boolean,
]

/** Of at least one table and at most some hundred, in their order. Throws what the session throws. */
export async function readColumns(
  session: Pick<PsqlSession, 'ask'>,
  tables: readonly { oid: number }[],
): Promise<TableColumns[]> {
  const rows = (await session.ask(columnsSql(tables))) as ColumnRow[]
  const byTable = Map.groupBy(rows, ([oid]) => oid)
  return tables.map(({ oid }) => columnsOf(byTable.get(oid) ?? []))
}

function columnsOf(all: readonly ColumnRow[]): TableColumns {
  const dumped = all.filter(([, , , isGenerated]) => !isGenerated)
  const shown = JSON.stringify(dumped.map(([, name, type]) => [name, type]))
  return {
    columns: dumped.map(([, name, , , kind]) => ({ name, kind })),
    fingerprint: createHash('sha256').update(shown).digest('hex').slice(0, 8),
    hasGenerated: dumped.length < all.length,
    hasNestedFloats: dumped.some(([, , , , , isNested]) => isNested),
  }
}
