import { sql, type Transaction } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import { lockByName } from '#named-locks.ts'

/**
 * Notes since when the index of every chat with packs of a bucket names these checkpoints, and these buckets
 * as removed. From then on, packs that they make needless may be erased: nobody who reads a chat needs them
 * any more. A chat that is not used any more counts as well, since it may be all that is left one day.
 */
export async function markIndexed(trx: Transaction<CatalogSchema>, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  // Otherwise neither of two transactions for two chats would see what the other one writes.
  await lockByName(trx, 'control_plane: names in indexes')
  const isNamedEverywhere = (
    id: 'checkpoint.id' | 'bucket.id',
    bucketId: 'checkpoint.bucket_id' | 'bucket.id',
  ) =>
    sql<boolean>`not exists (
      select from control_plane.chats as chat
       where chat.moved_to is null and chat.index_message_id is not null
         and not ${sql.ref(id)} = any (chat.index_names)
         and exists (
           select from control_plane.pack_messages as message
             join control_plane.packs as pack on pack.id = message.pack_id
            where pack.bucket_id = ${sql.ref(bucketId)}
              and message.chat_id = chat.chat_id and message.state = 'sent'))`
  await sql`
    update control_plane.object_checkpoints as checkpoint set indexed_at = clock_timestamp()
     where checkpoint.id = any (${[...names]}::uuid[])
       and checkpoint.state = 'sent' and checkpoint.indexed_at is null
       and ${isNamedEverywhere('checkpoint.id', 'checkpoint.bucket_id')}
  `.execute(trx)
  await sql`
    update control_plane.object_buckets as bucket set removal_indexed_at = clock_timestamp()
     where bucket.id = any (${[...names]}::uuid[])
       and bucket.removed_at is not null and bucket.removal_indexed_at is null
       and ${isNamedEverywhere('bucket.id', 'bucket.id')}
  `.execute(trx)
}
