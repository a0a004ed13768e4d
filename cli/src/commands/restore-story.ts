import type { BackupDetails } from '@telegram-backup/database'
import type { PreparedRestore, RestoreStep } from '@telegram-backup/engine/restore/prepare-restore.ts'
import {
  count,
  formatBytes,
  formatSeconds,
  formatSizeOf,
  formatTime,
} from '@telegram-backup/engine/units/human-units.ts'
import { notWholeLines } from '#commands/not-whole.ts'

type Into = Extract<RestoreStep, { does: 'write' }>['into']

/** Of links that were left out, how many are named. */
const MAX_SHOWN = 20

/** What comes from the chat, and how long that may take: about as long as the way there took. */
export function describeFetch(backup: BackupDetails, { makes }: PreparedRestore): string[] {
  const took = ((backup.completed_at?.getTime() ?? 0) - backup.created_at.getTime()) / 1000
  const loading = makes === 'database' ? ', plus the time to load' : ''
  return [
    `Backup    ${backup.id} of ${backup.project_id}, ${formatTime(backup.created_at)}`,
    `Fetches   ${formatSizeOf(backup, backup.archive_size)} in ${count(backup.part_count ?? 1, 'part')} from the chat`,
    `Writes    ${formatSizeOf(backup, backup.size)}`,
    ...(took > 0 ? [`Estimate  ${formatSeconds(Math.ceil(took))} to fetch${loading}`] : []),
    ...(backup.damaged_at === null
      ? []
      : [`Warning   it was found damaged on ${formatTime(backup.damaged_at)}`]),
    ...notWholeLines(backup, 'Warning  '),
  ]
}

/** What happens to the target. */
export function describePlan({ target, makes, steps }: PreparedRestore): string[] {
  return [`Target    ${target}`, ...steps.flatMap(step => describeStep(step, makes))]
}

const WAYS: Readonly<Record<PreparedRestore['makes'], Record<Into, (name: string) => string>>> = {
  database: {
    empty: name => `into the empty database ${name}, in one transaction`,
    new: besideDatabase,
    beside: besideDatabase,
  },
  directory: {
    empty: () => 'into a new directory, which takes the place of the empty one',
    new: () => 'into a new directory, which then gets its name',
    beside: () => 'into a new directory beside it, which then takes its place; what is there now is deleted',
  },
}

function besideDatabase(name: string): string {
  return `loads into a temporary database, in one transaction, then renames it to ${name}`
}

function describeStep(step: RestoreStep, makes: PreparedRestore['makes']): string[] {
  switch (step.does) {
    case 'write':
      return [`Way       ${WAYS[makes][step.into](step.name)}`]
    case 'replace': {
      const { name, holds, sizeBytes, sessions, isKept } = step
      const ended = sessions > 0 ? `, whose ${count(sessions, 'session')} will be ended` : ''
      const held = `it holds ${holds.join(', ')} (${formatBytes(sizeBytes)})`
      return [`Old one   ${name} is replaced after that${ended}; ${held}${isKept ? '; it is kept' : ''}`]
    }
    case 'make roles':
      return [`Roles     makes ${step.roles.join(', ')}, without a login`]
    case 'run as':
      return [
        `Rights    what the owners of the source have written (CHECK, defaults, casts, index expressions) runs as ${step.role}, ${step.rights};`,
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
          ? `Note      ${step.name} is from before an earlier restore; drop it when it is not needed`
          : `Note      ${step.name} is not of a restore of yours; it stays`,
      ]
  }
}

/** What is left to do for roles that a restore made: nobody can connect as one of them. */
export function describeNewRoles({ created_roles: names }: Record<string, unknown>): string[] {
  if (!Array.isArray(names) || names.length === 0) return []
  const quoted = names.map(name => `"${name.replaceAll('"', '""')}"`)
  return [
    `Made without a login: ${names.join(', ')}. Who is to connect needs one, for example in psql:`,
    ...quoted.map(name => `  ALTER ROLE ${name} LOGIN; \\password ${name}`),
  ]
}

/** Links that a directory came back without. */
export function describeLeftOut({ left_out, left_out_links }: Record<string, unknown>): string[] {
  if (typeof left_out_links !== 'number' || !Array.isArray(left_out)) return []
  const shown = (left_out as Array<{ path: string; target: string }>).slice(0, MAX_SHOWN)
  return [
    `Left out, since they lead out of the directory: ${count(left_out_links, 'link')}`,
    ...shown.map(({ path, target }) => `  ${path} -> ${target}`),
    ...(left_out_links > shown.length ? [`  and ${left_out_links - shown.length} more`] : []),
  ]
}
