import type { AuditEntry } from '@telegram-backup/database'
import { count, formatTime } from '@telegram-backup/engine/units/human-units.ts'
import { parsePastTime } from '@telegram-backup/engine/units/quantities.ts'
import { ExitCode } from '@telegram-backup/errors'
import {
  describeCommand,
  type RegisterCommand,
  usageError,
  wholeNumber,
  withCatalog,
} from '#commands/command.ts'
import type { Output } from '#commands/output.ts'
import type { Column } from '#commands/terminal-table.ts'
import { linesOf, type Text } from '#commands/terminal-text.ts'

interface AuditOptions {
  since?: string
  act?: string
  object?: string
  project?: string
  limit: string
  json?: boolean
}

const MOST_LISTED = 100_000

/** `audit`: who did what, when. */
export const registerAudit: RegisterCommand = (program, run) => {
  describeCommand(program.command('audit'), {
    description:
      'list who did what, newest first: sends, restores, erasures, pins, keys, schedules, policies, mutes, changes of secrets. Acts are kept for 400 days, in the catalog alone',
    options: {
      '--since <time>': 'only acts since this time: a date, or a span before now such as 24h or 7d',
      '--act <act>': 'only acts of this kind, such as backup.erase or key.create',
      '--object <id>': 'only acts on this backup, key, job, schedule or alert, by its whole id',
      '--project <id>': 'only acts in this project',
      '--limit <number>': ['list at most this many acts', '50'],
    },
    examples: [
      'telegram-backup audit --since 7d',
      'telegram-backup audit --act backup.restore --project shop',
      'telegram-backup audit --limit 100000 --json > audit.json',
    ],
  }).action((options: AuditOptions) =>
    run(async context => {
      const { since, act, object, project } = options
      const { BACKUP_ACTS, listAudit, OTHER_ACTS } = await import('@telegram-backup/database')
      const known: readonly string[] = [...BACKUP_ACTS, ...OTHER_ACTS]
      if (act !== undefined && !known.includes(act)) {
        throw usageError(
          `${JSON.stringify(act.slice(0, 80))} is not an act of the audit`,
          `The acts are ${known.join(', ')}.`,
        )
      }
      const filter = {
        from: since === undefined ? undefined : parsePastTime(since),
        ...{ act, object, projectId: project },
        limit: wholeNumber('--limit', options.limit, { from: 1, to: MOST_LISTED }),
      }
      const acts = await withCatalog(context, database => listAudit(database, filter))
      context.output.answer(acts, () => describeActs(acts, context.output))
      return ExitCode.DONE
    }, options),
  )
}

const COLUMNS: readonly Column[] = [
  { heading: 'TIME' },
  { heading: 'ACTOR', least: 12 },
  { heading: 'ACT' },
  { heading: 'OBJECT', least: 8 },
  { heading: 'PROJECT', leavesAs: 2 },
  { heading: 'DETAILS', least: 10, leavesAs: 1 },
]

function describeActs(acts: readonly AuditEntry[], output: Output): Text {
  if (acts.length === 0) return 'No acts.'
  const rows = acts.map(({ at, actor, act, object, project_id, details }) => [
    formatTime(at),
    actor,
    act,
    object,
    project_id ?? '-',
    describeDetails(details),
  ])
  return linesOf([output.table(COLUMNS, rows), count(acts.length, 'act')])
}

/** `name ci, scopes read,backup`. */
function describeDetails(details: AuditEntry['details']): string {
  return Object.entries(details)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => {
      const isPlain = typeof value === 'string' || Array.isArray(value)
      return `${name.replaceAll('_', ' ')} ${isPlain ? String(value) : JSON.stringify(value)}`
    })
    .join(', ')
}
