import type { Backup, BackupState, BackupType } from '@telegram-backup/database'
import { stateWords, withMissingCount } from '@telegram-backup/database/missing-files'
import type { PolicyWords } from '@telegram-backup/engine/retention/describe-policies.ts'
import {
  count,
  formatAge,
  formatDay,
  formatSizeOf,
  formatTable,
  formatTime,
  NONE,
} from '@telegram-backup/engine/units/human-units.ts'
import { shownName } from '@telegram-backup/engine/units/names.ts'
import { ExitCode } from '@telegram-backup/errors'
import { describeCommand, type RegisterCommand, withCatalog } from '#commands/command.ts'

interface ListOptions {
  project?: string
  type?: string
  state?: string
  all?: boolean
  json?: boolean
}

/** `list`: the backups in the catalog, newest first. */
export const registerList: RegisterCommand = (program, run) => {
  describeCommand(program.command('list'), {
    description: 'list the backups in the catalog, newest first',
    options: {
      '--project <id>': 'list only backups of this project',
      '--type <type>': 'list only backups of this type: database, storage or logs',
      '--state <state>': 'list only backups in this state: sending, complete, failed, erasing or erased',
      '--all': 'list erased backups too; with --json they are always listed',
    },
    examples: [
      'telegram-backup list',
      'telegram-backup list --project shop --type database --state complete',
      'telegram-backup list --all                              # erased backups, too',
    ],
  }).action((options: ListOptions) =>
    run(async context => {
      const { listBackups } = await import('@telegram-backup/api-gateway/lib/backups/backups.service.ts')
      const { readPolicyWords } = await import('@telegram-backup/engine/retention/describe-policies.ts')
      await withCatalog(context, async database => {
        const { data } = await listBackups(
          {
            projectId: options.project,
            type: options.type as BackupType,
            state: options.state as BackupState,
          },
          { database },
        )
        const isFiltered = [options.project, options.type, options.state].some(filter => filter !== undefined)
        const empty = isFiltered
          ? 'No backup matches.'
          : `No backups yet in ${database.location}. To make one, see: telegram-backup send --help. If the chat already holds backups: telegram-backup recover`
        const words = await readPolicyWords(database)
        const isAsked = options.all === true || options.state !== undefined
        const shown = isAsked ? data : data.filter(({ state }) => state !== 'erased')
        const hidden = data.length - shown.length
        context.output.answer(data.map(withMissingCount), () =>
          data.length === 0 ? empty : describeList(shown, { words, hidden, now: new Date() }),
        )
      })
      return ExitCode.DONE
    }, options),
  )
}

/** @param hidden number of erased backups that are not shown */
function describeList(
  backups: readonly Backup[],
  { words, hidden, now }: { words: PolicyWords; hidden: number; now: Date },
): string {
  const rest = hidden === 0 ? '' : `${hidden} erased not shown; --all shows them`
  if (backups.length === 0) return `All backups that match are erased: ${rest}.`
  const hasGroups = backups.some(({ group_id }) => group_id !== null)
  const heading = [
    ...['ID', 'PROJECT', 'TYPE', 'STATE', 'SIZE', 'CREATED', 'EXPIRES', 'VERIFIED'],
    ...(hasGroups ? ['GROUP', 'MEMBER'] : []),
  ]
  const rows = backups.map(backup => [
    backup.id,
    backup.project_id,
    backup.type,
    stateOf(backup),
    formatSizeOf(backup, backup.size),
    formatTime(backup.created_at),
    expiryOf(backup, words),
    verifiedAge(backup, now),
    ...(hasGroups ? [backup.group_id?.slice(0, 8) ?? NONE, shownName(backup.member ?? NONE)] : []),
  ])
  return `${formatTable([heading, ...rows])}\n${count(backups.length, 'backup')}${rest === '' ? '' : `, ${rest}`}`
}

/** An erased backup, or one that is being erased, has no expiry to show. */
function expiryOf(backup: Backup, words: PolicyWords): string {
  if (backup.state === 'erased' || backup.state === 'erasing') return NONE
  return words(backup) === undefined ? formatDay(backup.expires_at) : 'by policy'
}

function stateOf(backup: Backup): string {
  const { pinned_at, damaged_at } = backup
  return [
    stateWords(backup),
    ...(pinned_at === null ? [] : ['pinned']),
    ...(damaged_at === null ? [] : ['DAMAGED']),
  ].join(', ')
}

/** How long ago every byte was verified. */
function verifiedAge({ verified_at, state }: Backup, now: Date): string {
  if (state !== 'complete') return NONE
  return verified_at === null ? 'never' : `${formatAge(now.getTime() - verified_at.getTime())} ago`
}
