import {
  type Backup,
  type BackupType,
  catalogClock,
  type Database,
  type KeepPolicy,
  pageBackups,
} from '@telegram-backup/database'
import { readRules } from '#retention/catalog-plan.ts'
import { decideRetention } from '#retention/plan-retention.ts'

export interface RetentionPreview {
  keeps: PreviewedBackup[]
  /** What would be erased, if nobody objects. */
  erases: PreviewedBackup[]
}

export interface PreviewedBackup {
  id: string
  /** For people, as `expire` shows them. */
  reasons: readonly string[]
  /** It is kept until a person agrees: too many would go at once. */
  needs_confirmation: boolean
}

const PAGE = 500

/**
 * What retention would do with the backups of a project and type under another policy, all other rules as
 * they are: those of schedules and sources, pins, chosen expiries, and the guards. `keep` null: without a
 * policy. Changes nothing.
 */
export async function previewRetention(
  database: Database,
  of: { projectId: string; type: BackupType; keep: KeepPolicy | null },
): Promise<RetentionPreview> {
  const { projectId, type, keep } = of
  const rules = await readRules(database, await catalogClock(database))
  const others = rules.policies.filter(
    policy => policy.source !== undefined || policy.project_id !== projectId || policy.type !== type,
  )
  const own = keep === null ? [] : [{ project_id: projectId, type, keep, updated_at: rules.now }]
  const decisions = decideRetention({
    ...rules,
    backups: await completeBackups(database, { projectId, type }),
    policies: [...others, ...own],
  })
  const preview: RetentionPreview = { keeps: [], erases: [] }
  for (const { backup, decision, reason, reasons = [reason], needsWord } of decisions) {
    const list = decision === 'erase' ? preview.erases : preview.keeps
    list.push({ id: backup.id, reasons, needs_confirmation: needsWord })
  }
  return preview
}

/** Without the records of their sources, which may be long. */
async function completeBackups(
  database: Database,
  of: { projectId: string; type: BackupType },
): Promise<Backup[]> {
  const backups: Backup[] = []
  for (;;) {
    const last = backups.at(-1)
    const after = last && { createdAt: last.created_at, id: last.id }
    const page = await pageBackups(database, { ...of, state: 'complete', limit: PAGE, after })
    for (const backup of page.backups) backups.push({ ...backup, source: null })
    if (!page.hasMore) return backups
  }
}
