import type { Backup, BackupFilter, BackupState, BackupType } from '@telegram-backup/database'
import { stateWords, withMissingCount } from '@telegram-backup/database/missing-files'
import type { PolicyWords } from '@telegram-backup/engine/retention/describe-policies.ts'
import {
  count,
  formatAge,
  formatDay,
  formatSizeOf,
  formatTime,
  NONE,
} from '@telegram-backup/engine/units/human-units.ts'
import { shownName } from '@telegram-backup/engine/units/names.ts'
import { parseLastTime, parseTime } from '@telegram-backup/engine/units/quantities.ts'
import { ExitCode } from '@telegram-backup/errors'
import {
  type CommonOptions,
  describeCommand,
  type RegisterCommand,
  wholeNumber,
  withCatalog,
} from '#commands/command.ts'
import type { Output } from '#commands/output.ts'
import { shownState } from '#commands/shown-state.ts'
import type { Column } from '#commands/terminal-table.ts'
import { linesOf, type Text } from '#commands/terminal-text.ts'

interface ListOptions extends CommonOptions {
  project?: string
  type?: string
  source?: string
  tag?: string
  state?: string
  since?: string
  until?: string
  limit?: string
  all?: boolean
}

/** `list`: the backups in the catalog, newest first. */
export const registerList: RegisterCommand = (program, run) => {
  describeCommand(program.command('list'), {
    description: 'list the backups in the catalog, newest first',
    options: {
      '--project <id>': 'list only backups of this project',
      '--type <type>': 'list only backups of this type: database, storage or logs',
      '--source <name>': 'list only backups of this source of telegram-backup.yaml',
      '--tag <tag>': 'list only backups that have this tag',
      '--state <state>': 'list only backups in this state: sending, complete, failed, erasing or erased',
      '--since <when>': 'list only backups made since then: 24h, 7d, 2026-11-24, "2026-11-24 15:30"',
      '--until <when>': 'list only backups made until then; a date counts to the end of that day',
      '--limit <number>': 'list at most this many backups, the newest ones',
      '--all': 'list erased backups too; with --json they are always listed',
    },
    examples: [
      'telegram-backup list',
      'telegram-backup list --source shop --since 7d',
      'telegram-backup list --project shop --type database --state complete --limit 5',
      'telegram-backup list --all                              # erased backups, too',
    ],
  }).action((options: ListOptions) =>
    run(async context => {
      const filter = filterOf(options)
      const { queryBackups } = await import('@telegram-backup/database')
      const { readPolicyWords } = await import('@telegram-backup/engine/retention/describe-policies.ts')
      const { output } = context
      const isErasedWanted = output.json || options.all === true || options.state !== undefined
      await withCatalog(context, async database => {
        const { data, total } = await queryBackups(database, { ...filter, isErasedWanted })
        const all = isErasedWanted ? total : (await queryBackups(database, { ...filter, limit: 0 })).total
        const isFiltered = Object.values(filter).some(value => value !== undefined)
        const empty = isFiltered
          ? 'No backup matches.'
          : `No backups yet in ${database.location}. To make one, see: telegram-backup send --help. If the chat already holds backups: telegram-backup recover`
        const words = await readPolicyWords(database)
        output.answer(data.map(withMissingCount), () =>
          all === 0
            ? empty
            : describeList(data, output, { words, total, hidden: all - total, now: new Date() }),
        )
      })
      return ExitCode.DONE
    }, options),
  )
}

/** Throws `USAGE`. */
function filterOf({ project, type, source, tag, state, since, until, limit }: ListOptions): BackupFilter {
  return {
    projectId: project,
    type: type as BackupType,
    sourceName: source,
    tag,
    state: state as BackupState,
    from: since === undefined ? undefined : parseTime(since),
    to: until === undefined ? undefined : parseLastTime(until),
    ...(limit !== undefined && { limit: wholeNumber('--limit', limit, { from: 1, to: MOST_LISTED }) }),
  }
}

const MOST_LISTED = 1_000_000

const COLUMNS: readonly Column[] = [
  { heading: 'ID', isId: true },
  { heading: 'PROJECT', least: 7 },
  { heading: 'TYPE', leavesAs: 4 },
  { heading: 'STATE', least: 10 },
  { heading: 'SIZE', leavesAs: 5 },
  { heading: 'CREATED' },
  { heading: 'EXPIRES', leavesAs: 2 },
  { heading: 'VERIFIED', leavesAs: 1 },
]
// Only where a backup has one: most who send without a configuration file have neither.
const SOURCE: Column = { heading: 'SOURCE', least: 8 }
const TAGS: Column = { heading: 'TAGS', least: 8, leavesAs: 3 }
const GROUP: readonly Column[] = [
  { heading: 'GROUP', leavesAs: 6 },
  { heading: 'MEMBER', least: 8 },
]

/** @param of.hidden number of erased backups that are not shown */
function describeList(
  backups: readonly Backup[],
  output: Output,
  of: { words: PolicyWords; total: number; hidden: number; now: Date },
): Text {
  const { words, total, hidden, now } = of
  const rest = hidden === 0 ? '' : `${hidden} erased not shown; --all shows them`
  if (backups.length === 0) return `All backups that match are erased: ${rest}.`
  const hasSources = backups.some(({ source_name }) => source_name !== null)
  const hasTags = backups.some(({ tags }) => tags.length > 0)
  const hasGroups = backups.some(({ group_id }) => group_id !== null)
  const rows = backups.map(backup => [
    backup.id,
    backup.project_id,
    backup.type,
    stateOf(backup),
    formatSizeOf(backup, backup.size),
    formatTime(backup.created_at),
    expiryOf(backup, words),
    verifiedAge(backup, now),
    ...(hasSources ? [backup.source_name === null ? NONE : shownName(backup.source_name)] : []),
    ...(hasTags ? [backup.tags.join(',') || NONE] : []),
    ...(hasGroups ? [backup.group_id?.slice(0, 8) ?? NONE, shownName(backup.member ?? NONE)] : []),
  ])
  const columns = [
    ...COLUMNS,
    ...(hasSources ? [SOURCE] : []),
    ...(hasTags ? [TAGS] : []),
    ...(hasGroups ? GROUP : []),
  ]
  const number =
    backups.length < total ? `${backups.length} of ${count(total, 'backup')}` : count(total, 'backup')
  return linesOf([output.table(columns, rows), `${number}${rest === '' ? '' : `, ${rest}`}`])
}

/** An erased backup, or one that is being erased, has no expiry to show. */
function expiryOf(backup: Backup, words: PolicyWords): string {
  if (backup.state === 'erased' || backup.state === 'erasing') return NONE
  return words(backup) === undefined ? formatDay(backup.expires_at) : 'by policy'
}

function stateOf(backup: Backup): ReturnType<typeof shownState> {
  const { pinned_at, damaged_at } = backup
  const words = [
    stateWords(backup),
    ...(pinned_at === null ? [] : ['pinned']),
    ...(damaged_at === null ? [] : ['DAMAGED']),
  ]
  return shownState(words.join(', '))
}

/** How long ago every byte was verified. */
function verifiedAge({ verified_at, state }: Backup, now: Date): string {
  if (state !== 'complete') return NONE
  return verified_at === null ? 'never' : `${formatAge(now.getTime() - verified_at.getTime())} ago`
}
