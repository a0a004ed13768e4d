import { IS_OWN } from '#postgres/database-contents.ts'
import type { PsqlSession } from '#postgres/psql-session.ts'

/** A table of the restored database. */
export interface RestoredTable {
  schema: string
  name: string
  oid: number
  /** Partitioned: its rows are those of its partitions. */
  isRoot: boolean
  /** In their order, without generated ones. */
  columns: string[]
}

const TABLES = `
select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(nspname, relname, class.oid::bigint, relkind = 'p', (
  select coalesce(pg_catalog.jsonb_agg(a.attname order by a.attnum), '[]')
  from pg_catalog.pg_attribute a
  where a.attrelid = class.oid and a.attnum > 0 and not a.attisdropped
    and coalesce(pg_catalog.to_jsonb(a)->>'attgenerated', '') = ''))), '[]')
from pg_catalog.pg_class class join pg_catalog.pg_namespace namespace on namespace.oid = relnamespace
where relkind in ('r', 'p') and ${IS_OWN} and not exists (
  select from pg_catalog.pg_depend d
  where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = class.oid and d.deptype = 'e')`

/** All but those of extensions, which have rows of their own. Throws what the session throws. */
export async function readRestoredTables(session: PsqlSession): Promise<RestoredTable[]> {
  const rows = (await session.ask(TABLES)) as Array<[string, string, number, boolean, string[]]>
  return rows.map(([schema, name, oid, isRoot, columns]) => ({
    schema,
    name,
    oid: Number(oid),
    isRoot,
    columns,
  }))
}

/** The types of a table's columns, with those that they are made of. */
const typesOf = (oid: number): string => `
with recursive made as (
  select a.atttypid as oid from pg_catalog.pg_attribute a
  where a.attrelid = ${oid} and a.attnum > 0 and not a.attisdropped
  union
  select part.oid from made join pg_catalog.pg_type t on t.oid = made.oid cross join lateral (
    select t.typelem where t.typelem <> 0 and t.typlen = -1
    union select t.typbasetype where t.typbasetype <> 0
    union select r.rngsubtype from pg_catalog.pg_range r where r.rngtypid = t.oid
    union select a.atttypid from pg_catalog.pg_attribute a
      where a.attrelid = t.typrelid and t.typrelid <> 0 and a.attnum > 0 and not a.attisdropped) as part (oid)
)
select coalesce(pg_catalog.jsonb_agg(t.typname), '[]')
from made join pg_catalog.pg_type t on t.oid = made.oid
where t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace`

/** PostgreSQL's own types that a table is made of, at any depth. Throws what the session throws. */
export async function readTypes(session: PsqlSession, { oid }: RestoredTable): Promise<ReadonlySet<string>> {
  return new Set((await session.ask(typesOf(oid))) as string[])
}
