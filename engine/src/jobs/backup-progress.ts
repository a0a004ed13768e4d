import type { Backup, JobProgress } from '@telegram-backup/database'
import { countMissingFiles } from '@telegram-backup/database/missing-files'
import type { SendProgress } from 'telegram-deployment-bot'

/** The progress of a send. When it is past the estimate, the estimate was wrong and the total is unknown. */
export function progressOfSend(state: SendProgress): JobProgress {
  const { plainBytesOut, plainBytesTotal, plainBytesEstimated, partsSent } = state
  const total = plainBytesTotal ?? plainBytesEstimated
  const isStillRight = total !== undefined && plainBytesOut <= total
  return { bytes_done: plainBytesOut, bytes_total: isStillRight ? total : null, parts_done: partsSent }
}

export function progressOfWhole(backup: Pick<Backup, 'size' | 'part_count' | 'source'>): JobProgress {
  const { size, part_count } = backup
  return {
    bytes_done: size ?? 0,
    bytes_total: size,
    parts_done: part_count ?? 0,
    missing_files: countMissingFiles(backup),
  }
}

/** The progress of several backups together; their total is unknown. */
export function sumOf(one: JobProgress, other: JobProgress): JobProgress {
  const missing = (one.missing_files ?? 0) + (other.missing_files ?? 0)
  return {
    bytes_done: one.bytes_done + other.bytes_done,
    bytes_total: null,
    parts_done: one.parts_done + other.parts_done,
    ...(missing > 0 && { missing_files: missing }),
  }
}
