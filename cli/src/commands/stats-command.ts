import type { BackupStats } from '@telegram-backup/database'
import { formatBytes, formatTable, formatTime, NONE } from '@telegram-backup/engine/units/human-units.ts'
import { ExitCode } from '@telegram-backup/errors'
import { describeCommand, type RegisterCommand, withCatalog } from '#commands/command.ts'

/** `stats`: the complete backups, counted. */
export const registerStats: RegisterCommand = (program, run) => {
  describeCommand(program.command('stats'), {
    description:
      'count the complete backups: how many, how large, how old, how many expire soon, how many are damaged',
    options: {
      '--project <id>': 'count only backups of this project',
    },
    examples: ['telegram-backup stats', 'telegram-backup stats --project shop --json'],
  }).action((options: { project?: string; json?: boolean }) =>
    run(async context => {
      const { getBackupStats } = await import('@telegram-backup/api-gateway/lib/backups/backups.service.ts')
      const stats = await withCatalog(context, database => getBackupStats(options.project, { database }))
      context.output.answer(stats, () => describeStats(stats))
      return ExitCode.DONE
    }, options),
  )
}

function describeStats(stats: BackupStats): string {
  return formatTable([
    ['backups', String(stats.total_backups)],
    ['plain size', formatBytes(stats.total_size)],
    ...Object.entries(stats.by_type).map(([type, number]) => [`  ${type}`, String(number)]),
    ['oldest', stats.oldest_backup ? formatTime(stats.oldest_backup) : NONE],
    ['newest', stats.newest_backup ? formatTime(stats.newest_backup) : NONE],
    ['expire within 7 days', String(stats.expiring_soon)],
    ['with missing files', stats.with_missing_files === 0 ? 'none' : String(stats.with_missing_files)],
    ['damaged', stats.damaged === 0 ? 'none known' : String(stats.damaged)],
  ])
}
