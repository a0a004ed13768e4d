import { randomUUID } from 'node:crypto'
import { sql, type Transaction } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { type BegunSend, beginSend } from '#chats/open-sends.ts'
import type { Database } from '#database.ts'
import { checkCount, checkText, checkUuid } from '#input-checks.ts'
import { type BucketRow, inBucket, inSlices, type ObjectLease } from '#objects/buckets/bucket-writes.ts'
import { refuseFull } from '#objects/packs/bucket-limits.ts'
import {
  addIntendedObjects,
  checkPut,
  type IntendedObject,
  refuseUnreplayable,
} from '#objects/packs/intended-objects.ts'
import { refuseDuringUndelete } from '#objects/versions/closed-bucket.ts'

// The order of a pack: reservePack; intendPack; the message is sent and proven; confirmPack as the commit
// mark. When there is no message for certain: abandonPack.

/** A pack that a header names: it is proven, and no pack before names it. */
export interface PackName {
  packId: string
  sequence: number
  /** In the chat of the reservation. */
  messageId: number
  /** As sent. */
  size: number
  sha256: string
}

export interface ReservedPack {
  packId: string
  /** From 1. Nobody else gets it; one that is not used harms nothing. */
  sequence: number
  /** For its header, and to be given to `intendPack`. */
  names: PackName[]
  catalogId: string
  generation: number
  /** Of the chat's index, which captions name. */
  indexMessageId: number | undefined
  /** By the catalog's clock: for the times in its records. */
  at: Date
}

/** A header has room for more, but there are only as many as packs that are sent at once. */
const MOST_NAMES = 256

/**
 * Gives a pack its id and its number in the bucket. CatalogError NOT_FOUND, BUSY during a recovery,
 * LEASE_LOST.
 */
export async function reservePack(
  database: Database,
  of: { bucketId: string; chatId: string; lease: ObjectLease },
): Promise<ReservedPack> {
  checkText('chat id', of.chatId)
  return await inBucket(database, of, async trx => {
    const { sequence } = await trx
      .updateTable('object_buckets')
      .set({ next_sequence: sql<number>`next_sequence + 1` })
      .where('id', '=', of.bucketId)
      .returning(sql<number>`next_sequence - 1`.as('sequence'))
      .executeTakeFirstOrThrow()
    const {
      id: catalogId,
      generation,
      at,
    } = await trx
      .selectFrom('catalog')
      .select(['id', 'generation', sql<Date>`clock_timestamp()`.as('at')])
      .executeTakeFirstOrThrow()
    const chat = await trx
      .selectFrom('chats')
      .select('index_message_id')
      .where('chat_id', '=', of.chatId)
      .executeTakeFirst()
    const names = await unnamedPacks(trx, of)
    const indexMessageId = chat?.index_message_id ?? undefined
    return { packId: randomUUID(), sequence, names, catalogId, generation, indexMessageId, at }
  })
}

/** Proven packs of objects that no proven pack names and no checkpoint lists. */
async function unnamedPacks(
  trx: Transaction<CatalogSchema>,
  { bucketId, chatId }: { bucketId: string; chatId: string },
): Promise<PackName[]> {
  const { rows } = await sql<PackName>`
    with newest as (
      select covers_up_to, covers_not from control_plane.object_checkpoints
       where bucket_id = ${bucketId} and state = 'sent' order by created_at desc limit 1)
    select pack.id as "packId", pack.sequence, message.message_id as "messageId", pack.size, pack.sha256
      from control_plane.packs pack
     cross join lateral (
       select message_id from control_plane.pack_messages
        where pack_id = pack.id and chat_id = ${chatId} and state = 'sent' limit 1) message
      left join newest on true
     where pack.bucket_id = ${bucketId} and pack.state = 'sent' and pack.checkpoint_id is null
       and (covers_up_to is null or pack.sequence > covers_up_to or pack.sequence = any (covers_not))
       and not exists (select from control_plane.packs naming where naming.id = pack.named_by and naming.state <> 'intended')
     order by pack.sequence desc limit ${MOST_NAMES}
  `.execute(trx)
  return rows.reverse()
}

export interface PackIntent {
  /** Of the writer. */
  lease: ObjectLease
  bucketId: string
  /** From `reservePack`. */
  packId: string
  sequence: number
  names: readonly string[]
  chatId: string
  botId: string
  fileName: string
  /** As sent. */
  sizeBytes: number
  /** Hex, of the document as sent. */
  sha256: string
  /** Of all its frames. */
  plainSize: number
  encrypted: boolean
  /** In the order of the records. */
  puts: readonly IntendedObject[]
  /** Ids of versions whose deletion it tells; one that is live then is deleted with it. */
  deletes: readonly string[]
  /** The version that it holds a fragment of, see `beginUpload`. */
  uploadId?: string | undefined
  /** Of a part of a checkpoint, which has neither puts nor deletes; from 1. */
  checkpoint?: { id: string; partNumber: number } | undefined
  /** The moment of the undelete to which its records belong. */
  undeletingTo?: Date | undefined
}

/**
 * Records a pack, what is in it, and the call that will send it, before it is sent. May be repeated for
 * another try with the same document until the pack is proven; earlier calls stay open. CatalogError CONFLICT
 * when it is proven, was recorded with another document, or has to be reserved again: its number is too old,
 * or not greater than those of the packs that its records refer to; FULL when the bucket has no room;
 * NOT_FOUND for an unknown bucket, INVALID, BUSY during a recovery, and during an undelete for other puts
 * than its own, LEASE_LOST.
 */
export async function intendPack(database: Database, intent: PackIntent): Promise<BegunSend> {
  checkIntent(intent)
  return await inBucket(database, intent, async (trx, bucket) => {
    const { packId } = intent
    const known = await trx.selectFrom('packs').selectAll().where('id', '=', packId).executeTakeFirst()
    if (known === undefined) await addPack(trx, bucket, intent)
    else if (known.state !== 'intended' || known.sha256 !== intent.sha256) {
      throw new CatalogError(`The pack ${packId} has been sent already, or is another document`, {
        code: 'CONFLICT',
      })
    }
    return await beginSend(trx, {
      purpose: intent.checkpoint === undefined ? 'pack' : 'checkpoint',
      chat_id: intent.chatId,
      bot_id: intent.botId,
      pack_id: packId,
      part_no: intent.checkpoint?.partNumber ?? null,
      sha256: intent.sha256,
      size: intent.sizeBytes,
      file_name: intent.fileName,
      plain_size: intent.plainSize,
    })
  })
}

/**
 * A checkpoint says of the last 1,000 numbers which ones it does not cover, so a pack with an older number
 * could be lost in it. `checkpoint-snapshot.ts` counts on this.
 */
export const YOUNG_SEQUENCES = 900

async function addPack(
  trx: Transaction<CatalogSchema>,
  bucket: BucketRow,
  intent: PackIntent,
): Promise<void> {
  const { packId, sequence, chatId, botId } = intent
  if (intent.puts.length > 0 || intent.undeletingTo !== undefined) {
    refuseDuringUndelete(bucket, intent.undeletingTo)
  }
  const isTooOld = sequence < bucket.next_sequence - YOUNG_SEQUENCES || sequence <= bucket.purged_up_to
  if (sequence >= bucket.next_sequence || isTooOld) {
    throw new CatalogError(`The number ${sequence} of the pack is too old or was never reserved`, {
      code: 'CONFLICT',
      hint: 'Reserve another one.',
    })
  }
  await trx
    .insertInto('packs')
    .values({
      id: packId,
      bucket_id: bucket.id,
      sequence,
      checkpoint_id: intent.checkpoint?.id ?? null,
      part_no: intent.checkpoint?.partNumber ?? null,
      upload_id: intent.uploadId ?? null,
      writer: intent.lease.subject,
      file_name: intent.fileName,
      plain_size: intent.plainSize,
      size: intent.sizeBytes,
      sha256: intent.sha256,
      encrypted: intent.encrypted,
      has_records: intent.puts.length + intent.deletes.length > 0,
    })
    .execute()
  await trx.insertInto('pack_messages').values({ pack_id: packId, chat_id: chatId, bot_id: botId }).execute()
  await refuseFull(trx, bucket, intent)
  await addIntendedObjects(trx, intent)
  await refuseUnreplayable(trx, intent)
  for (const ids of inSlices(intent.names)) {
    await trx
      .updateTable('packs')
      .set({ named_by: packId })
      .where('id', 'in', ids)
      .where('bucket_id', '=', bucket.id)
      .where('named_by', 'is', null)
      .execute()
  }
  for (const ids of inSlices(intent.deletes)) await tellDeletes(trx, { ...intent, ids })
}

async function tellDeletes(
  trx: Transaction<CatalogSchema>,
  { bucketId, packId, ids }: { bucketId: string; packId: string; ids: string[] },
): Promise<void> {
  await trx
    .updateTable('objects')
    .set({ deleted_in: packId })
    .where('id', 'in', ids)
    .where('bucket_id', '=', bucketId)
    .where('state', 'in', ['live', 'deleted'])
    .where('deleted_in', 'is', null)
    .execute()
}

function checkIntent(intent: PackIntent): void {
  checkUuid('pack id', intent.packId)
  checkCount('sequence', intent.sequence, 1)
  checkText('chat id', intent.chatId)
  checkText('file name', intent.fileName)
  checkCount('size', intent.sizeBytes, 1)
  checkCount('size', intent.plainSize)
  for (const id of intent.names) checkUuid('pack id', id)
  for (const id of intent.deletes) checkUuid('version id', id)
  if (intent.uploadId !== undefined) checkUuid('version id', intent.uploadId)
  if (intent.checkpoint !== undefined) checkCount('part number', intent.checkpoint.partNumber, 1)
  for (const put of intent.puts) checkPut(put)
}
