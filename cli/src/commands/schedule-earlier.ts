import type { Database, Schedule } from '@telegram-backup/database'
import { describeKeep } from '@telegram-backup/engine/retention/keep-policy.ts'
import { hasRules } from '@telegram-backup/engine/retention/retention-rules.ts'
import { count } from '@telegram-backup/engine/units/human-units.ts'

/**
 * Says that the rule of a new or changed schedule also applies to earlier backups; undefined if it applies to
 * none. A rule with only a minimum does not apply to them, nor does any rule to pinned backups and to those
 * with an expiry of their own.
 */
export async function describeEarlier(
  database: Database,
  { project_id: projectId, type, source, keep }: Schedule,
): Promise<string | undefined> {
  if (keep === null || (!hasRules(keep) && keep.minimum !== undefined)) return undefined
  const { queryBackups } = await import('@telegram-backup/database')
  const { data } = await queryBackups(database, { projectId, type, state: 'complete' })
  const earlier = data.filter(
    one => one.source_name === source && !one.expiry_given && one.pinned_at === null,
  )
  if (earlier.length === 0) return undefined
  const backups = `${count(earlier.length, 'earlier backup')} of ${source}`
  return `From now on this rule also applies to ${backups}: ${describeKeep(keep)}. Backups that no rule keeps are erased. "telegram-backup expire --dry-run" shows which; "telegram-backup pin ID" keeps one.`
}
