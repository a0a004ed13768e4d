import { type Kysely, sql, type Transaction } from 'kysely'
import { ensureProject } from '#backups/records.ts'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { raiseNewest } from '#chats/chats.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkCount, checkProjectId, checkText, checkTime, checkUuid } from '#input-checks.ts'
import { inSlices, lockBucket } from '#objects/buckets/bucket-writes.ts'
import {
  bucketOf,
  checkBucketName,
  checkKind,
  checkSettings,
  settingColumns,
} from '#objects/buckets/buckets.ts'
import type {
  ImportedBucket,
  ImportedCheckpoint,
  ImportedPack,
  RefusedImport,
} from '#objects/imports/types.import.ts'
import type { Bucket } from '#objects/types.object.ts'

/**
 * Takes a bucket that a chat names into the catalog; one that is known stays as it is, but for a newer
 * snapshot and for its undelete. When another bucket has its name, it gets the beginning of its id behind it.
 * CatalogError INVALID.
 */
export async function importBucket(database: Database, bucket: ImportedBucket): Promise<Bucket> {
  checkUuid('bucket id', bucket.id)
  checkBucketName(bucket.name)
  checkKind(bucket.kind)
  checkProjectId(bucket.projectId)
  checkSettings(bucket)
  for (const time of [bucket.createdAt, bucket.lastSnapshotAt, bucket.removedAt, bucket.undeletingTo]) {
    if (time != null) checkTime('time', time)
  }
  return await inTransaction(database.kysely, async trx => {
    await ensureProject(trx, bucket.projectId)
    const isTaken = await trx
      .selectFrom('object_buckets')
      .select('id')
      .where('name', '=', bucket.name)
      .where('id', '<>', bucket.id)
      .where('removed_at', 'is', null)
      .executeTakeFirst()
    const last = bucket.lastSnapshotAt ?? null
    const row = await trx
      .insertInto('object_buckets')
      .values({
        id: bucket.id,
        name: isTaken === undefined ? bucket.name : `${bucket.name.slice(0, 54)}-${bucket.id.slice(0, 8)}`,
        kind: bucket.kind,
        project_id: bucket.projectId,
        ...settingColumns(bucket),
        created_at: bucket.createdAt,
        last_snapshot_at: last,
        removed_at: bucket.removedAt ?? null,
        undeleting_to: bucket.undeletingTo ?? null,
      })
      .onConflict(conflict =>
        conflict.column('id').doUpdateSet({
          last_snapshot_at: sql<Date>`greatest(object_buckets.last_snapshot_at, excluded.last_snapshot_at)`,
          ...(bucket.undeletingTo !== undefined && {
            undeleting_to: bucket.undeletingTo,
            undeleted_at: null,
          }),
        }),
      )
      .returningAll()
      .executeTakeFirstOrThrow()
    // What was deleted earlier may be gone for good: the chat does not say. But nothing is purged during an
    // undelete.
    await sql`
      update control_plane.object_buckets
         set purged_through = coalesce(purged_through,
               least(undeleting_to, clock_timestamp() - undelete_ms * interval '1 millisecond'))
       where id = ${bucket.id} and not exists (select from control_plane.packs where bucket_id = ${bucket.id})
    `.execute(trx)
    return bucketOf(row)
  })
}

/**
 * Takes a whole checkpoint, before its parts; the one that covers most counts. CatalogError INVALID,
 * NOT_FOUND.
 */
export async function importCheckpoint(
  database: Database,
  { bucketId, checkpoint }: { bucketId: string; checkpoint: ImportedCheckpoint },
): Promise<void> {
  checkUuid('bucket id', bucketId)
  checkUuid('checkpoint id', checkpoint.id)
  checkTime('time', checkpoint.createdAt)
  checkCount('number of parts', checkpoint.partCount, 1)
  checkSequence(checkpoint.coversUpTo, 0)
  for (const sequence of checkpoint.coversNot) checkSequence(sequence)
  await inTransaction(database.kysely, async trx => {
    await lockBucket(trx, { bucketId, evenRemoved: true })
    const known = await trx
      .selectFrom('object_checkpoints')
      .select(['id', 'covers_up_to'])
      .where('bucket_id', '=', bucketId)
      .where('state', '=', 'sent')
      .executeTakeFirst()
    if (known?.id === checkpoint.id) return
    const counts = known === undefined || known.covers_up_to < checkpoint.coversUpTo
    if (known !== undefined && counts) {
      await trx
        .updateTable('object_checkpoints')
        .set({ state: 'replaced' })
        .where('id', '=', known.id)
        .execute()
    }
    await trx
      .insertInto('object_checkpoints')
      .values({
        id: checkpoint.id,
        bucket_id: bucketId,
        state: counts ? 'sent' : 'replaced',
        covers_up_to: checkpoint.coversUpTo,
        covers_not: [...checkpoint.coversNot],
        part_count: checkpoint.partCount,
        created_at: checkpoint.createdAt,
        sent_at: checkpoint.createdAt,
      })
      .onConflict(conflict => conflict.column('id').doNothing())
      .execute()
    await raiseSequence(trx, bucketId, checkpoint.coversUpTo)
  })
}

/**
 * Takes packs that are in chats; known ones only get messages that they lack. May be repeated. Returns those
 * that are impossible: of another bucket, with the number of another pack, with bad values. CatalogError
 * NOT_FOUND.
 */
export async function importPacks(
  database: Database,
  { bucketId, packs }: { bucketId: string; packs: readonly ImportedPack[] },
): Promise<RefusedImport[]> {
  checkUuid('bucket id', bucketId)
  return await inTransaction(database.kysely, async trx => {
    await lockBucket(trx, { bucketId, evenRemoved: true })
    return (await addPacks(trx, bucketId, packs)).refused
  })
}

/** The newest messages of chats are raised by this, so it comes last in its transaction. */
export async function addPacks(
  trx: Transaction<CatalogSchema>,
  bucketId: string,
  packs: readonly ImportedPack[],
): Promise<{ taken: Set<string>; refused: RefusedImport[] }> {
  const refused: RefusedImport[] = []
  const good = packs.filter(pack => {
    const reason = whyNot(() => checkPack(pack))
    if (reason !== undefined) refused.push({ id: String(pack.id), reason })
    return reason === undefined
  })
  const taken = new Set<string>()
  for (const slice of inSlices(good)) {
    await trx
      .insertInto('packs')
      .values(slice.map(pack => packColumns(bucketId, pack)))
      .onConflict(conflict => conflict.doNothing())
      .execute()
    const known = await trx
      .selectFrom('packs')
      .select(['id', 'sequence', 'sha256'])
      .where(
        'id',
        'in',
        slice.map(({ id }) => id),
      )
      .where('bucket_id', '=', bucketId)
      .execute()
    const byId = new Map(known.map(pack => [pack.id, pack]))
    for (const pack of slice) {
      const row = byId.get(pack.id.toLowerCase())
      if (row?.sequence === pack.sequence && row.sha256 === pack.sha256) taken.add(row.id)
      else refused.push({ id: pack.id, reason: 'another pack has its id or its number' })
    }
    await addMessages(
      trx,
      slice.filter(({ id }) => taken.has(id.toLowerCase())),
    )
  }
  await raiseSequence(
    trx,
    bucketId,
    good.reduce((most, { sequence }) => Math.max(most, sequence), 0),
  )
  return { taken, refused }
}

function packColumns(bucketId: string, pack: ImportedPack) {
  return {
    id: pack.id,
    bucket_id: bucketId,
    sequence: pack.sequence,
    state: 'sent' as const,
    checkpoint_id: pack.checkpoint?.id ?? null,
    part_no: pack.checkpoint?.partNumber ?? null,
    // No lease: nobody works on it.
    writer: bucketId,
    file_name: pack.fileName,
    plain_size: pack.plainSize,
    size: pack.size,
    sha256: pack.sha256,
    encrypted: pack.encrypted,
    has_records: pack.checkpoint === undefined,
    sent_at: pack.messages.find(({ sentAt }) => sentAt !== undefined)?.sentAt ?? sql<Date>`clock_timestamp()`,
  }
}

async function addMessages(trx: Transaction<CatalogSchema>, packs: readonly ImportedPack[]): Promise<void> {
  const messages = packs.flatMap(({ id, messages }) => messages.map(message => ({ ...message, packId: id })))
  const newest = new Map<string, number>()
  for (const slice of inSlices(messages)) {
    await trx
      .insertInto('pack_messages')
      .values(
        slice.map(message => ({
          pack_id: message.packId,
          chat_id: message.chatId,
          state: 'sent' as const,
          message_id: message.messageId,
          file_id: message.fileId ?? null,
          bot_id: message.botId ?? null,
          sent_at: message.sentAt ?? null,
          proven_at: sql<Date>`clock_timestamp()`,
        })),
      )
      .onConflict(conflict => conflict.doNothing())
      .execute()
    for (const { chatId, messageId } of slice) {
      newest.set(chatId, Math.max(messageId, newest.get(chatId) ?? 0))
    }
  }
  // All processes use one order, since each of these rows is locked until the transaction ends.
  for (const [chatId, messageId] of [...newest].sort(([a], [b]) => (a < b ? -1 : 1))) {
    await raiseNewest(trx, chatId, messageId)
  }
}

function checkPack(pack: ImportedPack): void {
  checkUuid('pack id', pack.id)
  checkSequence(pack.sequence)
  checkText('file name', pack.fileName)
  checkCount('size', pack.size, 1)
  checkCount('size', pack.plainSize)
  checkSha256(pack.sha256)
  if (pack.checkpoint !== undefined) {
    checkUuid('checkpoint id', pack.checkpoint.id)
    checkCount('part number', pack.checkpoint.partNumber, 1)
  }
  for (const message of pack.messages) {
    checkText('chat id', message.chatId)
    checkCount('message id', message.messageId, 1)
    if (message.fileId !== undefined) checkText('file id', message.fileId)
    if (message.botId !== undefined) checkText('bot id', message.botId)
    if (message.sentAt !== undefined) checkTime('time', message.sentAt)
  }
}

export function checkSha256(value: unknown): void {
  if (typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)) return
  throw new CatalogError('Not a valid SHA-256', { code: 'INVALID' })
}

/** A pack a second for 30,000 years. */
const MAX_SEQUENCE = 2 ** 40

export function checkSequence(value: number, least = 1): void {
  checkCount('sequence', value, least)
  if (value > MAX_SEQUENCE) throw new CatalogError('Not a valid sequence', { code: 'INVALID' })
}

/** The message of the CatalogError INVALID that `check` throws. */
export function whyNot(check: () => void): string | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    if (error instanceof CatalogError && error.code === 'INVALID') return error.message
    throw error
  }
}

async function raiseSequence(
  kysely: Kysely<CatalogSchema>,
  bucketId: string,
  sequence: number,
): Promise<void> {
  await kysely
    .updateTable('object_buckets')
    .set({ next_sequence: sequence + 1 })
    .where('id', '=', bucketId)
    .where('next_sequence', '<=', sequence)
    .execute()
}
