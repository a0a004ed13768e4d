import type { FloatForm, HashAlgorithm } from '#postgres/contents/hash-record.ts'
import { quoteName, quoteText } from '#postgres/sql-text.ts'

/** By which the text of a row is the same on every server. */
export const HASH_SETTINGS: Readonly<Record<string, string>> = {
  datestyle: 'ISO, YMD',
  intervalstyle: 'postgres',
  extra_float_digits: '3',
  timezone: 'UTC',
  bytea_output: 'hex',
  lc_monetary: 'C',
  xmlbinary: 'base64',
  // The names that regclass and the like give.
  quote_all_identifiers: 'off',
}

/**
 * For a transaction that hashes. It reads no views where the server knows how to refuse that, hidden rows are
 * an error, and the planner neither looks at constraints, which may call functions, nor takes more processors
 * than one. It reads the table itself, as pg_dump does: an index may lack rows, for example after an upgrade
 * of the system's collations.
 */
export const PREPARE_HASHING: string = `set local jit = off;
select pg_catalog.set_config(name, 'view, foreign-table', true) from pg_catalog.pg_settings
where name = 'restrict_nonsystem_relation_kind';
select pg_catalog.to_json(array[${Object.entries({
  ...HASH_SETTINGS,
  ...{ row_security: 'off', constraint_exclusion: 'off', max_parallel_workers_per_gather: '0' },
  enable_indexonlyscan: 'off',
})
  .map(([name, value]) => `pg_catalog.set_config(${quoteText(name)}, ${quoteText(value)}, true)`)
  .join(', ')}])`

export interface HashableColumn {
  name: string
  /** `float`: itself or its domain a float4 or float8 · `char`: the type "char" of one byte. */
  kind: 'float' | 'char' | 'other'
}

/** Two numbers of 64 bits for each text `r`. */
const NUMBERS: Readonly<Record<HashAlgorithm, (texts: string) => string>> = {
  fast: texts => `
  select pg_catalog.hashtextextended(r, 0) a, pg_catalog.hashtextextended(r, 7046029254386353131) b
  from (${texts} offset 0) x offset 0`,
  sha256: texts => `
  select ('x' || pg_catalog.encode(pg_catalog.substr(d, 1, 8), 'hex'))::pg_catalog.bit(64)::pg_catalog.int8 a,
    ('x' || pg_catalog.encode(pg_catalog.substr(d, 9, 8), 'hex'))::pg_catalog.bit(64)::pg_catalog.int8 b
  from (
    select pg_catalog.sha256(pg_catalog.convert_to(r, pg_catalog.getdatabaseencoding())) d
    from (${texts} offset 0) x offset 0) y offset 0`,
}

/**
 * The buckets of all texts `r`, as JSON. Without `offset 0` the planner would make each text once for each of
 * its uses, which takes twice to four times as long.
 */
export function bucketsSql(algorithm: HashAlgorithm, texts: string): string {
  return `select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(bucket, n, a::pg_catalog.text, b::pg_catalog.text)), '[]')
from (
  select a & 15 as bucket, pg_catalog.count(*) n, pg_catalog.sum(a) a, pg_catalog.sum(b) b
  from (${NUMBERS[algorithm](texts)}) hashed group by 1) summed`
}

/**
 * The text of each row of a table, without those of its children. Only output functions of types build it,
 * which a superuser has made: `t::text` could call a cast of the owner.
 */
export function rowTexts(
  { schema, name }: { schema: string; name: string },
  { columns, floats }: { columns: readonly HashableColumn[]; floats: FloatForm },
): string {
  const values = columns.map(column => hashedValue(column, floats)).join(', ')
  return `select row(${values})::pg_catalog.text collate "C" as r from only ${quoteName(schema)}.${quoteName(name)} as t`
}

function hashedValue({ name, kind }: HashableColumn, floats: FloatForm): string {
  const column = `t.${quoteName(name)}`
  if (kind === 'float' && floats === 'binary') return `pg_catalog.float8send(${column})`
  // Its text for bytes above 127 has changed in 16.
  return kind === 'char' ? `pg_catalog.int4(${column})` : column
}

const PIECE_BYTES = 1024 * 1024

/** The text of each piece of each large object: its oid, its number from 0, its bytes. */
export const LARGE_OBJECT_TEXTS: string = `
select row(object.oid, n, pg_catalog.lo_get(object.oid, n * ${PIECE_BYTES}, ${PIECE_BYTES}))::pg_catalog.text collate "C" as r
from pg_catalog.pg_largeobject_metadata object,
  lateral (select pg_catalog.lo_open(object.oid, 262144) as fd offset 0) opened,
  lateral (select pg_catalog.lo_lseek64(fd, 0, 2) as size offset 0) measured,
  lateral (select pg_catalog.lo_close(fd) as closed from (select size offset 0) s where size >= 0 offset 0) closing,
  lateral pg_catalog.generate_series(0, case when closed = 0 then greatest(size - 1, 0) end / ${PIECE_BYTES}) as n`

/** What the server makes of a text that everybody knows. */
export function probeSql(algorithm: HashAlgorithm): string {
  return bucketsSql(algorithm, `select 'telegram-backup'::pg_catalog.text collate "C" as r`)
}
