import { IS_OWN, readVisible } from '#postgres/database-contents.ts'
import type { PgDumpOptions } from '#postgres/dump/pg-dump-arguments.ts'
import type { PsqlSession } from '#postgres/psql-session.ts'
import { readSelection } from '#postgres/table-patterns.ts'

/** What a dump of selected tables leaves out although a restore needs it. */
export interface TablesAlone {
  /** Their schemas, without `public`, with owners: a restore makes them. */
  schemas: Array<{ name: string; owner: string }>
  warnings: string[]
}

/** All that pg_dump calls a table. */
const CANDIDATES = `
select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(
  nspname, relname, class.oid::bigint, pg_catalog.pg_get_userbyid(nspowner))), '[]')
from pg_catalog.pg_class class join pg_catalog.pg_namespace namespace on namespace.oid = relnamespace
where relkind in ('r', 'p', 'v', 'm', 'f', 'S') and ${IS_OWN}`

/** User-made objects that the tables and their parts need, and that are not among the tables. */
const needsOf = (oids: readonly number[]): string => `
with chosen as (
  select pg_catalog.unnest('{${oids.join(',')}}'::pg_catalog.oid[]) as oid
), parts (classid, objid) as (
  select 'pg_catalog.pg_class'::pg_catalog.regclass, oid from chosen
  union select 'pg_catalog.pg_class'::pg_catalog.regclass, indexrelid from pg_catalog.pg_index where indrelid in (select oid from chosen)
  union select 'pg_catalog.pg_attrdef'::pg_catalog.regclass, oid from pg_catalog.pg_attrdef where adrelid in (select oid from chosen)
  union select 'pg_catalog.pg_constraint'::pg_catalog.regclass, oid from pg_catalog.pg_constraint where conrelid in (select oid from chosen)
  union select 'pg_catalog.pg_trigger'::pg_catalog.regclass, oid from pg_catalog.pg_trigger
    where tgrelid in (select oid from chosen) and not tgisinternal
  union select 'pg_catalog.pg_rewrite'::pg_catalog.regclass, oid from pg_catalog.pg_rewrite where ev_class in (select oid from chosen)
  union select 'pg_catalog.pg_policy'::pg_catalog.regclass, oid from pg_catalog.pg_policy where polrelid in (select oid from chosen)
), dumped as (
  select oid from chosen
  union select indexrelid from pg_catalog.pg_index where indrelid in (select oid from chosen)
  -- The sequence of a serial or an identity comes with its table.
  union select d.objid from pg_catalog.pg_depend d
    where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      and d.deptype in ('a', 'i') and d.refobjid in (select oid from chosen)
)
select coalesce(pg_catalog.jsonb_agg(distinct pg_catalog.pg_describe_object(refclassid, refobjid, 0)), '[]')
from pg_catalog.pg_depend d join parts using (classid, objid)
where d.refobjid >= 16384 and d.deptype in ('n', 'a')
  and (
    (refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and refobjid not in (select oid from dumped)
      and refobjid not in (select indexrelid from pg_catalog.pg_index))
    or refclassid in ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass)
    or (refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass and refobjid not in (
      select t.oid from pg_catalog.pg_type t where t.typrelid in (select oid from chosen)))
  )`

const MOST_NAMED = 10

/** Throws what the session throws. */
export async function readTablesAlone(session: PsqlSession, options: PgDumpOptions): Promise<TablesAlone> {
  const selection = readSelection(options)
  if (selection === undefined) {
    return {
      schemas: [],
      warnings: [
        'These patterns do not show which schemas the tables need; a restore into an empty database may lack them. Dump the whole schemas, or name the tables without patterns.',
      ],
    }
  }
  const candidates = (await session.ask(CANDIDATES)) as Array<[string, string, number, string]>
  const visible = await readVisible(session)
  const chosen = candidates.filter(([schema, name, oid]) =>
    selection.isDumped({ schema, name, isVisible: visible.has(oid) }),
  )
  const owners = new Map(chosen.map(([schema, , , owner]) => [schema, owner]))
  owners.delete('public')
  // A hostile server could send text as a number: in psql's input, it could be a command.
  const lacking = (await session.ask(needsOf(chosen.map(([, , oid]) => Number(oid))))) as string[]
  const named = lacking.slice(0, MOST_NAMED).join(', ')
  const more = lacking.length > MOST_NAMED ? ` and ${lacking.length - MOST_NAMED} more` : ''
  return {
    schemas: [...owners].map(([name, owner]) => ({ name, owner })),
    warnings:
      lacking.length === 0
        ? []
        : [
            `The tables alone cannot be restored into an empty database: they need ${named}${more}. Dump their whole schema, or the whole database.`,
          ],
  }
}
