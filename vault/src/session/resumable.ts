import type { Backup } from '@telegram-backup/database'

/** How long the parts of an interrupted send are kept for a resume. */
const RESUMABLE_FOR_MS = 24 * 60 * 60 * 1000

/** When the parts of an interrupted send are no longer kept for a resume. */
export function resumableUntil({ created_at }: Pick<Backup, 'created_at'>): Date {
  return new Date(created_at.getTime() + RESUMABLE_FOR_MS)
}

/**
 * Whether a failed backup keeps its messages, so that a resumed send can use them; by this machine's clock.
 */
export function mayBeResumed(backup: Pick<Backup, 'created_at' | 'resumable'>): boolean {
  return backup.resumable && Date.now() < resumableUntil(backup).getTime()
}

/**
 * Whether the source can be read again: its record has the size and the time of the last change, and
 * `resumeSend` compares them. Connectors record them only for sources that can be read twice.
 */
export function canBeReadAgain({ source }: Pick<Backup, 'source'>): boolean {
  return typeof source?.['size'] === 'number' && typeof source['modified_at'] === 'string'
}
