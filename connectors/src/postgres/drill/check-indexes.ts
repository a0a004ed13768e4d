import { describeError } from '@telegram-backup/errors'
import type { Difference } from '#drilling.ts'
import { IS_OWN } from '#postgres/database-contents.ts'
import type { Maker } from '#postgres/drill/rehearse-database.ts'
import { queryJson } from '#postgres/psql.ts'
import type { PsqlSession } from '#postgres/psql-session.ts'
import { quoteName } from '#postgres/sql-text.ts'

/** What amcheck says of the restored indexes and tables. */
export interface SoundIndexes {
  differences: Difference[]
  /** For people. */
  note: string
}

/** Longest time for all of it. */
const CHECK_MS = 60_000

/**
 * Functions in C of amcheck's own library, which only a superuser can make, whatever else a dump has put into
 * that extension.
 */
const FUNCTIONS = `
select coalesce(pg_catalog.jsonb_object_agg(p.prosrc, namespace.nspname), '{}')
from pg_catalog.pg_proc p join pg_catalog.pg_namespace namespace on namespace.oid = p.pronamespace
join pg_catalog.pg_language l on l.oid = p.prolang
join pg_catalog.pg_roles owner on owner.oid = p.proowner
where p.probin = '$libdir/amcheck' and l.lanname = 'c' and owner.rolsuper
  and p.prosrc in ('bt_index_check', 'verify_heapam') and pg_catalog.has_function_privilege(p.oid, 'EXECUTE')`

/**
 * B-trees of tables with rows of their own, small ones first. Whether all rows of the table are in the index
 * is asked only where that calls no function of the dump: one that is not as constant as it says would be a
 * false alarm.
 */
const INDEXES = `
select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(
  i.indexrelid::pg_catalog.int8, namespace.nspname || '.' || class.relname,
  i.indexprs is null and i.indpred is null) order by pg_catalog.pg_relation_size(i.indexrelid)), '[]')
from pg_catalog.pg_index i
join pg_catalog.pg_class class on class.oid = i.indexrelid
join pg_catalog.pg_am am on am.oid = class.relam
join pg_catalog.pg_namespace namespace on namespace.oid = class.relnamespace
where am.amname = 'btree' and class.relkind = 'i' and class.relpersistence <> 't'
  and i.indisvalid and i.indisready and ${IS_OWN}`

const TABLES = `
select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(
  class.oid::pg_catalog.int8, namespace.nspname || '.' || class.relname) order by pg_catalog.pg_relation_size(class.oid)), '[]')
from pg_catalog.pg_class class
join pg_catalog.pg_namespace namespace on namespace.oid = class.relnamespace
join pg_catalog.pg_am am on am.oid = class.relam
where am.amname = 'heap' and class.relkind in ('r', 'm') and class.relpersistence <> 't' and ${IS_OWN}`

/** What is made for it, beside all that was restored. */
const SCHEMA = quoteName('telegram_backup_amcheck')

/**
 * Creates amcheck in a restored database, where that server has it, and lends it to the reader. To be called
 * once everything else was compared: it is one extension more. Never rejects.
 */
export async function lendAmcheck(
  { connection, isSuperuser, reader }: Maker,
  options: { psql: string; signal: AbortSignal },
): Promise<void> {
  if (!isSuperuser) return
  const statements = [
    'set local statement_timeout = 0',
    `create schema ${SCHEMA}`,
    `create extension amcheck schema ${SCHEMA}`,
    ...(reader === undefined
      ? []
      : [
          `grant usage on schema ${SCHEMA} to ${quoteName(reader)}`,
          `grant execute on all functions in schema ${SCHEMA} to ${quoteName(reader)}`,
        ]),
  ]
  await queryJson(connection, statements.join(';\n'), { ...options, mode: 'read write' }).catch(() => {})
}

interface Check {
  kind: 'index' | 'table'
  object: string
  /** One value as JSON: what is wrong, null for nothing. */
  sql: string
}

/**
 * Checks with amcheck, in the session's transaction, that indexes and tables are sound, for a minute at most.
 * Undefined where that role may not call it. Throws what the session throws when it is lost.
 */
export async function checkIndexes(session: PsqlSession): Promise<SoundIndexes | undefined> {
  const schemas = (await session.ask(FUNCTIONS)) as Record<string, string | undefined>
  const { bt_index_check: ofIndexes, verify_heapam: ofTables } = schemas
  if (ofIndexes === undefined) return undefined
  const checks = [
    ...(await indexChecks(session, ofIndexes)),
    ...(ofTables === undefined ? [] : await tableChecks(session, ofTables)),
  ]
  const endMs = performance.now() + CHECK_MS
  const differences: Difference[] = []
  const done = { index: 0, table: 0 }
  for (const check of checks) {
    const leftMs = Math.ceil(endMs - performance.now())
    if (leftMs <= 0) break
    const wrong = await wrongBy(session, check, leftMs)
    if (wrong === undefined) continue
    done[check.kind]++
    if (wrong !== null) differences.push(notSound(check, wrong))
  }
  return { differences, note: noteOf(done, { checks, isSound: differences.length === 0 }) }
}

async function indexChecks(session: PsqlSession, schema: string): Promise<Check[]> {
  const indexes = (await session.ask(INDEXES)) as Array<[number, string, boolean]>
  return indexes.map(([oid, object, isWhole]) => ({
    ...{ kind: 'index', object },
    sql: `select pg_catalog.to_json(null::pg_catalog.text) from ${quoteName(schema)}.bt_index_check(${oid}::pg_catalog.oid::pg_catalog.regclass, ${isWhole})`,
  }))
}

async function tableChecks(session: PsqlSession, schema: string): Promise<Check[]> {
  const tables = (await session.ask(TABLES)) as Array<[number, string]>
  return tables.map(([oid, object]) => ({
    ...{ kind: 'table', object },
    sql: `select pg_catalog.to_json(pg_catalog.min(msg)) from ${quoteName(schema)}.verify_heapam(${oid}::pg_catalog.oid::pg_catalog.regclass, true)`,
  }))
}

/** Null for nothing; undefined if it could not be checked, or not in that time. */
async function wrongBy(
  session: PsqlSession,
  { sql }: Check,
  leftMs: number,
): Promise<string | null | undefined> {
  try {
    await session.ask(`set local statement_timeout = ${leftMs}`)
    return ((await session.ask(sql)) ?? null) as string | null
  } catch (error) {
    const { code, message } = describeError(error)
    if (code !== 'POSTGRES' || !session.isOpen) throw error
    const state = await session.ask(`select pg_catalog.to_json(:'LAST_ERROR_SQLSTATE'::pg_catalog.text)`)
    return CORRUPTED.has(String(state)) ? message : undefined
  }
}

/** data_corrupted, index_corrupted */
const CORRUPTED: ReadonlySet<string> = new Set(['XX001', 'XX002'])

function notSound({ kind, object }: Check, wrong: string): Difference {
  const expected = `a sound ${kind}`
  return {
    ...{ kind, object, change: 'changed', expected, found: 'not sound' },
    reason: `${kind} ${object}: restored, it is not sound: ${wrong}`,
  }
}

function noteOf(
  done: Readonly<Record<Check['kind'], number>>,
  { checks, isSound }: { checks: readonly Check[]; isSound: boolean },
): string {
  const of = (kind: Check['kind'], noun: string): string[] => {
    const all = checks.filter(check => check.kind === kind).length
    if (kind === 'table' && all === 0) return []
    const ending = all === 1 ? noun : kind === 'index' ? `${noun}es` : `${noun}s`
    return [`${done[kind] === all ? '' : `${done[kind]} of `}${all} ${ending}`]
  }
  const what = [...of('index', 'B-tree index'), ...of('table', 'table')].join(' and ')
  return `amcheck has checked ${what} after the restore${isSound ? ': they are sound' : ''}.`
}
