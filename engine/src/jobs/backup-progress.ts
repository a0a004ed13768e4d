import type { Backup, JobProgress } from '@telegram-backup/database'
import { countMissingFiles } from '@telegram-backup/database/missing-files'
import type { SendProgress } from 'telegram-deployment-bot'

/**
 * How far a send is, as its job says it. An estimate that was passed was wrong; then nobody knows how many
 * there will be.
 */
export function progressOfSend(state: SendProgress): JobProgress {
  const { plainBytesOut, plainBytesTotal, plainBytesEstimated, partsSent } = state
  const total = plainBytesTotal ?? plainBytesEstimated
  const isStillRight = total !== undefined && plainBytesOut <= total
  return { bytes_done: plainBytesOut, bytes_total: isStillRight ? total : null, parts_done: partsSent }
}

/** All of it is sent, and how much that was is known. */
export function progressOfWhole(backup: Pick<Backup, 'size' | 'part_count' | 'source'>): JobProgress {
  const { size, part_count } = backup
  return {
    bytes_done: size ?? 0,
    bytes_total: size,
    parts_done: part_count ?? 0,
    missing_files: countMissingFiles(backup),
  }
}
