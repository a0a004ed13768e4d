import { describeError } from '@telegram-backup/errors'
import type { PsqlSession } from '#postgres/psql-session.ts'
import { EMPTY_SEARCH_PATH, quoteName } from '#postgres/sql-text.ts'

/** A table or sequence that belongs neither to an extension nor to PostgreSQL. */
export interface OwnRelation {
  schema: string
  name: string
  kind: 'table' | 'sequence'
  /** Whether its name finds it without a schema, by the search path of the database or user. */
  isVisible: boolean
  /** A column that is fast to read; null where all have defaults. */
  column: string | null
}

/** Number of rows; null where they were not counted. Last value; null before the first. */
export type TableRows = [schema: string, table: string, rows: number | null]
export type SequenceValue = [schema: string, sequence: string, value: string | null]

/** Condition on `namespace`, a row of pg_namespace: not PostgreSQL's own. */
export const IS_OWN: string = `namespace.nspname !~ '^pg_' and namespace.nspname <> 'information_schema'`

/** Condition: the object belongs to an extension, whose other versions may lack it. */
const ofExtension = (catalog: string, oid: string, kinds: string = `'e'`): string => `exists (
  select from pg_catalog.pg_depend d
  where d.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass and d.objid = ${oid} and d.deptype in (${kinds}))`

/** Preferably short. A column with a default may be generated, which COPY does not read by name. */
const COLUMN = `(
  select attname from pg_catalog.pg_attribute
  where attrelid = class.oid and attnum > 0 and not attisdropped and not atthasdef
  order by attlen < 0, attlen, attnum limit 1)`

// Small tables first, in case the time ends. Partitioned tables have their rows in partitions.
const RELATIONS = `
select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(
  nspname, relname, case relkind when 'S' then 'sequence' else 'table' end, class.oid::bigint, ${COLUMN}
) order by relpages, nspname, relname), '[]')
from pg_catalog.pg_class class join pg_catalog.pg_namespace namespace on namespace.oid = relnamespace
where relkind in ('r', 'S') and ${IS_OWN} and not ${ofExtension('pg_class', 'class.oid')}`

/** pg_dump reads patterns by the user's search path. While that holds, each name here has its schema. */
const BY_THEIR_PATH = 'set local search_path to default'
const VISIBLE = `
select coalesce(pg_catalog.jsonb_agg(class.oid::pg_catalog.int8), '[]'::pg_catalog.jsonb)
from pg_catalog.pg_class class
where class.relkind operator(pg_catalog.=) any ('{r,p,v,m,f,S}'::pg_catalog."char"[])
  and pg_catalog.pg_table_is_visible(class.oid)`

const SEQUENCES = `
select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(nspname, relname, pg_catalog.pg_sequence_last_value(class.oid)::pg_catalog.text)
  order by nspname, relname), '[]')
from pg_catalog.pg_class class join pg_catalog.pg_namespace namespace on namespace.oid = relnamespace
where relkind = 'S' and ${IS_OWN} and not ${ofExtension('pg_class', 'class.oid')}`

/**
 * Counts that are the same on each server that a dump can go to: without what PostgreSQL itself makes for
 * partitions (newer versions make more), for ranges, or in `public`.
 */
const OBJECTS = `
with own as (
  select class.oid, relkind from pg_catalog.pg_class class
  join pg_catalog.pg_namespace namespace on namespace.oid = relnamespace
  where ${IS_OWN} and not ${ofExtension('pg_class', 'class.oid')}
), spaces as (
  select oid, nspname from pg_catalog.pg_namespace namespace where ${IS_OWN}
)
select pg_catalog.jsonb_build_object(
  'schemas', (select pg_catalog.count(*) from spaces where nspname <> 'public' and not ${ofExtension('pg_namespace', 'spaces.oid')}),
  'tables', (select pg_catalog.count(*) from own where relkind in ('r', 'p')),
  'foreign tables', (select pg_catalog.count(*) from own where relkind = 'f'),
  'views', (select pg_catalog.count(*) from own where relkind = 'v'),
  'materialized views', (select pg_catalog.count(*) from own where relkind = 'm'),
  'sequences', (select pg_catalog.count(*) from own where relkind = 'S'),
  'indexes', (select pg_catalog.count(*) from pg_catalog.pg_index where indrelid in (select oid from own)),
  'constraints', (
    select pg_catalog.count(*) from pg_catalog.pg_constraint c
    where conrelid in (select oid from own) and contype in ('c', 'f', 'p', 'u', 'x')
      and coalesce(pg_catalog.to_jsonb(c)->>'conparentid', '0') = '0'),
  'triggers', (
    select pg_catalog.count(*) from pg_catalog.pg_trigger t
    where tgrelid in (select oid from own) and not tgisinternal and coalesce(pg_catalog.to_jsonb(t)->>'tgparentid', '0') = '0'),
  'rules', (select pg_catalog.count(*) from pg_catalog.pg_rewrite where ev_class in (select oid from own) and ev_type <> '1'),
  'policies', (select pg_catalog.count(*) from pg_catalog.pg_policy where polrelid in (select oid from own)),
  'functions', (
    select pg_catalog.count(*) from pg_catalog.pg_proc p
    where pronamespace in (select oid from spaces) and not ${ofExtension('pg_proc', 'p.oid', `'e', 'i'`)}),
  'types', (
    select pg_catalog.count(*) from pg_catalog.pg_type t
    where typnamespace in (select oid from spaces) and not ${ofExtension('pg_type', 't.oid')}
      and (typtype in ('d', 'e', 'r') or (typtype = 'c' and exists (
        select from pg_catalog.pg_class where oid = typrelid and relkind = 'c')))),
  'extensions', (select pg_catalog.count(*) from pg_catalog.pg_extension where extname <> 'plpgsql'),
  'event triggers', (
    select pg_catalog.count(*) from pg_catalog.pg_event_trigger e where not ${ofExtension('pg_event_trigger', 'e.oid')}),
  'large objects', (select pg_catalog.count(*) from pg_catalog.pg_largeobject_metadata)
)`

/** Name of a session that counts. */
const COUNTING = 'telegram-backup count'

/** All tables and sequences. All functions here throw what the session throws. */
export async function readRelations(session: PsqlSession): Promise<OwnRelation[]> {
  const rows = (await session.ask(RELATIONS)) as Array<
    [string, string, OwnRelation['kind'], number, string | null]
  >
  const visible = await readVisible(session)
  return rows.map(([schema, name, kind, oid, column]) => ({
    ...{ schema, name, kind, column },
    isVisible: visible.has(oid),
  }))
}

/** The oids of all tables, views and sequences that are found without their schema. */
export async function readVisible(session: PsqlSession): Promise<Set<number>> {
  await session.ask(BY_THEIR_PATH)
  const visible = await session.ask(VISIBLE).finally(() => session.ask(EMPTY_SEARCH_PATH))
  return new Set(visible as number[])
}

export async function readSequences(session: PsqlSession): Promise<SequenceValue[]> {
  return (await session.ask(SEQUENCES)) as SequenceValue[]
}

export async function countObjects(session: PsqlSession): Promise<Record<string, number>> {
  return (await session.ask(OBJECTS)) as Record<string, number>
}

/**
 * Prepares a transaction for counting: it waits for no lock, no statement takes longer than `statementMs`,
 * hidden rows are an error, and views are not read where the server supports that.
 */
export async function prepareCounting(session: PsqlSession, statementMs: number): Promise<void> {
  await session.ask(
    `select pg_catalog.to_json(array[pg_catalog.set_config('application_name', '${COUNTING}', true),
       pg_catalog.set_config('statement_timeout', '${statementMs}', true),
       pg_catalog.set_config('lock_timeout', '1s', true), pg_catalog.set_config('row_security', 'off', true)]);
     select pg_catalog.to_json(pg_catalog.set_config(name, 'view, foreign-table', true)) from pg_catalog.pg_settings
     where name = 'restrict_nonsystem_relation_kind'`,
  )
}

/**
 * A table's rows, without those of its children; null when the server refuses. Throws when there is no
 * session.
 * Counted by COPY, as pg_dump reads: `select count(*)` would call functions of the table's owner with our
 * rights (predicates of indexes). COPY refuses a table that has become a view or a foreign table.
 */
export async function countRows(
  session: PsqlSession,
  { schema, name, column }: Pick<OwnRelation, 'schema' | 'name' | 'column'>,
): Promise<number | null> {
  const what = column === null ? '' : ` (${quoteName(column)})`
  try {
    return await session.countCopied(`copy ${quoteName(schema)}.${quoteName(name)}${what} to stdout`)
  } catch (error) {
    if (describeError(error).code === 'POSTGRES' && session.isOpen) return null
    throw error
  }
}
