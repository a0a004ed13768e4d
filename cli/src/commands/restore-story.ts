import type { BackupDetails } from '@telegram-backup/database'
import { countMissingFiles } from '@telegram-backup/database/missing-files'
import type { MeasuredPlan } from '@telegram-backup/engine/operations/restore.ts'
import type { RestoreEstimate } from '@telegram-backup/engine/proof/restore-time.ts'
import type {
  OwnerWishes,
  PartFacts,
  RestorePlan,
  RestoreStep,
} from '@telegram-backup/engine/restore/ask-for-plan.ts'
import { fetchSeconds, heldBy, wayOf } from '@telegram-backup/engine/restore/plan-words.ts'
import {
  count,
  formatBytes,
  formatSeconds,
  formatSizeOf,
  formatTime,
} from '@telegram-backup/engine/units/human-units.ts'
import { shownName } from '@telegram-backup/engine/units/names.ts'
import { notWholeLines } from '#commands/not-whole.ts'
import type { Output } from '#commands/output.ts'

/** How many of the links that were left out are listed. */
const MAX_SHOWN = 20

/** The answer of a restore that only shows its plan. */
export function answerPlan(output: Output, backup: BackupDetails, plan: MeasuredPlan): void {
  const { target, makes, steps, part, measured } = plan
  output.answer(
    {
      dry_run: true,
      id: backup.id,
      ...{ target, makes, steps },
      bytes: part?.plainBytes ?? backup.size,
      archive_size: part?.archiveBytes ?? backup.archive_size,
      parts: part?.partCount ?? backup.part_count,
      ...(part === undefined
        ? { estimate_seconds: measured?.seconds ?? fetchSeconds(backup), measured }
        : { members: part.members }),
      missing_files: countMissingFiles(backup),
    },
    () =>
      [...describeFetch(backup, plan), ...describePlan(plan), 'A dry run: nothing was changed.'].join('\n'),
  )
}

/** What is fetched from the chat, and an estimate: by a drill, or about as long as the send took. */
export function describeFetch(backup: BackupDetails, { makes, part, measured }: MeasuredPlan): string[] {
  const estimate = measured === null ? fetchWords(backup, makes) : measuredWords(measured)
  if (part !== undefined) return describePartFetch(backup, part)
  return [
    `Backup    ${backup.id} of ${backup.project_id}, ${formatTime(backup.created_at)}`,
    `Fetches   ${formatSizeOf(backup, backup.archive_size)} in ${count(backup.part_count ?? 1, 'part')} from the chat`,
    `Writes    ${formatSizeOf(backup, backup.size)}`,
    ...(estimate === null ? [] : [`Estimate  ${estimate}`]),
    ...(backup.damaged_at === null
      ? []
      : [`Warning   this backup was found damaged on ${formatTime(backup.damaged_at)}`]),
    ...notWholeLines(backup, 'Warning  '),
  ]
}

function fetchWords(backup: BackupDetails, makes: RestorePlan['makes']): string | null {
  const seconds = fetchSeconds(backup)
  const loading = makes === 'database' ? ', plus the time to load' : ''
  return seconds === null ? null : `${formatSeconds(seconds)} to fetch${loading}`
}

/** `4 min, by the drill of 2026-11-28 03:15 UTC`. */
export function measuredWords({ seconds, measured_at }: RestoreEstimate): string {
  return `${formatSeconds(seconds)}, by the drill of ${formatTime(measured_at)}`
}

function describePartFetch(backup: BackupDetails, part: PartFacts): string[] {
  return [
    `Backup    ${backup.id} of ${backup.project_id}, ${formatTime(backup.created_at)}`,
    `Fetches   ${formatBytes(part.archiveBytes)} in ${part.partCount} of ${count(backup.part_count ?? 1, 'part')} from the chat`,
    `Writes    ${count(part.members, 'member')}, ${formatBytes(part.plainBytes)}`,
    ...notWholeLines(backup, 'Warning  '),
  ]
}

/** `3 members of `, before the name of the backup; nothing for a whole one. */
export function describePart({ part }: RestorePlan): string {
  return part === undefined ? '' : `${count(part.members, 'member')} of `
}

/** What happens to the target. */
export function describePlan({ target, makes, steps }: RestorePlan): string[] {
  return [`Target    ${target}`, ...steps.flatMap(step => describeStep(step, makes))]
}

function describeStep(step: RestoreStep, makes: RestorePlan['makes']): string[] {
  switch (step.does) {
    case 'write':
      return [`Way       ${wayOf(makes, step)}`]
    case 'move in':
      return [
        `Way       ${wayOf(makes, step)}`,
        ...(step.replaces > 0
          ? [
              `Replaces  ${count(step.replaces, 'file')} that ${step.replaces === 1 ? 'is' : 'are'} there already`,
            ]
          : []),
      ]
    case 'replace': {
      const { name, sessions, isKept } = step
      const ended = sessions > 0 ? `, its ${count(sessions, 'session')} will be ended` : ''
      return [
        `Old one   ${name} is replaced after that${ended}; it holds ${heldBy(step)}${isKept ? '; the old one is kept' : ''}`,
      ]
    }
    case 'select':
      return [`Restores  ${step.what}`]
    case 'treat owners':
      return describeOwners(step)
    case 'make roles':
      return [`Roles     creates ${step.roles.join(', ')}, without a login`]
    case 'add globals':
      return describeGlobals(step)
    case 'run as':
      return [
        `Rights    code in the backup (CHECK, defaults, casts, index expressions) runs as ${step.role}, ${step.rights};`,
        '          safer is a role that owns the target and has no other rights',
      ]
    case 'treat links':
      return [`Links     ${step.words}`]
    case 'treat devices':
      return [`Devices   ${step.words}`]
    case 'warn':
      return [`Warning   ${step.problem}`]
    case 'clear':
      return [`Clears    ${step.name}, left by a restore that was killed`]
    case 'leave':
      return [
        step.why === 'earlier'
          ? `Note      ${step.name} is a database that an earlier restore replaced and kept; drop it when you do not need it`
          : `Note      ${step.name} was not created by a restore of your user; it stays`,
      ]
  }
}

function describeGlobals(step: Extract<RestoreStep, { does: 'add globals' }>): string[] {
  const { roles, kept, tablespaces, rights } = step
  const stay =
    kept === 1 ? 'role that the server has stays as it is' : 'roles that the server has stay as they are'
  return [
    `Roles     creates ${roles.length === 0 ? 'none' : listed(roles)}; ${kept} ${stay}`,
    ...(tablespaces.length === 0 ? [] : [`Places    creates the tablespaces ${listed(tablespaces)}`]),
    ...rights.slice(0, MAX_SHOWN).map(right => `Rights    ${right}`),
    ...(rights.length > MAX_SHOWN ? [`          and ${rights.length - MAX_SHOWN} more`] : []),
  ]
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MAX_SHOWN).map(shownName).join(', ')
  return names.length > MAX_SHOWN ? `${shown} and ${names.length - MAX_SHOWN} more` : shown
}

/** What came with the globals of a cluster, and what a person must still do. */
export function describeNewGlobals(facts: Record<string, unknown>): string[] {
  const { roles, kept_roles: kept, without_password: open, not_restored: left } = facts
  if (!Array.isArray(roles) || !Array.isArray(open) || !Array.isArray(left)) return []
  return [
    `Roles created: ${roles.length === 0 ? 'none' : listed(roles)}. Already there, and not changed: ${kept}.`,
    ...(open.length === 0
      ? []
      : [`These have no password yet: ${listed(open)}. Set one in psql with \\password NAME.`]),
    ...(left.length === 0 ? [] : [`Not restored: ${left.join(', ')}; fetch the backup to see them.`]),
  ]
}

/** What the user must still do for roles that a restore created: they have no login. */
export function describeNewRoles({ created_roles: names }: Record<string, unknown>): string[] {
  if (!Array.isArray(names) || names.length === 0) return []
  const quoted = names.map(name => `"${name.replaceAll('"', '""')}"`)
  return [
    `These roles were created without a login: ${names.join(', ')}. A role that must connect needs a login, for example in psql:`,
    ...quoted.map(name => `  ALTER ROLE ${name} LOGIN; \\password ${name}`),
  ]
}

/** How many of the tables and remarks of a part are listed. */
const MAX_RELATIONS = 20

function describeOwners({ noOwner, noAcl, role, mapRoles }: OwnerWishes): string[] {
  const mapped = mapRoles.map(({ from, to }) => `${from} by ${to}`).join(', ')
  const owners = noOwner
    ? `are left out: all belongs to ${role ?? 'the user who restores'}`
    : 'as in the backup'
  return [
    `Owners    ${owners}`,
    `Grants    ${noAcl ? 'are left out' : 'as in the backup'}`,
    ...(mapped === '' ? [] : [`Roles     replaces ${mapped}`]),
    ...(role === undefined ? [] : [`Role      restores as ${role}`]),
  ]
}

/** What a part of a database brought back, and what did not come with it. */
export function describeRelations({ relations, remarks }: Record<string, unknown>): string[] {
  if (!Array.isArray(remarks)) return []
  const notes = (remarks as string[]).map(remark => `Note: ${remark}.`)
  if (!Array.isArray(relations)) return notes
  const named = (relations as Array<{ name: string; was?: string }>).map(({ name, was }) =>
    was === undefined ? `  ${name}` : `  ${name}, in the backup ${was}`,
  )
  return [
    'Restored tables and sequences:',
    ...named.slice(0, MAX_RELATIONS),
    ...(named.length > MAX_RELATIONS ? [`  and ${named.length - MAX_RELATIONS} more`] : []),
    ...notes,
  ]
}

/** The links that a restored directory lacks. */
export function describeLeftOut({ left_out, left_out_links }: Record<string, unknown>): string[] {
  if (typeof left_out_links !== 'number' || !Array.isArray(left_out)) return []
  const shown = (left_out as Array<{ path: string; target: string }>).slice(0, MAX_SHOWN)
  return [
    `Left out, because they lead out of the directory: ${count(left_out_links, 'link')}`,
    ...shown.map(({ path, target }) => `  ${path} -> ${target}`),
    ...(left_out_links > shown.length ? [`  and ${left_out_links - shown.length} more`] : []),
  ]
}
