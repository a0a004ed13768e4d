import { describeError } from '#lib/backups/backup-error.ts'
import type { PsqlSession } from '#postgres/psql-session.ts'
import { quoteName } from '#restore/postgres/sql-text.ts'

/** A table or a sequence of people's own: none of an extension's, none of PostgreSQL's. */
export interface OwnRelation {
  schema: string
  name: string
  kind: 'table' | 'sequence'
  /** Whether its name alone finds it. */
  isVisible: boolean
}

/**
 * A table's rows by name; null where they were not counted. A sequence's last value, null before its first. Of several
 * values, since a sequence stands in no snapshot, the least and the greatest.
 */
export type TableRows = [schema: string, table: string, rows: number | null]
export type SequenceValue = [schema: string, sequence: string, value: string | null]

const IS_OWN = `namespace.nspname !~ '^pg_' and namespace.nspname <> 'information_schema'`

/** Objects that an extension brings, which another version of it may not have. */
const ofExtension = (catalog: string, oid: string, kinds: string = `'e'`): string => `exists (
  select from pg_catalog.pg_depend d
  where d.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass and d.objid = ${oid} and d.deptype in (${kinds}))`

// The small ones first: should the time end, most are known. Partitioned tables hold their rows in their partitions.
const RELATIONS = `
select coalesce(jsonb_agg(jsonb_build_array(
  nspname, relname, case relkind when 'S' then 'sequence' else 'table' end, pg_catalog.pg_table_is_visible(class.oid)
) order by relpages, nspname, relname), '[]')
from pg_catalog.pg_class class join pg_catalog.pg_namespace namespace on namespace.oid = relnamespace
where relkind in ('r', 'S') and ${IS_OWN} and not ${ofExtension('pg_class', 'class.oid')}`

const SEQUENCES = `
select coalesce(jsonb_agg(jsonb_build_array(nspname, relname, pg_catalog.pg_sequence_last_value(class.oid)::text)
  order by nspname, relname), '[]')
from pg_catalog.pg_class class join pg_catalog.pg_namespace namespace on namespace.oid = relnamespace
where relkind = 'S' and ${IS_OWN} and not ${ofExtension('pg_class', 'class.oid')}`

/**
 * Counted so that every server that a dump can go to counts the same: without what PostgreSQL makes by itself for
 * partitions (more of it in newer versions), for ranges, or in `public`.
 */
const OBJECTS = `
with own as (
  select class.oid, relkind from pg_catalog.pg_class class
  join pg_catalog.pg_namespace namespace on namespace.oid = relnamespace
  where ${IS_OWN} and not ${ofExtension('pg_class', 'class.oid')}
), spaces as (
  select oid, nspname from pg_catalog.pg_namespace namespace where ${IS_OWN}
)
select jsonb_build_object(
  'schemas', (select count(*) from spaces where nspname <> 'public' and not ${ofExtension('pg_namespace', 'spaces.oid')}),
  'tables', (select count(*) from own where relkind in ('r', 'p')),
  'foreign tables', (select count(*) from own where relkind = 'f'),
  'views', (select count(*) from own where relkind = 'v'),
  'materialized views', (select count(*) from own where relkind = 'm'),
  'sequences', (select count(*) from own where relkind = 'S'),
  'indexes', (select count(*) from pg_catalog.pg_index where indrelid in (select oid from own)),
  'constraints', (
    select count(*) from pg_catalog.pg_constraint c
    where conrelid in (select oid from own) and contype in ('c', 'f', 'p', 'u', 'x')
      and coalesce(to_jsonb(c)->>'conparentid', '0') = '0'),
  'triggers', (
    select count(*) from pg_catalog.pg_trigger t
    where tgrelid in (select oid from own) and not tgisinternal and coalesce(to_jsonb(t)->>'tgparentid', '0') = '0'),
  'rules', (select count(*) from pg_catalog.pg_rewrite where ev_class in (select oid from own) and ev_type <> '1'),
  'policies', (select count(*) from pg_catalog.pg_policy where polrelid in (select oid from own)),
  'functions', (
    select count(*) from pg_catalog.pg_proc p
    where pronamespace in (select oid from spaces) and not ${ofExtension('pg_proc', 'p.oid', `'e', 'i'`)}),
  'types', (
    select count(*) from pg_catalog.pg_type t
    where typnamespace in (select oid from spaces) and not ${ofExtension('pg_type', 't.oid')}
      and (typtype in ('d', 'e', 'r') or (typtype = 'c' and exists (
        select from pg_catalog.pg_class where oid = typrelid and relkind = 'c')))),
  'extensions', (select count(*) from pg_catalog.pg_extension where extname <> 'plpgsql'),
  'event triggers', (
    select count(*) from pg_catalog.pg_event_trigger e where not ${ofExtension('pg_event_trigger', 'e.oid')}),
  'large objects', (select count(*) from pg_catalog.pg_largeobject_metadata)
)`

/** All tables and sequences; to be asked before {@link prepareCounting}. Throws what the session throws. */
export async function readRelations(session: PsqlSession): Promise<OwnRelation[]> {
  const rows = (await session.ask(RELATIONS)) as Array<[string, string, OwnRelation['kind'], boolean]>
  return rows.map(([schema, name, kind, isVisible]) => ({ schema, name, kind, isVisible }))
}

/** Every sequence with its last value, as it is now. Throws what the session throws. */
export async function readSequences(session: PsqlSession): Promise<SequenceValue[]> {
  return (await session.ask(SEQUENCES)) as SequenceValue[]
}

/** How many objects of each kind there are. Throws what the session throws. */
export async function countObjects(session: PsqlSession): Promise<Record<string, number>> {
  return (await session.ask(OBJECTS)) as Record<string, number>
}

/**
 * Has the session count gently and truly: by one process, without waiting for locks, no statement for longer than `statementMs`;
 * hidden rows are an error and no smaller number; no function of the database's own stands in for one of PostgreSQL's.
 */
export async function prepareCounting(session: PsqlSession, statementMs: number): Promise<void> {
  await session.ask(
    `set application_name = 'telegram-backup count'; set statement_timeout = ${statementMs}; set lock_timeout = '1s'; set max_parallel_workers_per_gather = 0;
     set row_security = off; set search_path = pg_catalog`,
  )
}

/** A table's rows, without those of its children; null when the server does not count them. Throws when there is no session. */
export async function countRows(
  session: PsqlSession,
  { schema, name }: Pick<OwnRelation, 'schema' | 'name'>,
): Promise<number | null> {
  const from = `${quoteName(schema)}.${quoteName(name)}`
  try {
    const count = await session.ask(`select to_json(count(*)) from only ${from}`)
    // A connection that was lost before the statement itself: psql has no error to tell.
    return typeof count === 'number' ? count : null
  } catch (error) {
    if (describeError(error).code === 'POSTGRES' && session.isOpen) return null
    throw error
  }
}
