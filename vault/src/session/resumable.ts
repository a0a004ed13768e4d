import type { Backup } from '@telegram-backup/database'

/** How long the parts of an interrupted send are kept for `send --resume`. */
const RESUMABLE_FOR_MS = 24 * 60 * 60 * 1000

/** When the parts of an interrupted send stop waiting for `send --resume`. */
export function resumableUntil({ created_at }: Pick<Backup, 'created_at'>): Date {
  return new Date(created_at.getTime() + RESUMABLE_FOR_MS)
}

/** Whether its parts may still wait for `send --resume`; of `created_at`, by this machine's clock. */
export function isYoungEnoughToResume(backup: Pick<Backup, 'created_at'>, now: number = Date.now()): boolean {
  return now < resumableUntil(backup).getTime()
}

/** Whether a failed backup keeps its messages, so that `send --resume` can go on from them. */
export function mayBeResumed(backup: Pick<Backup, 'created_at' | 'resumable'>): boolean {
  return backup.resumable && isYoungEnoughToResume(backup)
}
