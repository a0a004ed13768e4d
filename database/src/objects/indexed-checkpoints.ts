import { sql, type Transaction } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'

/**
 * Notes since when the index of every chat with packs of the bucket names these checkpoints. From then on, packs
 * that a checkpoint covers may be erased: nobody who reads a chat needs their records any more. A chat that is
 * not used any more counts as well, since it may be all that is left one day.
 */
export async function markIndexed(
  trx: Transaction<CatalogSchema>,
  checkpoints: readonly string[],
): Promise<void> {
  if (checkpoints.length === 0) return
  await sql`
    update control_plane.object_checkpoints as checkpoint set indexed_at = clock_timestamp()
     where checkpoint.id = any(${[...checkpoints]}::uuid[])
       and checkpoint.state = 'sent' and checkpoint.indexed_at is null
       and not exists (
         select from control_plane.chats as chat
          where chat.moved_to is null and chat.index_message_id is not null
            and not checkpoint.id = any(chat.index_checkpoints)
            and exists (
              select from control_plane.pack_messages as message
                join control_plane.packs as pack on pack.id = message.pack_id
               where pack.bucket_id = checkpoint.bucket_id
                 and message.chat_id = chat.chat_id and message.state = 'sent'))
  `.execute(trx)
}
