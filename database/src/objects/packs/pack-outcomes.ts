import { type Selectable, sql, type Transaction } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { raiseNewest } from '#chats/chats.ts'
import { closeSendIn } from '#chats/open-sends.ts'
import type { Database } from '#database.ts'
import { checkCount, checkText, checkTime, checkUuid } from '#input-checks.ts'
import { inBucket, type ObjectLease } from '#objects/buckets/bucket-writes.ts'
import { applyPuts, applyToldDeletes } from '#objects/packs/records.ts'

/** A message that is proven to be in the chat. */
export interface PackConfirmation {
  packId: string
  chatId: string
  messageId: number
  fileId: string
  fileUniqueId?: string | undefined
  botId?: string | undefined
  /** By Telegram. */
  sentAt?: Date | undefined
  /** The call that made the message; other calls for the pack stay open. */
  sendId?: string | undefined
  /** Of its writer. Without: that writer must be gone. */
  lease?: ObjectLease | undefined
}

/**
 * Records that the first message of a pack is in its chat, and closes the call that sent it: in the same
 * transaction its objects become live, versions that they overwrite become deleted, and what it tells of
 * deletions is told. May be repeated with the same message id. CatalogError CONFLICT when another message is
 * proven, the pack is being erased, or a checkpoint without it says that it has it; NOT_FOUND when it was
 * never intended or was abandoned; BUSY during a recovery; LEASE_LOST.
 */
export async function confirmPack(database: Database, confirmation: PackConfirmation): Promise<void> {
  const { packId, chatId, messageId, lease } = confirmation
  checkUuid('pack id', packId)
  checkCount('message id', messageId, 1)
  checkText('file id', confirmation.fileId)
  if (confirmation.sentAt !== undefined) checkTime('sentAt', confirmation.sentAt)
  const { bucket_id: bucketId, writer } = await packOrRefuse(database, packId)
  await inBucket(database, { bucketId, lease, subject: writer, evenRemoved: true }, async trx => {
    const pack = await lockPack(trx, packId)
    if (pack.state === 'intended') await settle(trx, pack)
    else await refuseOtherMessage(trx, pack, confirmation)
    await proveMessage(trx, confirmation)
    await closeSendIn(trx, confirmation.sendId)
    await raiseNewest(trx, chatId, messageId)
  })
}

type PackRow = Selectable<CatalogSchema['packs']>

export async function packOrRefuse({ kysely }: Pick<Database, 'kysely'>, packId: string): Promise<PackRow> {
  checkUuid('pack id', packId)
  const pack = await kysely.selectFrom('packs').selectAll().where('id', '=', packId).executeTakeFirst()
  if (pack !== undefined) return pack
  throw noPack(packId)
}

export async function lockPack(trx: Transaction<CatalogSchema>, packId: string): Promise<PackRow> {
  const pack = await trx
    .selectFrom('packs')
    .selectAll()
    .where('id', '=', packId)
    .forUpdate()
    .executeTakeFirst()
  if (pack !== undefined) return pack
  throw noPack(packId)
}

function noPack(packId: string): CatalogError {
  return new CatalogError(`There is no pack ${packId}: it was never intended, or was given up`, {
    code: 'NOT_FOUND',
  })
}

async function settle(trx: Transaction<CatalogSchema>, pack: PackRow): Promise<void> {
  await refuseCovered(trx, pack)
  const proven = { bucketId: pack.bucket_id, packId: pack.id }
  await applyPuts(trx, proven)
  await applyToldDeletes(trx, proven)
  await trx
    .updateTable('packs')
    .set({ state: 'sent', sent_at: sql<Date>`clock_timestamp()` })
    .where('id', '=', pack.id)
    .execute()
}

/** Whoever recovers from that checkpoint would not look at the pack. */
async function refuseCovered(trx: Transaction<CatalogSchema>, pack: PackRow): Promise<void> {
  if (pack.checkpoint_id !== null) return
  const covering = await trx
    .selectFrom('object_checkpoints')
    .select('id')
    .where('bucket_id', '=', pack.bucket_id)
    .where('covers_up_to', '>=', pack.sequence)
    .where(sql<boolean>`${pack.sequence}::bigint <> all (covers_not)`)
    .limit(1)
    .executeTakeFirst()
  if (covering === undefined) return
  throw new CatalogError('A checkpoint without this pack says that it has it', {
    code: 'CONFLICT',
    hint: 'Reserve a new number and send the pack again.',
  })
}

async function refuseOtherMessage(
  trx: Transaction<CatalogSchema>,
  pack: PackRow,
  { chatId, messageId }: PackConfirmation,
): Promise<void> {
  const message = await trx
    .selectFrom('pack_messages')
    .select('message_id')
    .where('pack_id', '=', pack.id)
    .where('chat_id', '=', chatId)
    .executeTakeFirst()
  if (pack.state === 'sent' && message?.message_id === messageId) return
  throw new CatalogError(
    `The pack ${pack.id} is ${pack.state} and cannot be confirmed with message ${messageId}`,
    { code: 'CONFLICT' },
  )
}

export async function proveMessage(
  trx: Transaction<CatalogSchema>,
  { packId, chatId, ...message }: PackConfirmation,
): Promise<void> {
  const now = sql<Date>`clock_timestamp()`
  const proven = await trx
    .updateTable('pack_messages')
    .set({
      state: 'sent',
      message_id: message.messageId,
      file_id: message.fileId,
      file_unique_id: message.fileUniqueId ?? null,
      bot_id: message.botId,
      sent_at: message.sentAt ?? now,
      proven_at: now,
      error: null,
    })
    .where('pack_id', '=', packId)
    .where('chat_id', '=', chatId)
    .returning('pack_id')
    .executeTakeFirst()
  if (proven !== undefined) return
  throw new CatalogError(`The pack ${packId} was never meant for the chat ${chatId}`, { code: 'NOT_FOUND' })
}

/**
 * Forgets a pack that is in no chat for certain, with its objects; deletions that it should have told are to
 * be told by another one. True when this call did it; false when it is unknown. Its open calls have to be
 * closed before: CatalogError CONFLICT when one is open, or the pack is proven; BUSY during a recovery;
 * LEASE_LOST.
 */
export async function abandonPack(
  database: Database,
  { packId, lease }: { packId: string; lease?: ObjectLease | undefined },
): Promise<boolean> {
  checkUuid('pack id', packId)
  const known = await database.kysely
    .selectFrom('packs')
    .select(['bucket_id', 'writer'])
    .where('id', '=', packId)
    .executeTakeFirst()
  if (known === undefined) return false
  const of = { bucketId: known.bucket_id, subject: known.writer, lease, evenRemoved: true }
  return await inBucket(database, of, async trx => {
    const pack = await trx
      .selectFrom('packs')
      .select('state')
      .where('id', '=', packId)
      .forUpdate()
      .executeTakeFirst()
    if (pack === undefined) return false
    const open = await trx
      .selectFrom('open_sends')
      .select('id')
      .where('pack_id', '=', packId)
      .executeTakeFirst()
    if (pack.state !== 'intended' || open !== undefined) {
      throw new CatalogError(`The pack ${packId} may be in a chat: it cannot be given up`, {
        code: 'CONFLICT',
      })
    }
    await trx.deleteFrom('objects').where('pack_id', '=', packId).where('state', '=', 'intended').execute()
    await trx.updateTable('objects').set({ deleted_in: null }).where('deleted_in', '=', packId).execute()
    await trx.updateTable('packs').set({ named_by: null }).where('named_by', '=', packId).execute()
    await trx.deleteFrom('pack_messages').where('pack_id', '=', packId).execute()
    await trx.deleteFrom('packs').where('id', '=', packId).execute()
    return true
  })
}
