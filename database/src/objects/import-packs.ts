import { type Insertable, sql, type Transaction } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { raiseNewest } from '#chats/chats.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkCount, checkText, checkTime, checkUuid } from '#input-checks.ts'
import { inSlices, lockBucket } from '#objects/bucket-writes.ts'

/** A message of a pack, as it was found in a chat. */
export interface ImportedPackMessage {
  chatId: string
  messageId: number
  /** Belongs to the bot `botId`. */
  fileId?: string | undefined
  botId?: string | undefined
  fileUniqueId?: string | undefined
  sentAt?: Date | undefined
  /** It is not in the chat any more. */
  isMissing?: boolean | undefined
}

/** A pack that was found in a chat. Sizes in bytes. */
export interface ImportedPack {
  id: string
  sequence: number
  fileName: string
  /** As sent; the hash in hex. */
  size: number
  sha256: string
  plainSize: number
  encrypted: boolean
  messages: readonly ImportedPackMessage[]
}

/**
 * Takes packs into the catalog whose records it knows from a checkpoint. Known ones get the messages that they lack. May
 * be repeated. CatalogError INVALID for a bad value, and for a pack that the catalog knows with other bytes.
 */
export async function importPacks(
  database: Database,
  { bucketId, packs }: { bucketId: string; packs: readonly ImportedPack[] },
): Promise<void> {
  for (const pack of packs) checkImportedPack(pack)
  await inTransaction(database.kysely, async trx => {
    await lockBucket(trx, { bucketId, evenRemoved: true })
    await addPacks(trx, { bucketId, packs, state: 'sent', hasRecords: true })
    await addPackMessages(trx, packs)
    await raiseNewestOf(trx, packs)
  })
}

/** Where known packs are, beside what the catalog knows; unknown packs are left out. CatalogError INVALID. */
export async function importPackMessages(
  database: Database,
  { bucketId, packs }: { bucketId: string; packs: readonly Omit<ImportedPack, 'fileName' | 'plainSize' | 'encrypted'>[] },
): Promise<void> {
  for (const { id, messages } of packs) {
    checkUuid('pack id', id)
    for (const message of messages) checkMessage(message)
  }
  await inTransaction(database.kysely, async trx => {
    await lockBucket(trx, { bucketId, evenRemoved: true })
    const known = new Map((await packsById(trx, packs.map(({ id }) => id))).map(row => [row.id, row]))
    const same = packs.filter(({ id, sha256, size }) => {
      const row = known.get(id)
      return row?.state === 'sent' && row.bucket_id === bucketId && row.sha256 === sha256 && row.size === size
    })
    await addPackMessages(trx, same)
    await raiseNewestOf(trx, same)
  })
}

/** Adds packs that are unknown; returns the ids of those that this call has added. */
export async function addPacks(
  trx: Transaction<CatalogSchema>,
  of: {
    bucketId: string
    packs: readonly ImportedPack[]
    state: 'intended' | 'sent'
    hasRecords: boolean
    more?: Partial<Insertable<CatalogSchema['packs']>>
  },
): Promise<Set<string>> {
  const { bucketId, packs, state, hasRecords, more } = of
  const known = new Map((await packsById(trx, packs.map(({ id }) => id))).map(row => [row.id, row]))
  for (const { id, sha256 } of packs) {
    const row = known.get(id)
    if (row !== undefined && (row.bucket_id !== bucketId || row.sha256 !== sha256))
      throw invalid(`The catalog knows the pack ${id} with other bytes`)
  }
  const now = sql<Date>`clock_timestamp()`
  const rows = packs
    .filter(({ id }) => !known.has(id))
    .map(pack => ({
      id: pack.id,
      bucket_id: bucketId,
      sequence: pack.sequence,
      state,
      // No process holds a lease on the id of a pack: nobody sends it any more.
      writer: pack.id,
      file_name: pack.fileName,
      plain_size: pack.plainSize,
      size: pack.size,
      sha256: pack.sha256,
      encrypted: pack.encrypted,
      has_records: hasRecords,
      sent_at: state === 'sent' ? now : null,
      ...more,
    }))
  const added = new Set<string>()
  for (const slice of inSlices(rows)) {
    const inserted = await trx
      .insertInto('packs')
      .values(slice)
      .onConflict(conflict => conflict.columns(['bucket_id', 'sequence']).doNothing())
      .returning('id')
      .execute()
    for (const { id } of inserted) added.add(id)
  }
  if (added.size < rows.length) {
    throw new CatalogError('Another pack of the bucket has that number', { code: 'CONFLICT' })
  }
  const highest = packs.reduce((most, { sequence }) => Math.max(most, sequence), 0)
  await trx
    .updateTable('object_buckets')
    .set({ next_sequence: sql<number>`greatest(next_sequence, ${highest}::bigint + 1)` })
    .where('id', '=', bucketId)
    .execute()
  return added
}

async function packsById(trx: Transaction<CatalogSchema>, ids: readonly string[]) {
  const found = []
  for (const slice of inSlices(ids)) {
    const rows = await trx
      .selectFrom('packs')
      .select(['id', 'bucket_id', 'state', 'sha256', 'size'])
      .where('id', 'in', slice)
      .execute()
    found.push(...rows)
  }
  return found
}

/** Adds messages, and what known ones lack. One that is known to be sound stays as it is. */
export async function addPackMessages(
  trx: Transaction<CatalogSchema>,
  packs: readonly Pick<ImportedPack, 'id' | 'messages'>[],
): Promise<void> {
  const now = sql<Date>`clock_timestamp()`
  const rows = packs.flatMap(({ id, messages }) =>
    messages.map(message => ({
      pack_id: id,
      chat_id: message.chatId,
      state: message.isMissing === true ? ('missing' as const) : ('sent' as const),
      message_id: message.messageId,
      file_id: message.fileId ?? null,
      bot_id: message.botId ?? null,
      file_unique_id: message.fileUniqueId ?? null,
      sent_at: message.sentAt ?? null,
      proven_at: now,
    })),
  )
  for (const slice of inSlices(rows)) {
    await trx
      .insertInto('pack_messages')
      .values(slice)
      .onConflict(conflict =>
        conflict
          .columns(['pack_id', 'chat_id'])
          .doUpdateSet({
            state: sql`excluded.state`,
            message_id: sql`excluded.message_id`,
            file_id: sql`coalesce(excluded.file_id, pack_messages.file_id)`,
            bot_id: sql`case when excluded.file_id is null then pack_messages.bot_id else excluded.bot_id end`,
            error: null,
          })
          .where(sql<boolean>`
            (pack_messages.state in ('intended', 'missing', 'damaged') and excluded.state = 'sent')
            or (pack_messages.state = 'sent' and excluded.state = 'sent'
                and pack_messages.message_id = excluded.message_id and excluded.file_id is not null)`),
      )
      .execute()
  }
}

export async function raiseNewestOf(
  trx: Transaction<CatalogSchema>,
  packs: readonly Pick<ImportedPack, 'messages'>[],
): Promise<void> {
  const newest = new Map<string, number>()
  for (const { chatId, messageId } of packs.flatMap(({ messages }) => messages))
    newest.set(chatId, Math.max(messageId, newest.get(chatId) ?? 0))
  // All processes use one order, since each of these rows is locked until the transaction ends.
  for (const [chatId, messageId] of [...newest].sort(([a], [b]) => (a < b ? -1 : 1)))
    await raiseNewest(trx, chatId, messageId)
}

export function checkImportedPack(pack: ImportedPack): void {
  checkUuid('pack id', pack.id)
  checkCount('sequence', pack.sequence, 1)
  checkText('file name', pack.fileName)
  checkCount('size', pack.size, 1)
  checkCount('size', pack.plainSize)
  if (!/^[0-9a-f]{64}$/.test(pack.sha256)) throw invalid('Not a SHA-256')
  for (const message of pack.messages) checkMessage(message)
}

function checkMessage({ chatId, messageId, fileId, botId, sentAt }: ImportedPackMessage): void {
  checkText('chat id', chatId)
  checkCount('message id', messageId, 1)
  if (fileId !== undefined) checkText('file id', fileId)
  if (botId !== undefined) checkText('bot id', botId)
  if (sentAt !== undefined) checkTime('time', sentAt)
}

function invalid(message: string): CatalogError {
  return new CatalogError(message, { code: 'INVALID' })
}
