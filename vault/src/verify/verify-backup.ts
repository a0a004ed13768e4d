import {
  acquireLease,
  type Backup,
  beginVerification,
  finishVerification,
  getBackupById,
  type JobProgress,
  type Lease,
  listMessages,
  listVerifications,
  type MessageRow,
  markSound,
  type PartKind,
} from '@telegram-backup/database'
import { BackupError, describeError, hint, redactError, run } from '@telegram-backup/errors'
import { ONLY_FIRST_FILE } from '#fetch/fetch-plan.ts'
import { lookForMessages } from '#session/look-for-messages.ts'
import { SessionReport } from '#session/report.ts'
import {
  assertMayGoOn,
  cancelled,
  endsEverything,
  type HeldBackup,
  type VaultSession,
} from '#session/session.ts'
import { nameOf } from '#session/whole-messages.ts'
import { noteFindings } from '#verify/note-findings.ts'
import { DocumentReader } from '#verify/read-documents.ts'
import { repairFindings } from '#verify/repair-findings.ts'
import { type Depth, Findings, type VerificationReport } from '#verify/verification-report.ts'
import { isPlaced, verifyChat } from '#verify/verify-chat.ts'

export interface VerifyBackup {
  backupId: string
  /** Reads every byte; otherwise checks only that the messages exist. */
  readData: boolean
  /** The job that runs it. */
  jobId?: string | undefined
  /** Called for each message; must not throw. */
  onProgress?: ((progress: JobProgress) => void) | undefined
}

/**
 * Verifies a complete backup in each of its chats, records the findings, and repairs from the other chat what
 * one has lost. Nothing else changes in any chat. With `readData` every byte in every chat is read; if
 * `session.identities` fit, the contents are decrypted and compared with the catalog and the signed manifest.
 *
 * Unrepaired damage in the backup's own chat also sets `damaged_at`. Throws `NOT_FOUND` for a backup that is
 * unknown or not complete, `UNPROVEN` when none of its messages is known, `BUSY` while another process works
 * on it, and the errors that prevented the verification (`UNREACHABLE`, `CATALOG`, `CANCELLED`…).
 */
export async function verifyBackup(session: VaultSession, of: VerifyBackup): Promise<VerificationReport> {
  const { database } = session
  const { backupId, readData, jobId } = of
  assertVerifiable(await getBackupById(database, backupId), backupId)
  const lease = await acquireLease(database, { subject: backupId, purpose: 'verify' })
  if (lease === null) throw busy(backupId)
  try {
    const kind = readData ? 'data' : 'existence'
    const id = await beginVerification(database, { backupId, kind, jobId, leaseToken: lease.token })
    const findings = new Findings()
    const finish = (how: { state: 'sound' | 'damaged' | 'failed'; error?: string }): Promise<void> =>
      finishVerification(database, {
        verificationId: id,
        parts: findings.parts,
        bytes: findings.bytes,
        findings: findings.list,
        ...how,
      })
    try {
      const held = { backupId, lease }
      const depth = await verifyHeld(withLease(session, lease), held, { ...of, findings })
      const state = stateOf(findings)
      await finish({ state: state === 'damaged' ? 'damaged' : 'sound' })
      const { parts, bytes, list, unproven } = findings
      return { id, backup_id: backupId, state, depth, parts, bytes, findings: list, unproven }
    } catch (thrown) {
      const error = reasonOf(session, lease, thrown)
      // If this fails, the first error counts; the next verification ends a row that stays running.
      await finish({ state: 'failed', error: redactError(error).message }).catch(() => {})
      throw error
    }
  } finally {
    await lease.release()
  }
}

/** A lost lease also ends the calls. The report of repairs is this backup's own. */
function withLease(session: VaultSession, lease: Lease): VaultSession {
  const signal = AbortSignal.any([session.signal, lease.signal])
  return { ...session, signal, report: new SessionReport() }
}

function reasonOf(session: VaultSession, lease: Lease, error: unknown): unknown {
  if (session.signal.aborted) return cancelled()
  if (lease.signal.aborted) return lease.signal.reason
  return error
}

async function verifyHeld(
  session: VaultSession,
  held: HeldBackup,
  of: VerifyBackup & { findings: Findings },
): Promise<Depth> {
  const { database } = session
  const { backupId, readData, findings } = of
  // An interrupted verification may have left copies in the chat.
  await lookForMessages(session, held)
  const backup = await getBackupById(database, backupId)
  assertVerifiable(backup, backupId)
  const rows = await listMessages(database, backupId)
  if (!rows.some(isPlaced)) throw unknownMessages(backupId)
  noteUnknown(backup, rows, findings)
  const isOpened = await verifyChats(session, held, { ...of, backup, rows })
  await noteFindings(session, held, { backup, rows, findings })
  if (findings.left().length > 0) await repairFindings(session, held, { rows, readData, findings })
  await updateDamage(session, held, { readData, isOpened, findings })
  if (!readData) return 'messages'
  return isOpened ? 'plain bytes' : 'sent bytes'
}

/** Each chat, the backup's own first. True when the contents were opened in one of them, and are right. */
async function verifyChats(
  session: VaultSession,
  held: HeldBackup,
  of: VerifyBackup & { findings: Findings; backup: Backup; rows: readonly MessageRow[] },
): Promise<boolean> {
  const { backup, rows, readData, findings, onProgress } = of
  const placed = rows.filter(isPlaced).filter(row => row.chat_id === backup.chat_id || isToBeThere(row))
  const bytesTotal = readData ? placed.reduce((sum, { size }) => sum + size, 0) : null
  const identities = readData ? await identitiesFor(session, backup) : undefined
  const reader = new DocumentReader(session, held)
  let isOpened = false
  const chats = Map.groupBy(placed, ({ chat_id }) => chat_id)
  const inOrder = [...chats].sort(([a], [b]) => Number(b === backup.chat_id) - Number(a === backup.chat_id))
  for (const [chatId, messages] of inOrder) {
    assertMayGoOn(session, held.lease)
    try {
      const { chatId: current, chatType } = await session.gates.enter(chatId)
      // A group that has become a supergroup keeps its old numbers.
      const hasOwnNumbers = chatType === 'private' || chatType === 'group' || current !== chatId
      const ofOthers = hasOwnNumbers ? messages.filter(message => isOfAnother(session, message)) : []
      if (ofOthers.length > 0) throw numberedByAnother(ofOthers.length)
      const opened = await verifyChat(session, held, {
        ...{ chatId, backup, messages, readData, reader, findings },
        movedTo: current === chatId ? undefined : current,
        identities: isOpened ? undefined : identities,
        onProgress: progress => {
          // A replaced document may be larger than what was sent.
          const bytes_total = bytesTotal && Math.max(bytesTotal, progress.bytes_done)
          onProgress?.({ ...progress, bytes_total })
        },
      })
      isOpened ||= opened.isOpened
    } catch (error) {
      // A failure of the second chat says nothing about the first.
      const { code, message: reason } = describeError(error)
      if (chatId === backup.chat_id || endsEverything(session, error) || code === 'LEASE_LOST') throw error
      findings.unproven.push({ chat_id: chatId, code, reason })
    }
  }
  return isOpened
}

/** In another chat only messages that should be there count: an erased one is no damage. */
function isToBeThere({ state }: MessageRow): boolean {
  return state === 'sent' || state === 'missing' || state === 'damaged'
}

/** Undefined when the contents cannot be opened. */
async function identitiesFor(
  { identities }: VaultSession,
  { encrypted }: Backup,
): Promise<readonly string[] | undefined> {
  if (encrypted === false) return []
  return await identities?.()
}

/**
 * Private chats and basic groups number messages for each bot: the same id is another message to this bot.
 */
function isOfAnother({ client }: VaultSession, { bot_id }: MessageRow): boolean {
  return bot_id !== null && bot_id !== client.botId
}

function numberedByAnother(count: number): BackupError {
  const message = `Another bot sent ${count} messages, in a chat where each bot has its own message numbers`
  const hint = 'Verify with that bot’s token; or use a channel, where all bots see the same numbers.'
  return new BackupError(message, { code: 'UNPROVEN', hint })
}

/** Reports what the catalog itself lacks: a part without a message, or without a row. */
function noteUnknown(backup: Backup, rows: readonly MessageRow[], { list }: Findings): void {
  const own = rows.filter(({ chat_id }) => chat_id === backup.chat_id)
  const placed = new Set(own.filter(isPlaced).flatMap(row => (row.kind === 'part' ? [row.part_no] : [])))
  const chat_id = backup.chat_id ?? ''
  const noteMissing = (kind: PartKind, part_no: number): void => {
    const reason = `${nameOf({ kind, part_no })} has no message in chat ${chat_id}`
    list.push({ kind, part_no, chat_id, message_id: null, finding: 'missing', reason })
  }
  for (let part_no = 1; part_no <= (backup.part_count ?? 0); part_no++) {
    if (!placed.has(part_no)) noteMissing('part', part_no)
  }
  if (own.some(row => row.kind === 'manifest' && !isPlaced(row))) noteMissing('manifest', 0)
}

/** Clears earlier damage of the backup once every byte is proven; else adds it to the findings. */
async function updateDamage(
  { database }: VaultSession,
  { backupId }: HeldBackup,
  { readData, isOpened, findings }: { readData: boolean; isOpened: boolean; findings: Findings },
): Promise<void> {
  const backup = await getBackupById(database, backupId)
  if (backup?.damaged_at == null || findings.left(backup.chat_id ?? '').length > 0) return
  const isProven = readData && (isOpened || !(await wasOpenedWrong({ database, backupId })))
  if (isProven) {
    await markSound(database, backupId, 'messages')
    return
  }
  findings.list.push({
    ...{ kind: 'backup', part_no: 0, chat_id: backup.chat_id ?? '', message_id: null, finding: 'damaged' },
    reason: `it was found damaged on ${backup.damaged_at.toISOString()}, and ${
      readData ? 'no key was at hand to open it' : 'only reading every byte can prove that it is not'
    }`,
  })
}

/**
 * Whether the last damage was in the contents: then it proves nothing that the bytes are those that were
 * sent.
 */
async function wasOpenedWrong({
  database,
  backupId,
}: Pick<VaultSession, 'database'> & { backupId: string }): Promise<boolean> {
  const earlier = await listVerifications(database, backupId)
  const last = earlier.find(({ kind, state }) => kind === 'data' && state === 'damaged')
  return last?.findings.some(({ finding }) => finding === 'contents') ?? false
}

function stateOf(findings: Findings): VerificationReport['state'] {
  if (findings.left().length > 0) return 'damaged'
  return findings.list.length > 0 ? 'mended' : 'sound'
}

function assertVerifiable(backup: Backup | null, backupId: string): asserts backup is Backup {
  if (backup?.state === 'complete') return
  const message =
    backup === null
      ? `There is no backup ${backupId}`
      : `Backup ${backupId} is ${backup.state}, so it cannot be verified`
  const advice = hint`${run('list', { state: 'complete' })} lists the backups that can be verified.`
  throw new BackupError(message, { code: 'NOT_FOUND', hint: advice })
}

function unknownMessages(backupId: string): BackupError {
  return new BackupError(`No message of backup ${backupId} is known, so none can be checked`, {
    code: 'UNPROVEN',
    hint: ONLY_FIRST_FILE,
  })
}

/** Another process holds its lease. */
export function busy(backupId: string): BackupError {
  return new BackupError(`Another run works on backup ${backupId} now`, {
    code: 'BUSY',
    hint: 'Wait until that process has ended. A process that died is noticed within a minute.',
  })
}
