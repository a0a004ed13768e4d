import { sql, type Transaction } from 'kysely'
import {
  checkPartKey,
  describePart,
  keyColumnsOf,
  type PartKey,
  thisPart,
  whyNot,
} from '#backups/part-keys.ts'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { raiseNewest } from '#chats/chats.ts'
import { keepLeftoverIn } from '#chats/leftover-messages.ts'
import { type BegunSend, beginSend, closeSendIn } from '#chats/open-sends.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkCount, checkText, checkTime } from '#input-checks.ts'
import { addToHistory } from '#jobs/backup-history.ts'
import { guardWrite } from '#leases/lease-rows.ts'

/** Sizes and offsets are bytes. */
export interface PartIntent extends PartKey {
  botId?: string | undefined
  fileName: string
  /** As sent. */
  sizeBytes: number
  /** Hex, of the bytes as sent. */
  sha256: string
  plainOffset?: number | undefined
  plainSize?: number | undefined
  /** Hex, of its plain bytes. */
  plainSha256?: string | undefined
  leaseToken?: string | undefined
}

/** A message that is proven to be in the chat. */
export interface PartConfirmation extends PartKey {
  messageId: number
  fileId: string
  fileUniqueId?: string | undefined
  botId?: string | undefined
  sentAt?: Date | undefined
  /** The call that made the message. Default: the newest open call for it. */
  sendId?: string | undefined
  leaseToken?: string | undefined
}

/**
 * Records a message before it is sent, and the call that will send it. May be repeated for another try until
 * the message is proven to be sent. Earlier calls stay open, since their messages may be in the chat as well;
 * a message that is given up for another goes into the history. CatalogError CONFLICT when the message is
 * proven, or when the backup is neither `sending` nor `complete` (a complete backup may get repairs of its
 * parts, and copies in other chats); NOT_FOUND for an unknown backup, LEASE_LOST.
 */
export async function intendPart(database: Database, part: PartIntent): Promise<BegunSend> {
  checkPartKey(part)
  checkText('file name', part.fileName)
  checkCount('size', part.sizeBytes)
  const columns = {
    bot_id: part.botId ?? null,
    file_name: part.fileName,
    size: part.sizeBytes,
    sha256: part.sha256,
    plain_offset: part.plainOffset ?? null,
    plain_size: part.plainSize ?? null,
    plain_sha256: part.plainSha256 ?? null,
  }
  return await inTransaction(database.kysely, async trx => {
    await guardWrite(trx, part.backupId, part.leaseToken)
    await refuseUnlessWanted(trx, part)
    const before = await trx
      .selectFrom('backup_parts')
      .select(['state', 'message_id'])
      .where(thisPart(part))
      .forUpdate()
      .executeTakeFirst()
    const written = await trx
      .insertInto('backup_parts')
      .values({ ...columns, ...keyColumnsOf(part) })
      .onConflict(conflict =>
        conflict
          .columns(['backup_id', 'chat_id', 'kind', 'part_no'])
          .doUpdateSet({ ...columns, ...UNKNOWN_OUTCOME, intended_at: sql`now()` })
          .where('backup_parts.state', '<>', 'sent'),
      )
      .returning('part_no')
      .executeTakeFirst()
    if (!written) throw new CatalogError(`${describePart(part)} has been sent already`, { code: 'CONFLICT' })
    if (before?.message_id != null) {
      // The row is about to forget a message that may still be in the chat.
      const { message_id, state } = before
      if (state === 'tombstone') {
        await keepLeftoverIn(trx, { chatId: part.chatId, messageId: message_id, isTombstone: true })
      }
      await addToHistory(trx, {
        backupId: part.backupId,
        event: `${part.kind}_replaced`,
        actor: database.actor,
        details: { chat_id: part.chatId, part_no: part.partNumber, message_id, state },
      })
    }
    const { plain_sha256: _, ...recognised } = columns
    return await beginSend(trx, { ...recognised, ...sendOf(part) })
  })
}

function sendOf(part: PartKey) {
  const { kind: purpose, ...place } = keyColumnsOf(part)
  return { purpose, ...place }
}

const UNKNOWN_OUTCOME = {
  state: 'intended',
  message_id: null,
  file_id: null,
  file_unique_id: null,
  sent_at: null,
  erased_at: null,
  error: null,
} as const

async function refuseUnlessWanted(trx: Transaction<CatalogSchema>, part: PartKey): Promise<void> {
  // FOR SHARE: a change of the state of this backup waits until the intent is written.
  const backup = await trx
    .selectFrom('backups')
    .select(['state', 'chat_id'])
    .where('id', '=', part.backupId)
    .forShare()
    .executeTakeFirst()
  if (!backup) throw new CatalogError(`There is no backup ${part.backupId}`, { code: 'NOT_FOUND' })
  if (backup.state === 'sending') return
  if (backup.state !== 'complete') {
    throw new CatalogError(`The backup is ${backup.state}: nothing may be sent for it`, { code: 'CONFLICT' })
  }
  if (backup.chat_id !== part.chatId) return
  const known = await trx.selectFrom('backup_parts').select('state').where(thisPart(part)).executeTakeFirst()
  if (!known)
    throw new CatalogError(`The backup is complete and has no such part: ${describePart(part)}`, {
      code: 'CONFLICT',
    })
}

/**
 * Records that a message is in the chat, and closes the call that sent it. May be repeated with the same
 * message id. CatalogError CONFLICT when another message is already proven, or when it was erased; NOT_FOUND
 * when it was never intended; LEASE_LOST.
 */
export async function confirmPart(database: Database, confirmation: PartConfirmation): Promise<void> {
  checkPartKey(confirmation)
  checkCount('message id', confirmation.messageId, 1)
  checkText('file id', confirmation.fileId)
  if (confirmation.sentAt !== undefined) checkTime('sentAt', confirmation.sentAt)
  const { messageId, chatId } = confirmation
  await inTransaction(database.kysely, async trx => {
    await guardWrite(trx, confirmation.backupId, confirmation.leaseToken)
    const confirmed = await trx
      .updateTable('backup_parts')
      .set({
        state: 'sent',
        message_id: messageId,
        file_id: confirmation.fileId,
        file_unique_id: confirmation.fileUniqueId ?? null,
        bot_id: confirmation.botId,
        sent_at: confirmation.sentAt ?? sql<Date>`now()`,
        error: null,
      })
      .where(thisPart(confirmation))
      .where(({ eb, or }) =>
        or([
          eb('state', 'in', ['intended', 'missing', 'damaged']),
          eb.and({ state: 'sent', message_id: messageId }),
        ]),
      )
      .returning('part_no')
      .executeTakeFirst()
    if (!confirmed) throw await whyNot(trx, confirmation, `cannot be confirmed with message ${messageId}`)
    await closeSendIn(trx, confirmation.sendId ?? (await newestSend(trx, confirmation)))
    await raiseNewest(trx, chatId, messageId)
  })
}

async function newestSend(trx: Transaction<CatalogSchema>, part: PartKey): Promise<string | undefined> {
  const send = await trx
    .selectFrom('open_sends')
    .select('id')
    .where(({ eb }) => eb.and(sendOf(part)))
    .orderBy('begun_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return send?.id
}
