import { type Kysely, type Selectable, type SelectQueryBuilder, sql } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkCount, checkText } from '#input-checks.ts'

/** What is known of a chat besides the messages of its backups. */
export interface ChatRecord {
  chatId: string
  /** The newest message id that the catalog has heard of; 0 for none. */
  newestMessageId: number
  /** The id under which the chat goes on. */
  movedTo: string | null
  index: IndexRecord | null
}

/** The pinned document of a chat, as it was last proven. */
export interface IndexRecord {
  messageId: number
  /** Belongs to the bot `botId`. */
  fileId: string
  botId: string
  /** Hex, of the document. */
  sha256: string
  /** Names one drawing of the index. */
  edition: string
  /** Hex, of the drawing. */
  contentSha256: string
  /** An edition that was about to be written and may be there instead. */
  nextEdition: string | null
}

/** Null for a chat that the catalog does not know. */
export async function chatRecord(database: Database, chatId: string): Promise<ChatRecord | null> {
  const chat = await database.kysely
    .selectFrom('chats')
    .selectAll()
    .where('chat_id', '=', chatId)
    .executeTakeFirst()
  if (!chat) return null
  const { newest_message_id: newestMessageId, moved_to: movedTo } = chat
  return { chatId, newestMessageId, movedTo, index: indexOf(chat) }
}

function indexOf(chat: Selectable<CatalogSchema['chats']>): IndexRecord | null {
  const { index_message_id: messageId, index_file_id: fileId, index_bot_id: botId } = chat
  const { index_sha256: sha256, index_edition: edition, index_content_sha256: contentSha256 } = chat
  if (messageId === null || fileId === null || botId === null) return null
  if (sha256 === null || edition === null || contentSha256 === null) return null
  return { messageId, fileId, botId, sha256, edition, contentSha256, nextEdition: chat.index_next_edition }
}

/** Records the new id of a group that became a supergroup. Earlier messages keep the old id. */
export async function chatMoved(database: Database, move: { from: string; to: string }): Promise<void> {
  checkText('chat id', move.from)
  checkText('chat id', move.to)
  await inTransaction(database.kysely, async trx => {
    if ((await movesOf(trx, move.to)).includes(move.from)) {
      throw new CatalogError('A chat cannot move to where it came from', { code: 'CONFLICT' })
    }
    await ensureChat(trx, move.from)
    await ensureChat(trx, move.to)
    await trx
      .updateTable('chats')
      .set({ moved_to: move.to })
      .where('chat_id', '=', move.from)
      .where('moved_to', 'is distinct from', move.to)
      .execute()
  })
}

/** The old ids of groups that became supergroups: their messages cannot be removed any more. */
export function movedChats(
  kysely: Kysely<CatalogSchema>,
): SelectQueryBuilder<CatalogSchema, 'chats', { chat_id: string }> {
  return kysely.selectFrom('chats').select('chat_id').where('moved_to', 'is not', null)
}

/** The id under which a chat can be reached now; the same one for a chat that has not moved. */
export async function currentChat(database: Database, chatId: string): Promise<string> {
  return (await movesOf(database.kysely, chatId)).at(-1) ?? chatId
}

/** The chat itself, and the ids it had after it, one after the other. */
async function movesOf(kysely: Kysely<CatalogSchema>, chatId: string): Promise<string[]> {
  const { rows } = await sql<{ chat_id: string }>`
    with recursive moves (chat_id, steps) as (
      select ${chatId}::text, 0
      union all
      select moved_to, steps + 1 from control_plane.chats join moves using (chat_id)
      where moved_to is not null and steps < 100
    )
    select chat_id from moves order by steps
  `.execute(kysely)
  return rows.map(({ chat_id }) => chat_id)
}

/**
 * The known message ids above `after`, up to `upTo`: of parts and packs in any state, the index, evidence,
 * and leftover messages.
 */
export async function knownMessageIds(
  database: Database,
  chatId: string,
  range: { after: number; upTo: number },
): Promise<Set<number>> {
  const { rows } = await sql<{ id: number }>`
    select message_id as id from control_plane.backup_parts
     where chat_id = ${chatId} and message_id > ${range.after} and message_id <= ${range.upTo}
    union
    select message_id from control_plane.pack_messages
     where chat_id = ${chatId} and message_id > ${range.after} and message_id <= ${range.upTo}
    union
    select index_message_id from control_plane.chats
     where chat_id = ${chatId} and index_message_id > ${range.after} and index_message_id <= ${range.upTo}
    union
    select message_id from control_plane.evidence_messages
     where chat_id = ${chatId} and message_id > ${range.after} and message_id <= ${range.upTo}
    union
    select message_id from control_plane.pack_messages
     where chat_id = ${chatId} and message_id > ${range.after} and message_id <= ${range.upTo}
    union
    select message_id from control_plane.remnants
     where chat_id = ${chatId} and message_id > ${range.after} and message_id <= ${range.upTo}
  `.execute(database.kysely)
  return new Set(rows.map(({ id }) => id))
}

export async function ensureChat(kysely: Kysely<CatalogSchema>, chatId: string): Promise<void> {
  await kysely
    .insertInto('chats')
    .values({ chat_id: chatId })
    .onConflict(conflict => conflict.doNothing())
    .execute()
}

/**
 * Records that a message with this id was seen. A transaction does this last, since every writer needs that
 * row.
 */
export async function raiseNewest(
  kysely: Kysely<CatalogSchema>,
  chatId: string,
  messageId: number,
): Promise<void> {
  checkCount('message id', messageId)
  await sql`
    insert into control_plane.chats as chat (chat_id, newest_message_id) values (${chatId}, ${messageId})
    on conflict (chat_id) do update set newest_message_id = excluded.newest_message_id
    where chat.newest_message_id < excluded.newest_message_id
  `.execute(kysely)
}

/** Every later message of the chat has a greater id. */
export async function newestMessageId(kysely: Kysely<CatalogSchema>, chatId: string): Promise<number> {
  const chat = await kysely
    .selectFrom('chats')
    .select('newest_message_id')
    .where('chat_id', '=', chatId)
    .executeTakeFirst()
  return chat?.newest_message_id ?? 0
}
