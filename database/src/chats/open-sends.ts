import { type Kysely, type Selectable, sql } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import { newestMessageId, raiseNewest } from '#chats/chats.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkCount, checkText, checkUuid } from '#input-checks.ts'

/** A call that may have made a message of unknown id. Sizes and offsets in bytes, hashes in hex. */
export interface OpenSend {
  id: string
  chatId: string
  botId: string | null
  purpose: 'part' | 'manifest' | 'index' | 'copy' | 'evidence' | 'pack' | 'checkpoint'
  /** Of a part, a manifest, or a copy that was made for one backup. */
  backupId: string | null
  /** Of a record of evidence. */
  evidenceId: string | null
  /** Of a pack, also one of a checkpoint. */
  packId: string | null
  /** From 1; 0 for a manifest. */
  partNumber: number | null
  /** Of a copy. */
  sourceMessageId: number | null
  /** Of a document, as sent. */
  sha256: string | null
  sizeBytes: number | null
  fileName: string | null
  plainOffset: number | null
  plainSize: number | null
  /** Every message up to this id is older than the call, or has been looked at. */
  afterMessageId: number
  begunAt: Date
  /** Until then the message is looked for, since Telegram may deliver late. */
  lookedForUntil: Date
}

const LOOKED_FOR_MINUTES = 15

export interface BegunSend {
  sendId: string
  /** The message of the call has a greater id. */
  afterMessageId: number
}

/**
 * To be called before a message is forwarded to be looked at, or, with `sourceMessageId` 0, before a text is
 * sent to learn the newest id.
 */
export async function beginCopy(
  database: Database,
  copy: { chatId: string; botId: string; sourceMessageId: number; backupId?: string | undefined },
): Promise<BegunSend> {
  checkCount('message id', copy.sourceMessageId)
  if (copy.backupId !== undefined) checkUuid('backup id', copy.backupId)
  return await beginSend(database.kysely, {
    purpose: 'copy',
    chat_id: copy.chatId,
    bot_id: copy.botId,
    source_message_id: copy.sourceMessageId,
    backup_id: copy.backupId ?? null,
  })
}

/** To be called before the first index of a chat is sent. */
export async function beginIndex(
  database: Database,
  index: { chatId: string; botId: string },
): Promise<BegunSend> {
  return await beginSend(database.kysely, { purpose: 'index', chat_id: index.chatId, bot_id: index.botId })
}

type SendRow = Selectable<CatalogSchema['open_sends']>

/** Records a call in the transaction that intends its message. */
export async function beginSend(
  kysely: Kysely<CatalogSchema>,
  send: Pick<SendRow, 'purpose' | 'chat_id'> & Partial<SendRow>,
): Promise<BegunSend> {
  checkText('chat id', send.chat_id)
  const afterMessageId = await newestMessageId(kysely, send.chat_id)
  const { id } = await kysely
    .insertInto('open_sends')
    .values({ ...send, after_message_id: afterMessageId })
    .returning('id')
    .executeTakeFirstOrThrow()
  return { sendId: id, afterMessageId }
}

/** To be called when the call made no message for certain, or its message is gone. May be repeated. */
export async function closeSend(database: Database, sendId: string): Promise<void> {
  await closeSendIn(database.kysely, sendId)
}

/** As `closeSend`, in a transaction; without an id it does nothing. */
export async function closeSendIn(kysely: Kysely<CatalogSchema>, sendId: string | undefined): Promise<void> {
  if (sendId === undefined) return
  checkUuid('id of a send', sendId)
  await kysely.deleteFrom('open_sends').where('id', '=', sendId).execute()
}

/** Open calls, oldest first: of one chat, of one backup (`null`: those of no backup), or all. */
export async function openSends(
  database: Database,
  of: { chatId?: string | undefined; backupId?: string | null | undefined } = {},
): Promise<OpenSend[]> {
  let query = database.kysely.selectFrom('open_sends').selectAll()
  if (of.chatId !== undefined) query = query.where('chat_id', '=', of.chatId)
  if (of.backupId === null) query = query.where('backup_id', 'is', null)
  else if (of.backupId !== undefined) query = query.where('backup_id', '=', of.backupId)
  const rows = await query.orderBy('begun_at').orderBy('after_message_id').orderBy('id').execute()
  return rows.map(row => ({
    id: row.id,
    chatId: row.chat_id,
    botId: row.bot_id,
    purpose: row.purpose,
    backupId: row.backup_id,
    evidenceId: row.evidence_id,
    packId: row.pack_id,
    partNumber: row.part_no,
    sourceMessageId: row.source_message_id,
    sha256: row.sha256,
    sizeBytes: row.size,
    fileName: row.file_name,
    plainOffset: row.plain_offset,
    plainSize: row.plain_size,
    afterMessageId: row.after_message_id,
    begunAt: row.begun_at,
    lookedForUntil: new Date(row.begun_at.getTime() + LOOKED_FOR_MINUTES * 60_000),
  }))
}

/**
 * Records that every message up to `upTo` was looked at for that call, and its message was not there. The
 * call stays open until 15 minutes after it was made, since Telegram may deliver late. Then this closes it,
 * unless there are messages above that were not looked at (`hasMore`).
 */
export async function looked(
  database: Database,
  sendId: string,
  seen: { upTo: number; hasMore?: boolean },
): Promise<void> {
  checkUuid('id of a send', sendId)
  checkCount('upTo', seen.upTo)
  await inTransaction(database.kysely, async trx => {
    const send = await trx
      .updateTable('open_sends')
      .set({ after_message_id: sql<number>`greatest(after_message_id, ${seen.upTo}::bigint)` })
      .where('id', '=', sendId)
      .returning('chat_id')
      .executeTakeFirst()
    if (!send) return
    if (seen.hasMore !== true) {
      await trx
        .deleteFrom('open_sends')
        .where('id', '=', sendId)
        .where(sql<boolean>`begun_at < clock_timestamp() - ${LOOKED_FOR_MINUTES} * interval '1 minute'`)
        .execute()
    }
    await raiseNewest(trx, send.chat_id, seen.upTo)
  })
}
