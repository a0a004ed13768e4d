import { type Kysely, sql } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'
import { checkCount, checkText } from '#input-checks.ts'

/** A message of ours that nothing needs any more and that is still in its chat. */
export interface Remnant {
  chatId: string
  messageId: number
}

/** Writes down a message that is to be removed, or that was replaced by a tombstone. May be repeated. */
export async function keepRemnant(
  database: Database,
  { isTombstone = false, ...remnant }: Remnant & { isTombstone?: boolean | undefined },
): Promise<void> {
  await keepRemnantIn(database.kysely, { ...remnant, isTombstone })
}

/** As `keepRemnant`, in a transaction. */
export async function keepRemnantIn(
  kysely: Kysely<CatalogSchema>,
  { chatId, messageId, isTombstone }: Remnant & { isTombstone: boolean },
): Promise<void> {
  checkText('chat id', chatId)
  checkCount('message id', messageId, 1)
  await kysely
    .insertInto('remnants')
    .values({ chat_id: chatId, message_id: messageId, is_tombstone: isTombstone })
    .onConflict(conflict =>
      conflict
        .columns(['chat_id', 'message_id'])
        .doUpdateSet({ is_tombstone: isTombstone, is_unsure: false }),
    )
    .execute()
}

/**
 * Writes down a message that may be ours and may be a person's: it is known from then on, and stays as it is. One that is
 * known already, as a remnant or the message of a backup, is not touched. May be repeated.
 */
export async function keepUnsure(database: Database, { chatId, messageId }: Remnant): Promise<void> {
  checkText('chat id', chatId)
  checkCount('message id', messageId, 1)
  await database.kysely
    .insertInto('remnants')
    .values({ chat_id: chatId, message_id: messageId, is_unsure: true })
    .onConflict(conflict => conflict.doNothing())
    .execute()
}

/** Most at once: each costs a call of the Bot API. */
const MOST_AT_ONCE = 100

/**
 * The ids of messages in a chat that are to be removed and whose time has come, ascending; the first hundred. What has become
 * the index or the message of a backup since is none of them.
 */
export async function dueRemnants(database: Database, chatId: string): Promise<number[]> {
  const rows = await database.kysely
    .selectFrom('remnants')
    .select('message_id')
    .where('chat_id', '=', chatId)
    .where('is_tombstone', '=', false)
    .where('is_unsure', '=', false)
    .where('next_try_at', '<=', sql<Date>`clock_timestamp()`)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('chats')
            .select('chat_id')
            .whereRef('chats.chat_id', '=', 'remnants.chat_id')
            .whereRef('index_message_id', '=', 'remnants.message_id'),
        ),
      ),
    )
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('backup_parts')
            .select('part_no')
            .whereRef('backup_parts.chat_id', '=', 'remnants.chat_id')
            .whereRef('backup_parts.message_id', '=', 'remnants.message_id')
            .where('state', 'in', ['sent', 'damaged']),
        ),
      ),
    )
    .orderBy('message_id')
    .limit(MOST_AT_ONCE)
    .execute()
  return rows.map(({ message_id }) => message_id)
}

/** It could not be removed; it is tried again after an hour, two, four, and a week in the end. */
export async function putOffRemnant(database: Database, { chatId, messageId }: Remnant): Promise<void> {
  await database.kysely
    .updateTable('remnants')
    .set({
      tries: sql<number>`tries + 1`,
      next_try_at: sql<Date>`clock_timestamp() + least(interval '1 hour' * power(2, least(tries, 10)), interval '7 days')`,
    })
    .where('chat_id', '=', chatId)
    .where('message_id', '=', messageId)
    .execute()
}

/** The message is gone from its chat. May be called twice. */
export async function forgetRemnant(database: Database, { chatId, messageId }: Remnant): Promise<void> {
  await database.kysely
    .deleteFrom('remnants')
    .where('chat_id', '=', chatId)
    .where('message_id', '=', messageId)
    .execute()
}
