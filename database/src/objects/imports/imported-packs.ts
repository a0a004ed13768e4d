import { type Kysely, sql, type Transaction } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { raiseNewest } from '#chats/chats.ts'
import { checkCount, checkText, checkTime, checkUuid } from '#input-checks.ts'
import { inSlices } from '#objects/buckets/bucket-writes.ts'
import type { ImportedPack, RefusedImport } from '#objects/imports/types.import.ts'

/** The newest messages of chats are raised by this, so it comes last in its transaction. */
export async function addPacks(
  trx: Transaction<CatalogSchema>,
  bucketId: string,
  packs: readonly ImportedPack[],
): Promise<{ taken: Set<string>; refused: RefusedImport[] }> {
  const refused: RefusedImport[] = []
  const good = packs.filter(pack => {
    const reason = whyNot(() => checkPack(pack))
    if (reason !== undefined) refused.push({ id: String(pack.id), reason })
    return reason === undefined
  })
  const taken = new Set<string>()
  for (const slice of inSlices(good)) {
    await trx
      .insertInto('packs')
      .values(slice.map(pack => packColumns(bucketId, pack)))
      .onConflict(conflict => conflict.doNothing())
      .execute()
    const known = await trx
      .selectFrom('packs')
      .select(['id', 'sequence', 'sha256', 'plain_size'])
      .where(
        'id',
        'in',
        slice.map(({ id }) => id),
      )
      .where('bucket_id', '=', bucketId)
      .execute()
    const byId = new Map(known.map(pack => [pack.id, pack]))
    for (const pack of slice) {
      const row = byId.get(pack.id.toLowerCase())
      if (row?.sequence === pack.sequence && row.sha256 === pack.sha256) {
        taken.add(row.id)
        // Of one that no chat had before, only those bytes were known that objects have.
        if (row.plain_size < pack.plainSize) await raisePlainSize(trx, pack)
      } else refused.push({ id: pack.id, reason: 'another pack has its id or its number' })
    }
    await addMessages(
      trx,
      slice.filter(({ id }) => taken.has(id.toLowerCase())),
    )
  }
  await raiseSequence(
    trx,
    bucketId,
    good.reduce((most, { sequence }) => Math.max(most, sequence), 0),
  )
  return { taken, refused }
}

async function raisePlainSize(
  trx: Transaction<CatalogSchema>,
  { id, plainSize }: ImportedPack,
): Promise<void> {
  await trx.updateTable('packs').set({ plain_size: plainSize }).where('id', '=', id).execute()
}

function packColumns(bucketId: string, pack: ImportedPack) {
  return {
    id: pack.id,
    bucket_id: bucketId,
    sequence: pack.sequence,
    state: 'sent' as const,
    checkpoint_id: pack.checkpoint?.id ?? null,
    part_no: pack.checkpoint?.partNumber ?? null,
    // No lease: nobody works on it.
    writer: bucketId,
    file_name: pack.fileName,
    plain_size: pack.plainSize,
    size: pack.size,
    sha256: pack.sha256,
    encrypted: pack.encrypted,
    has_records: pack.checkpoint === undefined,
    sent_at: pack.messages.find(({ sentAt }) => sentAt !== undefined)?.sentAt ?? sql<Date>`clock_timestamp()`,
  }
}

async function addMessages(trx: Transaction<CatalogSchema>, packs: readonly ImportedPack[]): Promise<void> {
  const messages = packs.flatMap(({ id, messages }) => messages.map(message => ({ ...message, packId: id })))
  const newest = new Map<string, number>()
  for (const slice of inSlices(messages)) {
    await trx
      .insertInto('pack_messages')
      .values(
        slice.map(message => ({
          pack_id: message.packId,
          chat_id: message.chatId,
          state: 'sent' as const,
          message_id: message.messageId,
          file_id: message.fileId ?? null,
          bot_id: message.botId ?? null,
          sent_at: message.sentAt ?? null,
          proven_at: sql<Date>`clock_timestamp()`,
        })),
      )
      .onConflict(conflict => conflict.doNothing())
      .execute()
    for (const { chatId, messageId } of slice) {
      newest.set(chatId, Math.max(messageId, newest.get(chatId) ?? 0))
    }
  }
  // All processes use one order, since each of these rows is locked until the transaction ends.
  for (const [chatId, messageId] of [...newest].sort(([a], [b]) => (a < b ? -1 : 1))) {
    await raiseNewest(trx, chatId, messageId)
  }
}

function checkPack(pack: ImportedPack): void {
  checkUuid('pack id', pack.id)
  checkSequence(pack.sequence)
  checkText('file name', pack.fileName)
  checkCount('size', pack.size, 1)
  checkCount('size', pack.plainSize)
  checkSha256(pack.sha256)
  if (pack.checkpoint !== undefined) {
    checkUuid('checkpoint id', pack.checkpoint.id)
    checkCount('part number', pack.checkpoint.partNumber, 1)
  }
  for (const message of pack.messages) {
    checkText('chat id', message.chatId)
    checkCount('message id', message.messageId, 1)
    if (message.fileId !== undefined) checkText('file id', message.fileId)
    if (message.botId !== undefined) checkText('bot id', message.botId)
    if (message.sentAt !== undefined) checkTime('time', message.sentAt)
  }
}

export function checkSha256(value: unknown): void {
  if (typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)) return
  throw new CatalogError('Not a valid SHA-256', { code: 'INVALID' })
}

/** A pack a second for 30,000 years. */
const MAX_SEQUENCE = 2 ** 40

export function checkSequence(value: number, least = 1): void {
  checkCount('sequence', value, least)
  if (value > MAX_SEQUENCE) throw new CatalogError('Not a valid sequence', { code: 'INVALID' })
}

/** The message of the CatalogError INVALID that `check` throws. */
export function whyNot(check: () => void): string | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    if (error instanceof CatalogError && error.code === 'INVALID') return error.message
    throw error
  }
}

export async function raiseSequence(
  kysely: Kysely<CatalogSchema>,
  bucketId: string,
  sequence: number,
): Promise<void> {
  await kysely
    .updateTable('object_buckets')
    .set({ next_sequence: sequence + 1 })
    .where('id', '=', bucketId)
    .where('next_sequence', '<=', sequence)
    .execute()
}
