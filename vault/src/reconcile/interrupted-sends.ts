import { createHash } from 'node:crypto'
import {
  type Backup,
  completeBackup,
  failBackup,
  giveUpResuming,
  listMessages,
  type MessageRow,
  sealedManifest,
} from '@telegram-backup/database'
import { missingWords } from '@telegram-backup/database/missing-files'
import { hint, run } from '@telegram-backup/errors'
import { manifestFileName } from 'telegram-deployment-bot'
import { eraseMessages } from '#erase/erase-messages.ts'
import { partsThere } from '#reconcile/parts-there.ts'
import { captionOf } from '#session/caption-of-message.ts'
import { lookForMessages } from '#session/look-for-messages.ts'
import { repairSender } from '#session/repair-sender.ts'
import { canBeReadAgain, mayBeResumed } from '#session/resumable.ts'
import type { HeldBackup, VaultSession } from '#session/session.ts'

/** R2 and R3: finishes an interrupted send whose messages are all there, and fails any other. */
export async function reconcileSend(session: VaultSession, held: HeldBackup, backup: Backup): Promise<void> {
  await lookForMessages(session, held) // R2
  const left = await whatIsLeft(session, held, backup)
  if (left.is === 'part of it') return await fail(session, held, { backup, hasParts: left.hasParts })
  if (left.is === 'all but the manifest') await sendStoredManifest(session, held, { backup, ...left }) // S8
  await completeBackup(session.database, { backupId: backup.id, leaseToken: held.lease.token }) // S9
  session.report.finished.push({ backup_id: backup.id, missing: missingWords(backup) ?? null })
}

/** How much of an interrupted send is in its chat. */
type WhatIsLeft =
  | { is: 'everything' }
  | { is: 'all but the manifest'; manifest: Buffer }
  | { is: 'part of it'; hasParts: boolean }

async function whatIsLeft(session: VaultSession, held: HeldBackup, backup: Backup): Promise<WhatIsLeft> {
  const rows = (await listMessages(session.database, backup.id)).filter(row => row.chat_id === backup.chat_id)
  if (isSent(rows.find(row => row.kind === 'manifest'))) return { is: 'everything' }
  const manifest = await sealedManifest(session.database, backup.id)
  const isWhole =
    manifest !== null &&
    hasAllParts(rows, backup) &&
    !(await hasMoved(session, backup)) &&
    // The run may have erased some of its parts, or people may have.
    hasAllParts(await partsThere(session, held, rows), backup)
  return isWhole
    ? { is: 'all but the manifest', manifest }
    : { is: 'part of it', hasParts: rows.some(isSent) }
}

function isSent(row: MessageRow | undefined): boolean {
  return row?.state === 'sent'
}

function hasAllParts(rows: readonly MessageRow[], backup: Backup): boolean {
  const sent = rows.filter(row => row.kind === 'part' && isSent(row))
  return backup.part_count !== null && sent.length === backup.part_count
}

/** Nothing can be sent to a group that became a supergroup, and its messages do not move along. */
async function hasMoved({ gates }: VaultSession, { chat_id }: Backup): Promise<boolean> {
  return chat_id !== null && (await gates.enter(chat_id)).chatId !== chat_id
}

/** S8: the catalog has the sealed bytes, so neither key nor source is needed. */
async function sendStoredManifest(
  session: VaultSession,
  held: HeldBackup,
  { backup, manifest }: { backup: Backup; manifest: Buffer },
): Promise<void> {
  const chatId = String(backup.chat_id)
  await session.gates.enter(chatId)
  session.say(`sending the manifest of backup ${backup.id}`)
  const sha256 = createHash('sha256').update(manifest).digest('hex')
  const name = {
    project: backup.project_id,
    type: backup.type,
    createdAt: backup.created_at,
    id: backup.id,
    filename: String(backup.source?.['filename'] ?? backup.filename ?? ''),
  }
  const fileName = manifestFileName(name, backup.encrypted !== false)
  await repairSender(session, held, chatId).send(
    {
      facts: { kind: 'manifest', partNumber: 0, fileName, sha256, sizeBytes: manifest.length },
      caption: await captionOf(session, backup, { chatId, content: { kind: 'manifest' }, sha256 }),
      document: { bytes: manifest },
    },
    session.signal,
  )
}

/** A backup that may be resumed keeps its parts for a day; all else of a failed backup is erased. */
async function fail(
  session: VaultSession,
  held: HeldBackup,
  { backup, hasParts }: { backup: Backup; hasParts: boolean },
): Promise<void> {
  const { database, report } = session
  const resumable = mayBeResumed({ ...backup, resumable: hasParts && canBeReadAgain(backup) })
  const early = 'The process that sent it ended early'
  // The row keeps the first half: it may not be resumable for long.
  const reason = resumable ? String(hint`${early}; to go on: ${run('send', { resume: backup.id })}`) : early
  if (!resumable) await eraseRemains(session, held)
  await failBackup(database, { backupId: backup.id, error: early, resumable, leaseToken: held.lease.token })
  report.failed.push({ backup_id: backup.id, resumable, reason })
}

/**
 * R5: erases all messages of a failed backup, which is then not to be resumed any more. Its state stays
 * `failed`.
 */
export async function eraseFailed(session: VaultSession, held: HeldBackup): Promise<void> {
  await giveUpResuming(session.database, { backupId: held.backupId, leaseToken: held.lease.token })
  await lookForMessages(session, held)
  await eraseRemains(session, held)
}

/**
 * Erases every known message of a failed backup. The report names each that stays; the next run tries again.
 */
export async function eraseRemains(session: VaultSession, held: HeldBackup): Promise<void> {
  for (const { outcome, chat_id, message_id, reason = '' } of await eraseMessages(session, held)) {
    if (outcome !== 'kept') continue
    // The backup has failed in any case, so nothing waits for the message.
    const words = `Message ${message_id} of a backup that failed stays in the chat: ${reason}`
    session.report.kept.push({ backup_id: held.backupId, chat_id, reason: words })
  }
}
