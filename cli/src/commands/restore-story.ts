import { dirname, join } from 'node:path'
import type { BackupDetails } from '@telegram-backup/database'
import { missingWords } from '@telegram-backup/database/missing-files'
import type { DatabasePlan, OutsideLink, TargetFolder } from '@telegram-backup/engine/operations/restore.ts'
import type { RestoreTarget } from '@telegram-backup/engine/restore/restore-target.ts'
import {
  count,
  formatBytes,
  formatSeconds,
  formatSizeOf,
  formatTime,
} from '@telegram-backup/engine/units/human-units.ts'

/** Of links that were left out, how many are named. */
const MAX_SHOWN = 20

/** What comes from the chat, and how long that may take: about as long as the way there took. */
export function describeFetch(backup: BackupDetails, kind: RestoreTarget['kind']): string[] {
  const took = ((backup.completed_at?.getTime() ?? 0) - backup.created_at.getTime()) / 1000
  const loading = kind === 'postgres' ? ', plus the time to load' : ''
  const missing = missingWords(backup)
  return [
    `Backup    ${backup.id} of ${backup.project_id}, ${formatTime(backup.created_at)}`,
    `Fetches   ${formatSizeOf(backup, backup.archive_size)} in ${count(backup.part_count ?? 1, 'part')} from the chat`,
    `Writes    ${formatSizeOf(backup, backup.size)}`,
    ...(took > 0 ? [`Estimate  ${formatSeconds(Math.ceil(took))} to fetch${loading}`] : []),
    ...(backup.damaged_at === null
      ? []
      : [`Warning   it was found damaged on ${formatTime(backup.damaged_at)}`]),
    ...(missing === undefined
      ? []
      : [`Warning   it is not whole: ${missing} from the start; "show" lists them`]),
  ]
}

/** What happens to the server. */
export function describeDatabasePlan(plan: DatabasePlan): string[] {
  const { target, way, keepOld, newRoles, garbage, keptBefore, connection, problems } = plan
  const old = target.database
  const sessions = old && old.sessions > 0 ? `, whose ${count(old.sessions, 'session')} will be ended` : ''
  const replaced = `is replaced after that${sessions}; it holds ${old?.contents.join(', ')} (${formatBytes(old?.sizeBytes ?? 0)})`
  return [
    `Target    ${connection.display}`,
    way === 'in place'
      ? `Way       into the empty database ${target.name}, in one transaction`
      : `Way       loads into a temporary database, in one transaction, then renames it to ${target.name}`,
    ...(old && way === 'beside'
      ? [`Old one   ${target.name} ${replaced}${keepOld ? '; it is kept' : ''}`]
      : []),
    ...(newRoles.length > 0 ? [`Roles     makes ${newRoles.join(', ')}, without a login`] : []),
    ...describeRights(plan),
    ...problems.map(problem => `Warning   ${problem}`),
    ...garbage.map(name => `Clears    ${name}, left by a restore that was killed`),
    ...keptBefore.map(
      name => `Note      ${name} is from before an earlier restore; drop it when it is not needed`,
    ),
  ]
}

/** Whose rights a hostile dump would get, where they are more than it takes. */
function describeRights({ role, rights }: DatabasePlan): string[] {
  if (rights === undefined) return []
  return [
    `Rights    what the owners of the source have written (CHECK, defaults, casts, index expressions) runs as ${role.name}, ${rights};`,
    '          safer is a role that owns the target and has no other rights',
  ]
}

/** What is left to do for roles that a restore made: nobody can connect as one of them. */
export function describeNewRoles(names: readonly string[]): string[] {
  if (names.length === 0) return []
  const quoted = names.map(name => `"${name.replaceAll('"', '""')}"`)
  return [
    `Made without a login: ${names.join(', ')}. Who is to connect needs one, for example in psql:`,
    ...quoted.map(name => `  ALTER ROLE ${name} LOGIN; \\password ${name}`),
  ]
}

/** Links that a directory came back without. */
export function describeLeftOut({ left_out, left_out_links }: Record<string, unknown>): string[] {
  if (typeof left_out_links !== 'number' || !Array.isArray(left_out)) return []
  const shown = (left_out as OutsideLink[]).slice(0, MAX_SHOWN)
  return [
    `Left out, since they lead out of the directory: ${count(left_out_links, 'link')}`,
    ...shown.map(({ path, target }) => `  ${path} -> ${target}`),
    ...(left_out_links > shown.length ? [`  and ${left_out_links - shown.length} more`] : []),
  ]
}

/** What happens to the directory. */
export function describeDirectoryPlan(
  { path, state, strangers }: TargetFolder,
  links: string | undefined,
): string[] {
  const ways: Record<TargetFolder['state'], string> = {
    missing: 'into a new directory, which then gets its name',
    empty: 'into a new directory, which takes the place of the empty one',
    full: 'into a new directory beside it, which then takes its place; what is there now is deleted',
  }
  return [
    `Target    ${path}`,
    `Way       ${ways[state]}`,
    ...(links === undefined ? [] : [`Links     ${links}`]),
    ...strangers.map(name => `Note      ${join(dirname(path), name)} is not of a restore of yours; it stays`),
  ]
}
