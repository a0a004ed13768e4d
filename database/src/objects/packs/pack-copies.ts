import { sql, type Transaction } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { raiseNewest } from '#chats/chats.ts'
import { keepLeftoverIn } from '#chats/leftover-messages.ts'
import { type BegunSend, beginSend, closeSendIn } from '#chats/open-sends.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkCount, checkText, checkUuid, storable } from '#input-checks.ts'
import { inBucket, lockBucket, type ObjectLease } from '#objects/buckets/bucket-writes.ts'
import { lockPack, type PackConfirmation, packOrRefuse, proveMessage } from '#objects/packs/pack-outcomes.ts'
import type { PackMessage } from '#objects/types.object.ts'

/**
 * Records, before it is sent, that the document of a proven pack goes into a chat that lacks it, or where it
 * is missing or damaged, and the call that sends it. May be repeated until the message is proven. A damaged
 * message becomes a leftover one. CatalogError CONFLICT when the chat has it or the pack is not `sent`;
 * NOT_FOUND, BUSY during a recovery, LEASE_LOST.
 */
export async function intendPackCopy(
  database: Database,
  copy: { packId: string; chatId: string; botId: string; lease?: ObjectLease | undefined },
): Promise<BegunSend> {
  const { packId, chatId, botId, lease } = copy
  checkText('chat id', chatId)
  const { bucket_id: bucketId } = await packOrRefuse(database, packId)
  return await inBucket(database, { bucketId, lease, evenRemoved: true }, async trx => {
    const pack = await lockPack(trx, packId)
    if (pack.state !== 'sent')
      throw conflict(`The pack ${packId} is ${pack.state}: nothing may be sent for it`)
    const before = await messageOf(trx, copy)
    if (before !== undefined && !['intended', 'missing', 'damaged'].includes(before.state)) {
      throw conflict(`The pack ${packId} is in the chat ${chatId} already`)
    }
    if (before?.state === 'damaged' && before.message_id !== null) {
      await keepLeftoverIn(trx, { chatId, messageId: before.message_id, isTombstone: false })
    }
    const columns = {
      bot_id: botId,
      state: 'intended',
      message_id: null,
      file_id: null,
      error: null,
    } as const
    await trx
      .insertInto('pack_messages')
      .values({ pack_id: packId, chat_id: chatId, ...columns })
      .onConflict(conflict => conflict.columns(['pack_id', 'chat_id']).doUpdateSet(columns))
      .execute()
    return await beginSend(trx, {
      purpose: pack.checkpoint_id === null ? 'pack' : 'checkpoint',
      chat_id: chatId,
      bot_id: botId,
      pack_id: packId,
      part_no: pack.part_no,
      sha256: pack.sha256,
      size: pack.size,
      file_name: pack.file_name,
      plain_size: pack.plain_size,
    })
  })
}

/**
 * Records that a further message of a proven pack is in its chat, and closes the call. May be repeated with
 * the same message id. CatalogError CONFLICT when another message is proven there or the pack is erased;
 * NOT_FOUND, BUSY during a recovery, LEASE_LOST.
 */
export async function confirmPackCopy(database: Database, confirmation: PackConfirmation): Promise<void> {
  const { packId, chatId, messageId, lease } = confirmation
  checkCount('message id', messageId, 1)
  checkText('file id', confirmation.fileId)
  const { bucket_id: bucketId } = await packOrRefuse(database, packId)
  await inBucket(database, { bucketId, lease, evenRemoved: true }, async trx => {
    const pack = await lockPack(trx, packId)
    const before = await messageOf(trx, confirmation)
    const isOther = before?.state === 'sent' && before.message_id !== messageId
    // One that is being erased may get it: whoever erases it has to know the message.
    if (isOther || (pack.state !== 'sent' && pack.state !== 'erasing')) {
      throw conflict(`The pack ${packId} is ${pack.state} and cannot be confirmed with message ${messageId}`)
    }
    await proveMessage(trx, confirmation)
    await noteDamage(trx, packId)
    await closeSendIn(trx, confirmation.sendId)
    await raiseNewest(trx, chatId, messageId)
  })
}

/**
 * Records what was seen of a message: it is there and sound (`sent`), gone or not what was sent; or what was
 * done to it. A pack that no chat has soundly is damaged from then on, until one has it again. CatalogError
 * NOT_FOUND for an unknown message or one without an id, CONFLICT for one that was erased, and for erasing
 * what is not to be erased.
 */
export async function markPackMessage(
  database: Database,
  mark: {
    packId: string
    chatId: string
    state: Exclude<PackMessage['state'], 'intended'>
    error?: string | undefined
  },
): Promise<void> {
  const { packId, chatId, state } = mark
  const { bucket_id: bucketId } = await packOrRefuse(database, packId)
  const isGone = state === 'erased' || state === 'tombstone'
  await inTransaction(database.kysely, async trx => {
    await lockBucket(trx, { bucketId, evenRemoved: true })
    const pack = await lockPack(trx, packId)
    if (isGone && pack.state !== 'erasing' && pack.state !== 'erased') {
      throw conflict(`The pack ${packId} is ${pack.state}: its messages are not to be erased`)
    }
    const before = await messageOf(trx, mark)
    if (before === undefined || before.message_id === null) {
      throw new CatalogError(`There is no message of the pack ${packId} in the chat ${chatId}`, {
        code: 'NOT_FOUND',
      })
    }
    if (before.state === 'erased' && state !== 'erased') throw conflict('The message was erased')
    await trx
      .updateTable('pack_messages')
      .set({
        state,
        error: mark.error === undefined ? null : storable(mark.error),
        erased_at: isGone ? sql<Date>`clock_timestamp()` : null,
      })
      .where('pack_id', '=', packId)
      .where('chat_id', '=', chatId)
      .execute()
    if (!isGone) await noteDamage(trx, packId)
  })
}

/** Records that all bytes of a pack were read and were right. */
export async function notePackVerified({ kysely }: Database, packId: string): Promise<void> {
  checkUuid('pack id', packId)
  await kysely
    .updateTable('packs')
    .set({ verified_at: sql<Date>`clock_timestamp()` })
    .where('id', '=', packId)
    .execute()
}

/** The file id of a message for another bot, or one that was not known. */
export async function learnPackFile(
  { kysely }: Database,
  of: {
    packId: string
    chatId: string
    messageId: number
    fileId: string
    fileUniqueId?: string
    botId: string
  },
): Promise<void> {
  checkUuid('pack id', of.packId)
  checkText('file id', of.fileId)
  await kysely
    .updateTable('pack_messages')
    .set({ file_id: of.fileId, bot_id: of.botId, file_unique_id: of.fileUniqueId })
    .where('pack_id', '=', of.packId)
    .where('chat_id', '=', of.chatId)
    .where('message_id', '=', of.messageId)
    .execute()
}

async function messageOf(
  trx: Transaction<CatalogSchema>,
  { packId, chatId }: { packId: string; chatId: string },
) {
  return await trx
    .selectFrom('pack_messages')
    .select(['state', 'message_id'])
    .where('pack_id', '=', packId)
    .where('chat_id', '=', chatId)
    .executeTakeFirst()
}

async function noteDamage(trx: Transaction<CatalogSchema>, packId: string): Promise<void> {
  await sql`
    update control_plane.packs pack
       set damaged_at = case when exists (select from control_plane.pack_messages message
                                           where message.pack_id = pack.id and message.state = 'sent')
                             then null else coalesce(damaged_at, clock_timestamp()) end
     where id = ${packId} and state = 'sent'
  `.execute(trx)
  // Nobody could recover from a checkpoint without one of its parts: another one has to be drawn.
  await sql`
    update control_plane.object_checkpoints set state = 'replaced'
     where state = 'sent' and id = (
           select checkpoint_id from control_plane.packs where id = ${packId} and damaged_at is not null)
  `.execute(trx)
}

function conflict(message: string): CatalogError {
  return new CatalogError(message, { code: 'CONFLICT' })
}
