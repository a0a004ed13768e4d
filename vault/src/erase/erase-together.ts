import {
  beginErasing,
  finishErase,
  listMessages,
  type MessageRow,
  notePart,
  partKeyOf,
} from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { eraseMessages, isStillThere } from '#erase/erase-messages.ts'
import { assertMayGo } from '#erase/last-good.ts'
import { lookForMessages } from '#session/look-for-messages.ts'
import { refreshIndexes } from '#session/refresh-indexes.ts'
import { type ErasedMessage, type ReportedReason, reportedMessage } from '#session/report.ts'
import { endsEverything, type HeldBackup, type VaultSession } from '#session/session.ts'

/** The outcome of an erase. */
export interface Erasure {
  /** False: a message stayed, or an index still names the backup; then it stays `erasing`. */
  isErased: boolean
  messages: ErasedMessage[]
}

/** The outcome by backup id. A backup with a `failure` stays `erasing`. */
export type ErasureEnds = Map<string, Erasure | { failure: unknown }>

/** So many are marked in the index at once. A run that dies leaves at most so many unfinished. */
const GROUP = 50

/** The items in groups that are erased together, in the same order. */
export function* inGroups<Item>(items: readonly Item[]): Generator<Item[]> {
  for (let at = 0; at < items.length; at += GROUP) yield items.slice(at, at + GROUP)
}

/**
 * E2 to E5 for marked backups: each index is drawn once before the first message is erased, and once after
 * the last. A failure of one backup stops no other, unless no server answers. Throws when the catalog fails
 * or the signal fires.
 */
export async function eraseTogether(session: VaultSession, all: readonly HeldBackup[]): Promise<ErasureEnds> {
  const ends: ErasureEnds = new Map()
  const chatsOf = new Map<string, Set<string>>()
  let placed = 0
  const found = await eachOf(session, { all, ends }, async held => {
    const { backupId } = held
    await assertMayGo(session, backupId)
    await lookForMessages(session, held)
    const rows = await listMessages(session.database, backupId)
    chatsOf.set(backupId, new Set(rows.map(row => row.chat_id)))
    placed += rows.filter(isStillThere).length
    return true
  })
  const chatsOfAll = (which: readonly HeldBackup[]) =>
    new Set(which.flatMap(({ backupId }) => [...(chatsOf.get(backupId) ?? [])]))
  const unmarked = await refreshIndexes(session, chatsOfAll(found)) // E2
  const onErased = followErased(session, placed)
  const gone = await eachOf(session, { all: found, ends }, async held => {
    // Other backups may have been erased, or found damaged, since.
    await assertMayGo(session, held.backupId)
    const messages = await eraseMarked(session, held, { unmarked, onErased }) // E3
    ends.set(held.backupId, { isErased: false, messages })
    return messages.every(({ outcome }) => outcome !== 'kept')
  })
  const chats = chatsOfAll(gone)
  const left = await refreshIndexes(session, chats) // E4
  await eachOf(session, { all: gone, ends }, async held => {
    const itsOwn = chatsOf.get(held.backupId)
    // An unexpected chat is the new id of a group: it may be the chat of any backup.
    const stillNaming = left.filter(({ chat_id = '' }) => itsOwn?.has(chat_id) || !chats.has(chat_id))
    return await finish(session, held, { stillNaming, ends }) // E5
  })
  return ends
}

/** Those for which the step returned true. */
async function eachOf(
  session: VaultSession,
  { all, ends }: { all: readonly HeldBackup[]; ends: ErasureEnds },
  step: (held: HeldBackup) => Promise<boolean>,
): Promise<HeldBackup[]> {
  const passed: HeldBackup[] = []
  let unreachable: unknown
  for (const held of all) {
    try {
      // Without an answer each of the others would wait as long.
      if (unreachable !== undefined) throw unreachable
      if (await step(held)) passed.push(held)
    } catch (error) {
      if (endsEverything(session, error)) throw error
      if (describeError(error).code === 'UNREACHABLE') unreachable = error
      ends.set(held.backupId, { failure: error })
    }
  }
  return passed
}

/**
 * E3, except in chats whose index does not mark the backup as erasing yet: it would still look whole there.
 */
async function eraseMarked(
  session: VaultSession,
  held: HeldBackup,
  { unmarked, onErased }: { unmarked: readonly ReportedReason[]; onErased: () => void },
): Promise<ErasedMessage[]> {
  const { database } = session
  const { backupId } = held
  const leaseToken = held.lease.token
  await beginErasing(database, { backupId, leaseToken })
  const reasons = new Map(unmarked.map(({ chat_id, ...why }) => [chat_id, why]))
  const which = (row: MessageRow): boolean => !reasons.has(row.chat_id)
  const messages = await eraseMessages(session, held, { which, onErased })
  for (const row of await listMessages(database, backupId)) {
    const why = reasons.get(row.chat_id)
    if (why === undefined || !isStillThere(row)) continue
    const reason = `the index of its chat does not mark the backup as erasing yet: ${why.reason}`
    // An unreachable chat proves nothing about its messages, and a note counts as a failure to erase.
    if (why.code !== 'UNREACHABLE' && why.code !== 'ANSWER_LOST') {
      await notePart(database, { ...partKeyOf(backupId, row), error: reason, leaseToken })
    }
    messages.push({ ...reportedMessage(backupId, row), outcome: 'kept', reason })
  }
  return messages
}

/** Reports each erased message as one more of all. */
function followErased({ onProgress }: VaultSession, total: number): () => void {
  let done = 0
  return () => {
    done++
    onProgress?.({ stage: 'erase', done, total: Math.max(done, total) })
  }
}

async function finish(
  session: VaultSession,
  { backupId, lease }: HeldBackup,
  { stillNaming, ends }: { stillNaming: readonly ReportedReason[]; ends: ErasureEnds },
): Promise<boolean> {
  const { database, report } = session
  for (const { reason, ...of } of stillNaming) {
    const words = `the index still names the backup, whose messages are erased: ${reason}`
    report.pending.push({ ...of, backup_id: backupId, reason: words })
  }
  if (stillNaming.length > 0) return false
  await finishErase(database, { backupId, leaseToken: lease.token })
  report.erased_backups.push({ backup_id: backupId })
  const end = ends.get(backupId)
  if (end !== undefined && 'messages' in end) end.isErased = true
  return true
}

/** The backup rightly stays: it is the last good one, or a living process works on it or restores it. */
export function isReasonToStay(code: string): boolean {
  return code === 'LAST_BACKUP' || code === 'BUSY'
}

/** Reports why backups were not erased. */
export function reportErasures({ report }: VaultSession, ends: ErasureEnds): void {
  for (const [backup_id, end] of ends) {
    if ('failure' in end) {
      const { message: reason, code } = describeError(end.failure)
      report[isReasonToStay(code) ? 'kept' : 'pending'].push({ backup_id, code, reason })
      continue
    }
    const kept = end.messages.filter(({ outcome }) => outcome === 'kept')
    const [first] = kept
    if (first === undefined) continue
    const { chat_id, reason } = first
    const words = `${kept.length} of its messages could be neither deleted nor replaced: ${reason}`
    report.pending.push({ backup_id, chat_id, reason: words })
  }
}
