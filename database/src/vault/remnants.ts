import type { Kysely } from 'kysely'
import { checkCount, checkText } from '#backups/input-checks.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'

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
      conflict.columns(['chat_id', 'message_id']).doUpdateSet({ is_tombstone: isTombstone }),
    )
    .execute()
}

/** The ids of messages in a chat that are to be removed, ascending. */
export async function remnants(database: Database, chatId: string): Promise<number[]> {
  const rows = await database.kysely
    .selectFrom('remnants')
    .select('message_id')
    .where('chat_id', '=', chatId)
    .where('is_tombstone', '=', false)
    .orderBy('message_id')
    .execute()
  return rows.map(({ message_id }) => message_id)
}

/** The message is gone from its chat. May be called twice. */
export async function forgetRemnant(database: Database, { chatId, messageId }: Remnant): Promise<void> {
  await database.kysely
    .deleteFrom('remnants')
    .where('chat_id', '=', chatId)
    .where('message_id', '=', messageId)
    .execute()
}
