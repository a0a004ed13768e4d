import { type Selectable, sql } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import { raiseNewest } from '#chats/chats.ts'
import { type BegunSend, beginSend, closeSendIn } from '#chats/open-sends.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import type { Evidence } from '#evidence/chain.ts'
import { checkCount, checkText, checkUuid } from '#input-checks.ts'
import { lockByName } from '#named-locks.ts'

/** Where a record of evidence is. */
export type EvidenceMessage = Selectable<CatalogSchema['evidence_messages']>

/** The records that a chat lacks and that no open call may have sent there; oldest first. */
export async function unpostedEvidence(
  { kysely }: Database,
  chatId: string,
  limit: number,
): Promise<Evidence[]> {
  return await kysely
    .selectFrom('evidence')
    .selectAll()
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('evidence_messages')
            .select('chat_id')
            .whereRef('evidence_id', '=', 'evidence.id')
            .where('chat_id', '=', chatId),
        ),
      ),
    )
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('open_sends')
            .select('chat_id')
            .whereRef('evidence_id', '=', 'evidence.id')
            .where('chat_id', '=', chatId),
        ),
      ),
    )
    .orderBy('at')
    .orderBy('id')
    .limit(limit)
    .execute()
}

/** The messages of a record, by chat. */
export async function evidenceMessages({ kysely }: Database, evidenceId: string): Promise<EvidenceMessage[]> {
  return await kysely
    .selectFrom('evidence_messages')
    .selectAll()
    .where('evidence_id', '=', evidenceId)
    .orderBy('chat_id')
    .execute()
}

/** The newest message of evidence in a chat below a message of a record that is to come; null for none. */
export async function newestEvidenceMessage({ kysely }: Database, chatId: string): Promise<number | null> {
  const { rows } = await sql<{ id: number | null }>`
    select max(message_id) as id from control_plane.evidence_messages where chat_id = ${chatId}
  `.execute(kysely)
  return rows[0]?.id ?? null
}

export interface EvidenceIntent {
  evidenceId: string
  chatId: string
  botId: string
  fileName: string
  sizeBytes: number
  /** Of the document as sent. */
  sha256: string
}

/**
 * To be called before the document of a record is sent. Null when the chat has it, or when a call that may
 * have sent it is open.
 */
export async function beginEvidence(database: Database, of: EvidenceIntent): Promise<BegunSend | null> {
  checkUuid('evidence id', of.evidenceId)
  checkText('chat id', of.chatId)
  return await inTransaction(database.kysely, async trx => {
    await lockByName(trx, `control_plane: evidence in ${of.chatId}`)
    for (const table of ['evidence_messages', 'open_sends'] as const) {
      const there = await trx
        .selectFrom(table)
        .select('chat_id')
        .where('evidence_id', '=', of.evidenceId)
        .where('chat_id', '=', of.chatId)
        .executeTakeFirst()
      if (there !== undefined) return null
    }
    return await beginSend(trx, {
      purpose: 'evidence',
      chat_id: of.chatId,
      bot_id: of.botId,
      evidence_id: of.evidenceId,
      file_name: of.fileName,
      size: of.sizeBytes,
      sha256: of.sha256,
    })
  })
}

export interface EvidenceConfirmation {
  evidenceId: string
  /** The call that made it. */
  sendId?: string | undefined
  chatId: string
  messageId: number
  botId: string
  fileId: string
  fileUniqueId?: string | undefined
  sizeBytes: number
  sha256: string
  /** By Telegram; null if nobody has read it. */
  sentAt: Date | null
}

/**
 * Records that a record is in its chat, and closes the call. False when the chat has it in another message:
 * then this one is one too many, and the call stays open.
 */
export async function confirmEvidence(database: Database, of: EvidenceConfirmation): Promise<boolean> {
  checkUuid('evidence id', of.evidenceId)
  checkCount('message id', of.messageId, 1)
  return await inTransaction(database.kysely, async trx => {
    await trx
      .insertInto('evidence_messages')
      .values({
        evidence_id: of.evidenceId,
        chat_id: of.chatId,
        message_id: of.messageId,
        bot_id: of.botId,
        file_id: of.fileId,
        file_unique_id: of.fileUniqueId ?? null,
        size: of.sizeBytes,
        sha256: of.sha256,
        sent_at: of.sentAt,
      })
      .onConflict(conflict => conflict.doNothing())
      .execute()
    const { message_id } = await trx
      .selectFrom('evidence_messages')
      .select('message_id')
      .where('evidence_id', '=', of.evidenceId)
      .where('chat_id', '=', of.chatId)
      .executeTakeFirstOrThrow()
    if (message_id !== of.messageId) return false
    await closeSendIn(trx, of.sendId)
    await raiseNewest(trx, of.chatId, of.messageId)
    return true
  })
}

/** What the index of a chat names of a record. */
export interface IndexedEvidenceRow {
  id: string
  number: number
  message_id: number
  file_id: string
  bot_id: string | null
  size: number
  sha256: string
}

/** The newest records of a chat, `most` at most, oldest first. */
export async function evidenceOfChat(
  { kysely }: Database,
  chatId: string,
  most: number,
): Promise<IndexedEvidenceRow[]> {
  const rows = await kysely
    .selectFrom('evidence_messages as message')
    .innerJoin('evidence', 'evidence.id', 'message.evidence_id')
    .select(['evidence.id', 'evidence.number', 'message.message_id', 'message.file_id', 'message.bot_id'])
    .select(['message.size', 'message.sha256'])
    .where('message.chat_id', '=', chatId)
    .orderBy('evidence.at', 'desc')
    .orderBy('evidence.id')
    .limit(most)
    .execute()
  return rows.reverse()
}
