import { type Kysely, sql } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'
import { checkCount, checkText } from '#input-checks.ts'

/**
 * A message of this catalog that nothing needs any more and that is still in its chat; a row of `remnants`.
 */
export interface LeftoverMessage {
  chatId: string
  messageId: number
}

/** Records a message that is to be removed, or that was replaced by a tombstone. May be repeated. */
export async function keepLeftover(
  database: Database,
  { isTombstone = false, ...message }: LeftoverMessage & { isTombstone?: boolean | undefined },
): Promise<void> {
  await keepLeftoverIn(database.kysely, { ...message, isTombstone })
}

/** As `keepLeftover`, in a transaction. */
export async function keepLeftoverIn(
  kysely: Kysely<CatalogSchema>,
  { chatId, messageId, isTombstone }: LeftoverMessage & { isTombstone: boolean },
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
 * Records a message that may be a person's: the catalog knows it from then on and leaves it in the chat. A
 * message that is already recorded, here or as a message of a backup, stays as it is. May be repeated.
 */
export async function keepUnsure(database: Database, { chatId, messageId }: LeftoverMessage): Promise<void> {
  checkText('chat id', chatId)
  checkCount('message id', messageId, 1)
  await database.kysely
    .insertInto('remnants')
    .values({ chat_id: chatId, message_id: messageId, is_unsure: true })
    .onConflict(conflict => conflict.doNothing())
    .execute()
}

/** The most at once: each costs a call of the Bot API. */
const MOST_AT_ONCE = 100

/**
 * The ids of the messages in a chat that are to be removed now, ascending; 100 at most. A message that has
 * become the index, or a message of a backup or a pack since then is left out.
 */
export async function dueLeftovers(database: Database, chatId: string): Promise<number[]> {
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
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('pack_messages')
            .select('pack_id')
            .whereRef('pack_messages.chat_id', '=', 'remnants.chat_id')
            .whereRef('pack_messages.message_id', '=', 'remnants.message_id')
            .where('state', 'in', ['sent', 'damaged']),
        ),
      ),
    )
    .orderBy('message_id')
    .limit(MOST_AT_ONCE)
    .execute()
  return rows.map(({ message_id }) => message_id)
}

/** The message could not be removed. The next try is after 1 hour, then 2, 4, … up to a week. */
export async function putOffLeftover(
  database: Database,
  { chatId, messageId }: LeftoverMessage,
): Promise<void> {
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
export async function forgetLeftover(
  database: Database,
  { chatId, messageId }: LeftoverMessage,
): Promise<void> {
  await database.kysely
    .deleteFrom('remnants')
    .where('chat_id', '=', chatId)
    .where('message_id', '=', messageId)
    .execute()
}
