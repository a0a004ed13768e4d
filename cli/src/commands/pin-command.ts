import { countMissingFiles, shownId } from '@telegram-backup/database/missing-files'
import { BackupError, ExitCode } from '@telegram-backup/errors'
import {
  BACKUP_ID,
  type BackupIdOptions,
  backupWords,
  describeCommand,
  type RegisterCommand,
  type RunAction,
  withCatalog,
} from '#commands/command.ts'
import { updateIndexes } from '#commands/refresh-index.ts'

/** `pin ID` and `unpin ID`: neither retention nor `erase` erases a pinned backup. */
export const registerPins: RegisterCommand = (program, run) => {
  registerOne(program, run, { name: 'pin', isPinned: true })
  registerOne(program, run, { name: 'unpin', isPinned: false })
}

function registerOne(
  program: Parameters<RegisterCommand>[0],
  run: RunAction,
  { name, isPinned }: { name: string; isPinned: boolean },
): void {
  describeCommand(program.command(name), {
    description: isPinned
      ? 'keep a backup for ever: retention does not remove it, and "erase" refuses it'
      : 'remove the pin: retention decides about the backup again',
    argument: BACKUP_ID,
    examples: [`telegram-backup ${name} 3f0c2c1e`, `telegram-backup ${name} latest:shop`],
  }).action((id: string, options: BackupIdOptions & { json?: boolean }) =>
    run(async context => {
      const words = backupWords(id, options)
      const { getBackupById, pinBackup } = await import('@telegram-backup/database')
      const { findBackup } = await import('@telegram-backup/engine/operations/find-backup.ts')
      await withCatalog(context, async database => {
        const backup = await findBackup(database, words, context)
        if (!(await pinBackup(database, backup.id, isPinned))) {
          throw new BackupError(
            `Backup ${backup.id} is ${backup.state}: only a complete backup can be pinned`,
            {
              code: 'CONFLICT',
              hint: '"telegram-backup list --state complete" lists the complete ones.',
            },
          )
        }
        await updateIndexes(context, database)
        const after = await getBackupById(database, backup.id)
        context.output.outcome(
          {
            success: true,
            id: backup.id,
            pinned_at: after?.pinned_at ?? null,
            missing_files: countMissingFiles(backup),
          },
          () => `Backup ${shownId(backup)} is ${isPinned ? 'pinned' : 'no longer pinned'}.`,
        )
      })
      return ExitCode.DONE
    }, options),
  )
}
