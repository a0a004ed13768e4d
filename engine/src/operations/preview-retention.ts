import {
  type Backup,
  type BackupType,
  catalogClock,
  type Database,
  type KeepPolicy,
  pageBackups,
} from '@telegram-backup/database'
import { type RetentionRules, readRules } from '#retention/catalog-plan.ts'
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
 * Whose policy another one is tried for: a project’s and type’s, a schedule’s, or a new schedule’s of a
 * source.
 */
export interface PreviewedPolicy {
  projectId: string
  type: BackupType
  /** Null: without a policy. */
  keep: KeepPolicy | null
  /** Of this project and type; its policy is the one that is tried. */
  scheduleId?: string | undefined
  /** The policy is one more, as that of a new schedule of this source. */
  source?: string | undefined
}

/**
 * What retention would do with the backups of a project and type under another policy, all other rules as
 * they are: those of other schedules and sources, pins, chosen expiries, and the guards. Changes nothing.
 */
export async function previewRetention(database: Database, of: PreviewedPolicy): Promise<RetentionPreview> {
  const { projectId, type } = of
  const rules = await readRules(database, await catalogClock(database))
  const decisions = decideRetention({
    ...rules,
    ...withPolicy(rules, of),
    backups: await completeBackups(database, { projectId, type }),
  })
  const preview: RetentionPreview = { keeps: [], erases: [] }
  for (const { backup, decision, reason, reasons = [reason], needsWord } of decisions) {
    const list = decision === 'erase' ? preview.erases : preview.keeps
    list.push({ id: backup.id, reasons, needs_confirmation: needsWord })
  }
  return preview
}

function withPolicy(
  { policies, schedules, now }: RetentionRules,
  { projectId, type, keep, scheduleId, source }: PreviewedPolicy,
): Pick<RetentionRules, 'policies' | 'schedules'> {
  if (scheduleId !== undefined) {
    const isTried = ({ id }: { id: string }): boolean => id === scheduleId
    return {
      policies,
      schedules: schedules.map(one => (isTried(one) ? { ...one, keep, updated_at: now } : one)),
    }
  }
  const others = policies.filter(
    policy =>
      source !== undefined ||
      policy.source !== undefined ||
      policy.project_id !== projectId ||
      policy.type !== type,
  )
  const own = keep === null ? [] : [{ project_id: projectId, type, keep, source, updated_at: now }]
  return { policies: [...others, ...own], schedules }
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
