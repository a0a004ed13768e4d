import { createHash } from 'node:crypto'
import { sealEvidence } from '@telegram-backup/archive'
import {
  catalogIdentity,
  type Evidence,
  newestEvidenceMessage,
  unpostedEvidence,
} from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { evidenceFileName, sendEvidence, writeEvidenceCaption } from 'telegram-deployment-bot'
import { refreshIndexes } from '#session/refresh-indexes.ts'
import type { ReportedReason } from '#session/report.ts'
import { endsEverything, type VaultSession } from '#session/session.ts'

/** A new second chat, or a new first one, gets older records little by little. */
const MOST_AT_ONCE = 50

/** What a run has posted, and the chats that still lack something. */
export interface PostedEvidence {
  posted: { id: string; number: number; chat_id: string }[]
  left: ReportedReason[]
}

/**
 * V2 to V5: sends the records of evidence that a configured chat lacks, oldest first, and then names them in
 * its index. Every chat gets every record, so that each of them alone is enough for a recovery. A chat
 * without an index gets none yet. Throws only when the catalog fails or the signal fires.
 */
export async function postEvidence(session: VaultSession): Promise<PostedEvidence> {
  const { chatId, replicaChatId, database } = session
  const done: PostedEvidence = { posted: [], left: [] }
  if ((await catalogIdentity(database)).isRecovering) return done
  for (const chat of [chatId, replicaChatId]) {
    if (chat === undefined) continue
    try {
      await postTo(session, chat, done)
    } catch (error) {
      if (endsEverything(session, error)) throw error
      const { message: reason, code, hint } = describeError(error)
      done.left.push({ chat_id: chat, code, reason, hint })
    }
  }
  const posted = new Set(done.posted.map(({ chat_id }) => chat_id))
  if (posted.size > 0) await refreshIndexes(session, posted)
  return done
}

async function postTo(session: VaultSession, chat: string, { posted, left }: PostedEvidence): Promise<void> {
  const { database, client, vault, gates, indexSeal, signal, onWait } = session
  const numeric = /^-?\d+$/.test(chat) ? chat : undefined
  // No call of the chat when it lacks nothing.
  if (numeric !== undefined && (await unpostedEvidence(database, numeric, 1)).length === 0) return
  const { chatId } = await gates.enter(chat)
  const records = await unpostedEvidence(database, chatId, MOST_AT_ONCE)
  if (records.length === 0) return
  const { index } = await vault.knownChat(chatId)
  if (index === undefined) return
  if (indexSeal === undefined) {
    left.push({ chat_id: chatId, reason: 'No public key is configured, so evidence stays in the catalog' })
    return
  }
  const { encryption } = indexSeal
  const { catalogId: id, generation } = await catalogIdentity(database)
  for (const record of records) {
    signal.throwIfAborted()
    const bytes = await sealEvidence(record.envelope, encryption)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const previous = await newestEvidenceMessage(database, chatId)
    const caption = writeEvidenceCaption({
      project: record.project_id,
      what: wordsOf(record),
      at: record.at,
      evidenceId: record.id,
      recordSha256: record.sha256,
      sha256,
      previousMessageId: previous ?? undefined,
      catalog: { id, generation },
      indexMessageId: index.messageId,
    })
    const fileName = evidenceFileName(record, encryption !== 'off')
    const document = { evidenceId: record.id, chatId, fileName, bytes, sha256, caption }
    if (await sendEvidence(client, vault, { ...document, signal, onWait }))
      posted.push({ id: record.id, number: record.number, chat_id: chatId })
  }
}

/** For people; the result stays encrypted. */
function wordsOf({ kind, number, backup_id }: Evidence): string {
  const what = kind === 'drill' ? `restore drill of ${backup_id.slice(0, 8)}` : 'review of a restore drill'
  return `evidence ${number} · ${what}`
}
