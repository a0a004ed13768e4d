import { describeError } from '@telegram-backup/errors'
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
  /** As the server last estimated them; 0 before the first time. */
  pages: number
}

// The tables on top are found here: a server that does not know how many partitions there are may plan a
// query for them that takes hours.
const RELATIONS = `
select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(
  namespace.nspname, class.relname,
  case when class.relkind = 'p' then 'partitioned' when of_extension.oid is not null then 'extension'
    when class.relkind = 'f' then 'foreign table' when class.relkind = 'm' then 'materialized view' else 'table' end,
  class.oid::pg_catalog.int8, i.inhparent::pg_catalog.int8,
  pg_catalog.has_table_privilege(class.oid, case
    when pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 170000 then 'UPDATE, DELETE, TRUNCATE'
    else 'UPDATE, DELETE, TRUNCATE, MAINTAIN' end),
  class.relpages
) order by class.relpages, namespace.nspname, class.relname), '[]')
from pg_catalog.pg_class class
join pg_catalog.pg_namespace namespace on namespace.oid = class.relnamespace
left join pg_catalog.pg_inherits i on i.inhrelid = class.oid and class.relispartition
left join pg_catalog.pg_depend member on member.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
  and member.objid = class.oid and member.objsubid = 0 and member.deptype = 'e'
left join pg_catalog.pg_extension of_extension on of_extension.oid = member.refobjid
where class.relkind in ('r', 'f', 'm', 'p') and ${IS_OWN}
  and (class.relkind = 'p' or of_extension.oid is null
    or (class.relkind = 'r' and class.oid = any (of_extension.extconfig)))`

type RelationRow = [
  schema: string,
  name: string,
  kind: HashableRelation['kind'] | 'partitioned',
  oid: number,
  parent: number | null,
  mayLock: boolean,
  pages: number,
]

/** Throws what the session throws. */
export async function readHashable(session: Asked): Promise<HashableRelation[]> {
  const rows = (await session.ask(RELATIONS)) as RelationRow[]
  const byOid = new Map(rows.map(row => [row[3], row]))
  return rows.flatMap(([schema, name, kind, oid, parent, mayLock, pages]): HashableRelation[] => {
    if (kind === 'partitioned') return []
    return [{ schema, name, kind, oid, mayLock, pages: Math.max(0, pages), root: topOf(parent, byOid) }]
  })
}

/** A server may answer with tables that are parts of each other. */
const MOST_LEVELS = 1_000

function topOf(
  parent: number | null,
  byOid: ReadonlyMap<number, RelationRow>,
  level = 0,
): HashableRelation['root'] {
  if (parent === null || level > MOST_LEVELS) return undefined
  const [schema, name, , oid, above] = byOid.get(parent) ?? []
  if (schema === undefined || name === undefined || oid === undefined) return undefined
  return topOf(above ?? null, byOid, level + 1) ?? { schema, name, oid }
}

const BEFORE_HASHES = 'telegram_backup_before_hashes'

/**
 * Ends the cursor, and gives back the locks on tables and their indexes. Kept, they would fill the table of
 * locks, which all sessions of the server share.
 */
const GIVE_BACK = `rollback to savepoint ${BEFORE_HASHES}`

/** Prepares a transaction for all that follows here. Throws what the session throws. */
export async function prepareHashing(session: Asked): Promise<void> {
  await session.ask(PREPARE_HASHING)
  await session.ask(`savepoint ${BEFORE_HASHES}`)
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

const CURSOR = 'telegram_backup_hash'

/** A table and its columns, as `rowTexts` takes them. */
export interface ReadTable {
  schema: string
  name: string
  columns: readonly HashableColumn[]
}

interface How {
  algorithm: HashAlgorithm
  floats: FloatForm
  /** Called once the server has planned the query, and before it reads a row. */
  onPlanned?: () => void
}

/**
 * The hashes of the own rows of at most 100 tables, without those of their children, or the reason why there
 * is none of any. Throws when the session is lost.
 */
export async function hashTables(
  session: Asked,
  tables: readonly ReadTable[],
  how: How,
): Promise<ContentHash[] | LeftOutReason> {
  const texts = tables.map(table => rowTexts(table, { columns: table.columns, floats: how.floats }))
  return await hashTexts(session, texts, how)
}

/** As above, of one table. */
export async function hashTable(
  session: Asked,
  table: ReadTable,
  how: How,
): Promise<ContentHash | LeftOutReason> {
  return onlyOf(await hashTables(session, [table], how))
}

/** Of all large objects together. */
export async function hashLargeObjects(
  session: Asked,
  algorithm: HashAlgorithm,
): Promise<ContentHash | LeftOutReason> {
  return onlyOf(await hashTexts(session, [LARGE_OBJECT_TEXTS], { algorithm }))
}

function onlyOf(hashes: ContentHash[] | LeftOutReason): ContentHash | LeftOutReason {
  return typeof hashes === 'string' ? hashes : (hashes[0] ?? 'refused')
}

async function hashTexts(
  session: Asked,
  texts: readonly string[],
  { algorithm, onPlanned }: Omit<How, 'floats'>,
): Promise<ContentHash[] | LeftOutReason> {
  const sums = texts.map(text => `(${bucketsSql(algorithm, text)})`)
  try {
    await session.ask(
      `declare ${CURSOR} no scroll cursor for select pg_catalog.jsonb_build_array(${sums.join(',\n')})`,
    )
    onPlanned?.()
    const buckets = await session.ask(`fetch ${CURSOR}; ${GIVE_BACK}`)
    // Only the last statement tells of its error.
    return buckets === undefined ? await reasonOf(session) : (buckets as SummedBucket[][]).map(hashOfBuckets)
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
