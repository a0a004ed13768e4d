import type { Backup, BackupState, BackupType } from '@telegram-backup/database'
import { type RegisterCommand, withCatalog, withCommonOptions } from '#cli/command.ts'
import { ExitCode } from '#cli/exit-codes.ts'
import { count, formatBytes, formatTable, formatTime } from '#cli/human-units.ts'

interface ListOptions {
  project?: string
  type?: string
  state?: string
  json?: boolean
}

/** `list`: the backups in the catalog, newest first. */
export const registerList: RegisterCommand = (program, run) => {
  withCommonOptions(program.command('list'), [
    'telegram-backup list',
    'telegram-backup list --project shop --type database --state complete',
  ])
    .description('list the backups in the catalog, newest first')
    .option('--project <id>', 'of this project only')
    .option('--type <type>', 'database, storage or logs only')
    .option('--state <state>', 'sending, complete, failed, erasing or erased only')
    .action((options: ListOptions) =>
      run(async context => {
        const { listBackups } = await import('#lib/backups/backups.service.ts')
        await withCatalog(context, async database => {
          const { data } = await listBackups(
            {
              projectId: options.project,
              type: options.type as BackupType,
              state: options.state as BackupState,
            },
            { database },
          )
          const isFiltered = [options.project, options.type, options.state].some(
            filter => filter !== undefined,
          )
          const empty = isFiltered
            ? 'No backup matches.'
            : `No backups yet in ${database.location}. Make one: telegram-backup send --help`
          context.output.answer(data, () => (data.length === 0 ? empty : describeList(data)))
        })
        return ExitCode.DONE
      }, options),
    )
}

function describeList(backups: readonly Backup[]): string {
  const heading = ['ID', 'PROJECT', 'TYPE', 'STATE', 'SIZE', 'CREATED', 'EXPIRES']
  const rows = backups.map(backup => [
    backup.id,
    backup.project_id,
    backup.type,
    backup.damaged_at === null ? backup.state : `${backup.state}, damaged`,
    formatBytes(backup.size),
    formatTime(backup.created_at),
    formatTime(backup.expires_at).slice(0, 10),
  ])
  return `${formatTable([heading, ...rows])}\n${count(backups.length, 'backup')}`
}
