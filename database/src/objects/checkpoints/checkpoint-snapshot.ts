import { type Kysely, sql } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'
import { checkUuid } from '#input-checks.ts'
import { noBucket } from '#objects/buckets/bucket-writes.ts'
import { YOUNG_SEQUENCES } from '#objects/packs/packs.ts'
import type { ObjectExtent } from '#objects/types.object.ts'

/** A bucket at one moment. Pages come one after the other, so that a large bucket needs no memory. */
export interface CheckpointSnapshot {
  takenAt: Date
  /** The highest number that was reserved; 0 for none. */
  coversUpTo: number
  /** Numbers up to that one without a proven pack, ascending; 1,000 at most. */
  coversNot: number[]
  /** Packs that are in a chat, by number. */
  packs(): AsyncGenerator<SnapshotPack[]>
  /** Versions that are live or can be brought back, by key. */
  objects(): AsyncGenerator<SnapshotObject[]>
}

/** Sizes in bytes. */
export interface SnapshotPack {
  id: string
  sequence: number
  size: number
  sha256: string
  plain_size: number
  encrypted: boolean
  messages: { chat_id: string; message_id: number; file_id: string | null; bot_id: string | null }[]
}

export interface SnapshotObject {
  id: string
  key: string
  size: number
  sha256: string
  etag: string | null
  meta: Record<string, string> | null
  stored_at: Date
  deleted_at: Date | null
  /** Where its record stands. */
  pack_id: string
  sequence: number
  place: number
  moves: string | null
  extents: ObjectExtent[]
}

const PAGE = 2_000
const MOST_NOT_COVERED = 1_000

/**
 * All that `read` reads is of one moment. It holds a connection until it has ended, however long the messages
 * take. CatalogError NOT_FOUND; BUSY when more than 1,000 packs are under way.
 */
export async function withCheckpointSnapshot<Result>(
  database: Database,
  bucketId: string,
  read: (snapshot: CheckpointSnapshot) => Promise<Result>,
): Promise<Result> {
  checkUuid('bucket id', bucketId)
  return await database.kysely
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async trx => {
      await sql`set local idle_in_transaction_session_timeout = 0`.execute(trx)
      const bounds = await boundsOf(trx, bucketId)
      return await read({
        ...bounds,
        packs: () => pages(after => packsAfter(trx, bucketId, after)),
        objects: () => pages(after => objectsAfter(trx, bucketId, after)),
      })
    })
}

async function boundsOf(kysely: Kysely<CatalogSchema>, bucketId: string) {
  const { rows } = await sql<{ takenAt: Date; coversUpTo: number; coversNot: number[] }>`
    select clock_timestamp() as "takenAt", next_sequence - 1 as "coversUpTo",
           array(select sequence from (
             select sequence from control_plane.packs where bucket_id = bucket.id and state = 'intended'
              union
             select sequence from generate_series(greatest(1, next_sequence - ${YOUNG_SEQUENCES}), next_sequence - 1) sequence
              where not exists (select from control_plane.packs pack
                                 where pack.bucket_id = bucket.id and pack.sequence = sequence.sequence)) missing
             order by sequence) as "coversNot"
      from control_plane.object_buckets bucket where id = ${bucketId} and removed_at is null
  `.execute(kysely)
  const [bounds] = rows
  if (bounds === undefined) throw noBucket(bucketId)
  if (bounds.coversNot.length <= MOST_NOT_COVERED) return bounds
  throw new CatalogError('Too many packs are under way', { code: 'BUSY', hint: 'Run reconcile.' })
}

async function* pages<Row>(read: (after: Row | undefined) => Promise<Row[]>): AsyncGenerator<Row[]> {
  let after: Row | undefined
  do {
    const rows = await read(after)
    after = rows.length < PAGE ? undefined : rows.at(-1)
    if (rows.length > 0) yield rows
  } while (after !== undefined)
}

async function packsAfter(
  kysely: Kysely<CatalogSchema>,
  bucketId: string,
  after: SnapshotPack | undefined,
): Promise<SnapshotPack[]> {
  const { rows } = await sql<SnapshotPack>`
    select id, sequence, size, sha256, plain_size, encrypted, messages
      from control_plane.packs
     cross join lateral (
       select jsonb_agg(jsonb_build_object('chat_id', chat_id, 'message_id', message_id, 'file_id', file_id, 'bot_id', bot_id)
                        order by chat_id) as messages
         from control_plane.pack_messages
        where pack_id = packs.id and state in ('sent', 'damaged', 'missing') and message_id is not null) there
     where bucket_id = ${bucketId} and state in ('sent', 'erasing') and sequence > ${after?.sequence ?? 0}
       and messages is not null
     order by sequence limit ${PAGE}
  `.execute(kysely)
  return rows
}

async function objectsAfter(
  kysely: Kysely<CatalogSchema>,
  bucketId: string,
  after: SnapshotObject | undefined,
): Promise<SnapshotObject[]> {
  const behind =
    after === undefined
      ? sql`true`
      : sql`(key, sequence, place, id) > (${after.key}, ${after.sequence}::bigint, ${after.place}::integer, ${after.id}::uuid)`
  const { rows } = await sql<SnapshotObject>`
    select id, key, size, sha256, etag, meta, stored_at, deleted_at, pack_id, sequence, place, moves,
           (select coalesce(jsonb_agg(jsonb_build_object('packId', pack_id, 'offset', pack_offset, 'length', length) order by no), '[]')
              from control_plane.extents where object_id = objects.id) as extents
      from control_plane.objects
     where bucket_id = ${bucketId} and state <> 'intended' and in_chat and ${behind}
     order by key, sequence, place, id limit ${PAGE}
  `.execute(kysely)
  return rows
}
