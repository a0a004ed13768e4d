import type { ImportedBackup } from '#backups/imports-types.ts'
import { CatalogError } from '#catalog-error.ts'
import { checkCount, checkProjectId, checkText, checkTime, checkType, checkUuid } from '#input-checks.ts'

/** CatalogError INVALID for what no catalog can hold. */
export function checkImported(backup: ImportedBackup): void {
  checkUuid('id', backup.id)
  checkProjectId(backup.projectId)
  checkType(backup.type)
  checkText('chat id', backup.chatId)
  checkTime('createdAt', backup.createdAt)
  for (const time of timesOf(backup)) if (time !== undefined) checkTime('time', time)
  if (backup.sourceName !== undefined) checkText('source', backup.sourceName)
  if (backup.scheduleId !== undefined) checkUuid('schedule id', backup.scheduleId)
  for (const count of [backup.size, backup.archiveSize, backup.partCount, backup.restoreCount]) {
    if (count !== undefined) checkCount('size or count', count)
  }
  for (const message of backup.messages) {
    checkText('chat id', message.chatId)
    checkText('file name', message.fileName)
    checkCount('size', message.size)
    checkCount('part number', message.partNumber)
    if (message.messageId !== undefined) checkCount('message id', message.messageId, 1)
  }
  const keys = new Set(
    backup.messages.map(({ chatId, kind, partNumber }) => `${chatId} ${kind} ${partNumber}`),
  )
  if (keys.size < backup.messages.length) {
    throw new CatalogError('A backup cannot have two messages for one part in one chat', { code: 'INVALID' })
  }
}

function timesOf(backup: ImportedBackup): (Date | undefined)[] {
  const { completedAt, expiresAt, scheduledFor, pinnedAt, verifiedAt, damagedAt } = backup
  return [completedAt, expiresAt, scheduledFor, pinnedAt, verifiedAt, damagedAt]
}
