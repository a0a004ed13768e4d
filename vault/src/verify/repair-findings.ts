import { getBackupById, listMessages, type MessageRow, unevenMessages } from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { proveSound, repairBackup } from '#reconcile/repair-chats.ts'
import { refreshIndexes } from '#session/refresh-indexes.ts'
import { endsEverything, type HeldBackup, type VaultSession } from '#session/session.ts'
import { isAbout } from '#verify/note-findings.ts'
import type { Findings } from '#verify/verification-report.ts'

/**
 * Copies back what one chat has lost and another still has, and marks the findings. If the rest was not read
 * yet, it is read now: only then may the backup count as sound again.
 */
export async function repairFindings(
  session: VaultSession,
  held: HeldBackup,
  { rows, readData, findings }: { rows: readonly MessageRow[]; readData: boolean; findings: Findings },
): Promise<void> {
  const { database } = session
  const backup = await getBackupById(database, held.backupId)
  if (backup?.state !== 'complete' || backup.chat_id === null) return
  const { chat_id: chatId } = backup
  const others = new Set(rows.map(row => row.chat_id).filter(other => other !== chatId))
  const repairedOwn = new Set<number>()
  for (const replicaChatId of others) {
    try {
      const uneven = await unevenMessages(database, { chatId, replicaChatId, backupId: backup.id })
      const messages = uneven.filter(({ wasSent }) => wasSent)
      if (messages.length === 0) continue
      for (const partNumber of await repairBackup(session, held, { backup, messages }))
        repairedOwn.add(partNumber)
    } catch (error) {
      if (endsEverything(session, error) || !held.lease.isHeld()) throw error
      if (findings.unproven.some(({ chat_id }) => chat_id === replicaChatId)) continue
      const { code, message: reason } = describeError(error)
      findings.unproven.push({ chat_id: replicaChatId, code, reason: `nothing was repaired: ${reason}` })
    }
  }
  await noteRepaired(session, held, findings)
  if (!findings.list.some(({ mended }) => mended)) return
  const isToBeRead = !readData && backup.damaged_at !== null && repairedOwn.size > 0
  if (isToBeRead && findings.left(chatId).length === 0)
    await proveSound(session, held, { backup, repaired: repairedOwn })
  await refreshIndexes(session, [chatId, ...others])
}

async function noteRepaired(
  { database }: VaultSession,
  { backupId }: HeldBackup,
  { list }: Findings,
): Promise<void> {
  const now = await listMessages(database, backupId)
  for (const finding of list) {
    const row = now.find(one => isAbout(finding, one))
    if (row?.state === 'sent' && finding.finding !== 'contents') finding.mended = true
  }
}
