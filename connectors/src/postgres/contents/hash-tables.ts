import { createHash } from 'node:crypto'
import { BackupError, describeError } from '@telegram-backup/errors'
import {
  type ContentHash,
  hashOfBuckets,
  type SummedBucket,
  sumsText,
} from '#postgres/contents/content-hash.ts'
import type { FloatForm, HashAlgorithm, HashedBy } from '#postgres/contents/hash-record.ts'
import {
  bucketsSql,
  HASH_SETTINGS,
  type HashableColumn,
  LARGE_OBJECT_TEXTS,
  PREPARE_HASHING,
  probeSql,
  rowTexts,
} from '#postgres/contents/hash-sql.ts'
import { IS_OWN } from '#postgres/database-contents.ts'
import type { LeftOutReason } from '#postgres/left-out.ts'
import type { PsqlSession } from '#postgres/psql-session.ts'

/** The part of a session that hashing needs. */
type Asked = Pick<PsqlSession, 'ask' | 'isOpen'>

/** What can have rows of its own, in the order in which it is best hashed: the smallest first. */
export interface HashableRelation {
  schema: string
  name: string
  /** extension: a table whose rows pg_dump saves by a condition of the extension. */
  kind: 'table' | 'foreign table' | 'materialized view' | 'extension'
  oid: number
  /** The partitioned table on top, if this is a partition: rows may move between its partitions. */
  root: { schema: string; name: string; oid: number } | undefined
  /** Whether its user may keep others from changing it. */
  mayLock: boolean
}

const RELATIONS = `
with recursive above (oid, top) as (
  select class.oid, i.inhparent from pg_catalog.pg_class class
  join pg_catalog.pg_inherits i on i.inhrelid = class.oid where class.relispartition
  union all
  select above.oid, i.inhparent from above join pg_catalog.pg_class class on class.oid = above.top
  join pg_catalog.pg_inherits i on i.inhrelid = class.oid where class.relispartition
)
select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(
  namespace.nspname, class.relname,
  case when of_extension.oid is not null then 'extension' when class.relkind = 'f' then 'foreign table'
    when class.relkind = 'm' then 'materialized view' else 'table' end,
  class.oid::pg_catalog.int8, top_namespace.nspname, top.relname, top.oid::pg_catalog.int8,
  pg_catalog.has_table_privilege(class.oid, case
    when pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 170000 then 'UPDATE, DELETE, TRUNCATE'
    else 'UPDATE, DELETE, TRUNCATE, MAINTAIN' end)
) order by class.relpages, namespace.nspname, class.relname), '[]')
from pg_catalog.pg_class class
join pg_catalog.pg_namespace namespace on namespace.oid = class.relnamespace
left join above on above.oid = class.oid
  and not exists (select from pg_catalog.pg_class t where t.oid = above.top and t.relispartition)
left join pg_catalog.pg_class top on top.oid = above.top
left join pg_catalog.pg_namespace top_namespace on top_namespace.oid = top.relnamespace
left join pg_catalog.pg_depend member on member.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
  and member.objid = class.oid and member.objsubid = 0 and member.deptype = 'e'
left join pg_catalog.pg_extension of_extension on of_extension.oid = member.refobjid
where class.relkind in ('r', 'f', 'm') and ${IS_OWN}
  and (of_extension.oid is null or (class.relkind = 'r' and class.oid = any (of_extension.extconfig)))`

/** Throws what the session throws. */
export async function readHashable(session: Asked): Promise<HashableRelation[]> {
  const rows = (await session.ask(RELATIONS)) as Array<
    [string, string, HashableRelation['kind'], number, string | null, string | null, number | null, boolean]
  >
  return rows.map(([schema, name, kind, oid, topSchema, topName, topOid, mayLock]) => ({
    ...{ schema, name, kind, oid, mayLock },
    root:
      topSchema === null || topName === null || topOid === null
        ? undefined
        : { schema: topSchema, name: topName, oid: topOid },
  }))
}

/** Prepares a transaction for all that follows here. Throws what the session throws. */
export async function prepareHashing(session: Asked): Promise<void> {
  await session.ask(PREPARE_HASHING)
}

/**
 * What hashes of this database are comparable by. Undefined where the server has no such hash (10 and older).
 * Throws what the session throws.
 */
export async function readHashedBy(session: Asked, algorithm: HashAlgorithm): Promise<HashedBy | undefined> {
  const [number, version, encoding] = (await session.ask(SERVER)) as [number, string, string]
  if (number < 110_000) return undefined
  const probe = hashOfBuckets((await session.ask(probeSql(algorithm))) as SummedBucket[])
  return {
    ...{ algorithm, probe: sumsText(probe), encoding, server_version: version },
    floats: number < 120_000 ? 'binary' : 'text',
    settings: { ...HASH_SETTINGS },
  }
}

const SERVER = `select pg_catalog.jsonb_build_array(
  pg_catalog.current_setting('server_version_num')::pg_catalog.int4, pg_catalog.current_setting('server_version'),
  pg_catalog.getdatabaseencoding())`

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
function numberOf(oid: number): number {
  if (Number.isSafeInteger(oid) && oid > 0) return oid
  throw new BackupError('The server named a table by an oid that is none', { code: 'SOURCE' })
}

/**
 * Conservative: any composite type counts as one that holds floats. Without quotes, since which names need
 * them differs between versions.
 */
const columnsSql = (oid: number): string => `
with recursive own as (
  select attname, attnum, atttypid, pg_catalog.replace(pg_catalog.format_type(atttypid, atttypmod), '"', '') as shown,
    coalesce(pg_catalog.to_jsonb(a)->>'attgenerated', '') <> '' as is_generated
  from pg_catalog.pg_attribute a where attrelid = ${numberOf(oid)} and attnum > 0 and not attisdropped
), base (attnum, oid) as (
  select attnum, atttypid from own
  union all
  select attnum, t.typbasetype from base join pg_catalog.pg_type t on t.oid = base.oid where t.typtype = 'd'
)
select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(
  attname, shown, is_generated,
  case when t.oid in (700, 701) then 'float' when t.oid = 18 then 'char' else 'other' end,
  t.typtype in ('c', 'r', 'm') or t.oid in (600, 601, 602, 603, 604, 628, 718) or (t.typlen = -1 and element.oid is not null
    and (element.oid in (700, 701) or element.typcategory = 'G' or element.typtype in ('c', 'd', 'r')))
) order by attname::pg_catalog.text collate "C"), '[]')
from own join base using (attnum) join pg_catalog.pg_type t on t.oid = base.oid and t.typtype <> 'd'
left join pg_catalog.pg_type element on element.oid = t.typelem`

/** Throws what the session throws. */
export async function readColumns(session: Asked, { oid }: HashableRelation): Promise<TableColumns> {
  const all = (await session.ask(columnsSql(oid))) as Array<
    [string, string, boolean, HashableColumn['kind'], boolean]
  >
  const dumped = all.filter(([, , isGenerated]) => !isGenerated)
  const shown = JSON.stringify(dumped.map(([name, type]) => [name, type]))
  return {
    columns: dumped.map(([name, , , kind]) => ({ name, kind })),
    fingerprint: createHash('sha256').update(shown).digest('hex').slice(0, 8),
    hasGenerated: dumped.length < all.length,
    hasNestedFloats: dumped.some(([, , , , isNested]) => isNested),
  }
}

const CURSOR = 'telegram_backup_hash'

/**
 * The hash of a table's own rows, without those of its children, or the reason why there is none. Throws when
 * the session is lost.
 * @param onPlanned called once the server has planned the query, and before it reads a row
 */
export async function hashTable(
  session: Asked,
  table: { schema: string; name: string },
  of: {
    columns: readonly HashableColumn[]
    algorithm: HashAlgorithm
    floats: FloatForm
    onPlanned?: () => void
  },
): Promise<ContentHash | LeftOutReason> {
  return await hashTexts(session, rowTexts(table, of), of)
}

/** Of all large objects together. */
export async function hashLargeObjects(
  session: Asked,
  algorithm: HashAlgorithm,
): Promise<ContentHash | LeftOutReason> {
  return await hashTexts(session, LARGE_OBJECT_TEXTS, { algorithm })
}

async function hashTexts(
  session: Asked,
  texts: string,
  { algorithm, onPlanned }: { algorithm: HashAlgorithm; onPlanned?: () => void },
): Promise<ContentHash | LeftOutReason> {
  try {
    await session.ask(`declare ${CURSOR} no scroll cursor for ${bucketsSql(algorithm, texts)}`)
    onPlanned?.()
    const buckets = await session.ask(`fetch ${CURSOR}; close ${CURSOR}`)
    // Only the last statement tells of its error.
    return buckets === undefined ? await reasonOf(session) : hashOfBuckets(buckets as SummedBucket[])
  } catch (error) {
    if (describeError(error).code !== 'POSTGRES' || !session.isOpen) throw error
    return await reasonOf(session)
  }
}

/** Why the session's last query failed. */
async function reasonOf(session: Asked): Promise<LeftOutReason> {
  const state = String(await session.ask(LAST_STATE))
  if (state === '42501') return 'rights'
  if (state === '55P03') return 'lock'
  if (state === '57014') return 'time'
  // Internal errors tell of more memory than the server allows for one value.
  return state.startsWith('54') || state.startsWith('53') || state === 'XX000' ? 'size' : 'refused'
}

/** psql puts its variable in. */
const LAST_STATE = `select pg_catalog.to_json(:'LAST_ERROR_SQLSTATE'::pg_catalog.text)`
