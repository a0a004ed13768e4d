import type { Backup } from '@telegram-backup/database'

/** What becomes of a complete backup whose time has come, and why. */
export interface ExpiryDecision {
  backup: Backup
  decision: 'erase' | 'keep'
  reason: string
}

/**
 * Decides over complete backups whose `expires_at` has come by `now`. The newest one of a project and type that is not
 * known to be damaged always stays (the newest damaged one, if there is no other). Others are not in the answer.
 */
export function planExpiry(backups: readonly Backup[], now: Date): ExpiryDecision[] {
  const complete = backups.filter(({ state }) => state === 'complete')
  const lasts = new Set(
    [...Map.groupBy(complete, ({ project_id, type }) => `${project_id} ${type}`).values()].map(lastGood),
  )
  return complete
    .filter(({ expires_at }) => expires_at <= now)
    .map(backup => {
      const day = backup.expires_at.toISOString().slice(0, 10)
      return lasts.has(backup.id)
        ? {
            backup,
            decision: 'keep',
            reason: `expired ${day}, but it is the last good one of its project and type`,
          }
        : { backup, decision: 'erase', reason: `expired ${day}` }
    })
}

function lastGood(backups: readonly Backup[]): string | undefined {
  const order = (a: Backup, b: Backup): number =>
    Number(a.damaged_at !== null) - Number(b.damaged_at !== null) ||
    b.created_at.getTime() - a.created_at.getTime() ||
    (a.id < b.id ? 1 : -1)
  return [...backups].sort(order)[0]?.id
}
