import type { Database, Schedule } from '@telegram-backup/database'
import { describeKeep } from '@telegram-backup/engine/retention/keep-policy.ts'
import { leavesTheRest } from '@telegram-backup/engine/retention/retention-rules.ts'
import { count } from '@telegram-backup/engine/units/human-units.ts'

/** What the user should know about a new schedule, a remark a line. */
export async function remarksOnNew(database: Database, schedule: Schedule): Promise<string[]> {
  const { listSchedules } = await import('@telegram-backup/database')
  const { id, source, cron, timezone } = schedule
  const same = (await listSchedules(database)).filter(
    one => one.id !== id && one.source === source && one.cron === cron && one.timezone === timezone,
  )
  return [
    'The schedule runs while "telegram-backup serve" runs.',
    ...(await remarkOnEarlier(database, schedule)),
    ...(same.length === 0
      ? []
      : [
          `${source} already had a schedule for the same times: ${same.map(one => one.id.slice(0, 8)).join(', ')}. To remove one: telegram-backup schedule remove ID`,
        ]),
    ...(await remarkOnLeftPolicies(database, schedule)),
  ]
}

/** The policies that removed schedules of the same source left behind, if any. */
export async function remarkOnLeftPolicies(database: Database, of: Schedule): Promise<string[]> {
  const { listSourcePolicies } = await import('@telegram-backup/database')
  const { project_id, type, source } = of
  const left = (await listSourcePolicies(database)).filter(
    one => one.project_id === project_id && one.type === type && one.source === source,
  )
  if (left.length === 0) return []
  const rules = left.map(({ keep }) => describeKeep(keep)).join('; ')
  return [
    `Policies of removed schedules of ${source} still apply: ${rules}. To remove them: telegram-backup retention remove --project ${project_id} --type ${type} --source ${source}`,
  ]
}

/**
 * Says that the rule of a new or changed schedule also applies to earlier backups, if there are any. A rule
 * with only a minimum does not apply to them, nor does any rule to pinned backups and to those with their
 * own expiry.
 */
export async function remarkOnEarlier(
  database: Database,
  { project_id: projectId, type, source, keep }: Schedule,
): Promise<string[]> {
  if (keep === null || leavesTheRest(keep)) return []
  const { queryBackups } = await import('@telegram-backup/database')
  const { data } = await queryBackups(database, { projectId, type, state: 'complete' })
  const earlier = data.filter(
    one => one.source_name === source && !one.expiry_given && one.pinned_at === null,
  )
  if (earlier.length === 0) return []
  const backups = `${count(earlier.length, 'earlier backup')} of ${source}`
  return [
    `From now on this rule also applies to ${backups}: ${describeKeep(keep)}. Backups that no rule keeps are erased. "telegram-backup expire --dry-run" shows which; "telegram-backup pin ID" keeps one.`,
  ]
}
