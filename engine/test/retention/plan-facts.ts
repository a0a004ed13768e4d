import type { Backup, BackupType, KeepPolicy, RetentionPolicy } from '@telegram-backup/database'
import {
  decideRetention,
  type RetentionDecision,
  type RetentionFacts,
  type RetentionSchedule,
} from '#retention/plan-retention.ts'

export const NOW: Date = new Date('2026-11-25T12:00:00Z')
export const HOUR_MS = 3_600_000
export const DAY_MS: number = 24 * HOUR_MS

type Fields = Partial<Omit<Backup, 'type'>> & { type?: BackupType }

let made = 0
/** Only what a plan looks at. */
export function aBackup(hoursAgo: number, fields: Fields = {}): Backup {
  const created_at = new Date(NOW.getTime() - hoursAgo * HOUR_MS)
  return {
    id: `00000000-0000-4000-8000-${String(made++).padStart(12, '0')}`,
    project_id: 'shop',
    type: 'database',
    state: 'complete',
    source_name: 'shop',
    member: null,
    created_at,
    expires_at: new Date(created_at.getTime() + 30 * DAY_MS),
    expiry_given: false,
    pinned_at: null,
    damaged_at: null,
    tags: [],
    ...fields,
  } as Backup
}

export function aSchedule(fields: Partial<RetentionSchedule> = {}): RetentionSchedule {
  const same = { source: 'shop', project_id: 'shop', type: 'database' as const }
  return { ...same, enabled: true, keep: null, intervalMs: DAY_MS, ...fields }
}

export function decide(backups: readonly Backup[], facts: Partial<RetentionFacts> = {}): RetentionDecision[] {
  return decideRetention({
    backups,
    policies: [],
    schedules: [],
    times: [],
    begun: new Map(),
    now: NOW,
    ...facts,
  })
}

export function policy(keep: KeepPolicy): RetentionPolicy[] {
  return [{ project_id: 'shop', type: 'database', keep }]
}
