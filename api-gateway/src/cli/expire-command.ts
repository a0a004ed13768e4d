import { type RegisterCommand, withCatalog, withCommonOptions } from '#cli/command.ts'
import { ExitCode } from '#cli/exit-codes.ts'
import { count, formatTable, formatTime } from '#cli/human-units.ts'
import type { ExpiryDecision } from '#settling/expiry-plan.ts'
import type { SettlingReport } from '#settling/settling-report.ts'
import { openTelegram } from '#wiring.ts'

/** `expire`: erases the backups whose time has come. */
export const registerExpire: RegisterCommand = (program, run) => {
  withCommonOptions(program.command('expire'), ['telegram-backup expire --dry-run', 'telegram-backup expire'])
    .description(
      'erase the backups whose time has come, and those that are marked to be erased; the last good one of a project and type stays',
    )
    .option('--dry-run', 'only say what would be erased, and why')
    .action((options: { dryRun?: boolean; json?: boolean }) =>
      run(async context => {
        const { config, output, signal } = context
        const { expire, findExpired } = await import('#settling/expire.ts')
        const { openSettling } = await import('#settling/open-settling.ts')
        return await withCatalog(context, async database => {
          const decisions = await findExpired({ database })
          const plan = decisions.map(({ backup, decision, reason }) => ({ id: backup.id, decision, reason }))
          if (options.dryRun === true) {
            output.answer({ dry_run: true, decisions: plan }, () => describePlan(decisions))
            return ExitCode.DONE
          }
          const client = await openTelegram(config)
          const say = (line: string): void => output.note(line)
          const settling = await openSettling({ database, client, config, signal, say })
          await expire(settling, decisions)
          const { report } = settling
          output.answer({ decisions: plan, ...report }, () => describeOutcome(report))
          return report.isDone ? ExitCode.DONE : ExitCode.PARTIAL
        })
      }, options),
    )
}

function describePlan(decisions: readonly ExpiryDecision[]): string {
  if (decisions.length === 0) return 'Nothing has expired.'
  const rows = decisions.map(({ backup, decision, reason }) => [
    backup.id,
    backup.project_id,
    backup.type,
    formatTime(backup.created_at),
    decision,
    reason,
  ])
  return formatTable([['ID', 'PROJECT', 'TYPE', 'CREATED', 'DECISION', 'REASON'], ...rows])
}

function describeOutcome(report: SettlingReport): string {
  return [
    ...report.erased_backups.map(({ backup_id }) => `erased    backup ${backup_id}`),
    ...report.kept.map(({ backup_id, reason }) => `kept      backup ${backup_id}: ${reason}`),
    ...report.pending.map(({ backup_id, reason }) => `PENDING   backup ${backup_id}: ${reason}`),
    ...report.indexes_left.map(({ chat_id, reason }) => `index     of chat ${chat_id}: ${reason}`),
    `${count(report.erased_backups.length, 'backup')} erased.`,
  ].join('\n')
}
