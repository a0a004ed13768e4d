import type { Drill } from '#drilling.ts'
import { addHashes, type ContentHash } from '#postgres/contents/content-hash.ts'
import type { ContentHashes, HashedTable } from '#postgres/contents/hash-record.ts'
import {
  type HashableRelation,
  hashLargeObjects,
  hashTable,
  prepareHashing,
  readHashable,
  readHashedBy,
} from '#postgres/contents/hash-tables.ts'
import { readColumns } from '#postgres/contents/table-columns.ts'
import type { RestoredHashes } from '#postgres/drill/compare-hashes.ts'
import { keyOf } from '#postgres/drill/table-key.ts'
import { LEFT_OUT_REASONS, type LeftOutReason } from '#postgres/left-out.ts'
import type { PsqlSession } from '#postgres/psql-session.ts'

/**
 * Hashes what the record holds, in the session's transaction, as long as it takes. A text says why no hash of
 * that server can be compared. Throws what the session throws when it is lost.
 */
export async function readHashes(
  session: PsqlSession,
  recorded: ContentHashes,
  onCompare: Drill['onCompare'],
): Promise<RestoredHashes | string> {
  await prepareHashing(session)
  const incomparable = await incomparableIn(session, recorded)
  if (incomparable !== undefined) return incomparable
  const relations = (await readHashable(session)).filter(({ kind }) => kind === 'table')
  const named = new Set(recorded.tables.map(([schema, name]) => keyOf(schema, name)))
  // A send of single tables may have left out the table on top.
  const topOf = (one: HashableRelation): Named => (named.has(keyIn(one)) ? one : (one.root ?? one))
  const rootOf = new Map(relations.map(one => [keyIn(one), keyIn(topOf(one))]))
  const wanted = relations.filter(one => recorded.others !== undefined || named.has(keyIn(topOf(one))))
  const tables = new Map<string, HashedTable>()
  const refused = new Map<string, string>()
  const rowsOf = new Map<string, number>()
  for (const [done, relation] of wanted.entries()) {
    const { schema, name } = topOf(relation)
    onCompare?.({ done, of: wanted.length, object: `${relation.schema}.${relation.name}` })
    const key = keyOf(schema, name)
    if (refused.has(key)) continue
    const [read] = await readColumns(session, [relation])
    if (read === undefined) continue
    const { columns, fingerprint, hasGenerated } = read
    const hash = await hashTable(session, { ...relation, columns }, recorded)
    if (typeof hash === 'string') {
      refused.set(key, refusalWords(hash))
      tables.delete(key)
      continue
    }
    rowsOf.set(keyIn(relation), hash.rows)
    const before = tables.get(key)
    tables.set(key, {
      ...{ schema, name, hasGenerated, columns: fingerprint },
      hash: before === undefined ? hash : addHashes(before.hash, hash),
    })
  }
  const largeObjects = await readLargeObjects(session, recorded)
  return { tables: [...tables.values()], rootOf, rowsOf, refused, largeObjects }
}

type Named = Pick<HashableRelation, 'schema' | 'name'>

function keyIn({ schema, name }: Named): string {
  return keyOf(schema, name)
}

/** Why hashes of this server say nothing about the recorded ones; undefined if they do. */
async function incomparableIn(session: PsqlSession, recorded: ContentHashes): Promise<string | undefined> {
  const { version, algorithm, probe, encoding, server_version } = recorded
  if (version !== 1 || (algorithm !== 'fast' && algorithm !== 'sha256'))
    return 'a newer version of this program has hashed it'
  const here = await readHashedBy(session, algorithm)
  if (here === undefined) return 'the server of the drill is too old to hash it'
  if (here.encoding !== encoding)
    return `it was hashed in the encoding ${encoding}, and the database of the drill has ${here.encoding}`
  if (here.probe !== probe)
    return `the server of the drill hashes in another way (the byte order of its processor), PostgreSQL ${server_version} at the source`
  return undefined
}

async function readLargeObjects(
  session: PsqlSession,
  { large_objects, algorithm }: ContentHashes,
): Promise<ContentHash | string | undefined> {
  if (large_objects === undefined) return undefined
  const hash = await hashLargeObjects(session, algorithm)
  return typeof hash === 'string' ? refusalWords(hash) : hash
}

/** The record's reasons are told of the source; two of them name somebody. */
function refusalWords(reason: LeftOutReason): string {
  if (reason === 'rights') return 'in the drill, its role may not read it'
  if (reason === 'time') return 'in the drill, the server cancelled the query that hashes it'
  return `in the drill, ${LEFT_OUT_REASONS[reason]}`
}
