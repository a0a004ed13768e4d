import { shownId } from '@telegram-backup/database/missing-files'
import { ExitCode } from '@telegram-backup/errors'
import {
  BACKUP_ID,
  type BackupIdOptions,
  backupWords,
  type CommonOptions,
  describeCommand,
  type RegisterCommand,
  usageError,
  withCatalog,
} from '#commands/command.ts'
import { updateIndexes } from '#commands/refresh-index.ts'
import { collected } from '#commands/repeatable-option.ts'

interface TagOptions extends BackupIdOptions, CommonOptions {
  add?: string[]
  remove?: string[]
}

/** `tag ID`: changes the tags of a backup. */
export const registerTag: RegisterCommand = (program, run) => {
  const command = program
    .command('tag')
    .option('--add <tag>', 'add this tag (may be repeated)', collected)
    .option('--remove <tag>', 'remove this tag (may be repeated)', collected)
  describeCommand(command, {
    description:
      'give a backup tags, or take them away. A tag has 1 to 64 letters, digits, ".", "_", ":" and "-"; a backup has 16 at most. "list --tag" and "latest --tag" find tagged backups, and a policy with --keep-tag keeps them',
    argument: BACKUP_ID,
    examples: [
      'telegram-backup tag latest:shop --add before-upgrade',
      'telegram-backup tag 3f0c2c1e --remove nightly --add release:2026.12',
    ],
  }).action((id: string, options: TagOptions) =>
    run(async context => {
      const { add = [], remove = [] } = options
      if (add.length + remove.length === 0)
        throw usageError('No tag was given', 'Give --add TAG or --remove TAG.')
      const { tag } = await import('@telegram-backup/engine/operations/tag.ts')
      await withCatalog(context, async database => {
        const request = { ...backupWords(id, options), add, remove }
        const { backup, tags } = await tag(database, request, context)
        await updateIndexes(context, database)
        context.output.answer({ success: true, id: backup.id, tags }, () =>
          tags.length === 0
            ? `Backup ${shownId(backup)} has no tags now.`
            : `Backup ${shownId(backup)} has the tags ${tags.join(', ')}.`,
        )
      })
      return ExitCode.DONE
    }, options),
  )
}
