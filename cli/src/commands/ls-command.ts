import type { BackupWords } from '@telegram-backup/engine/operations/find-backup.ts'
import { formatTable } from '@telegram-backup/engine/units/human-units.ts'
import { ExitCode } from '@telegram-backup/errors'
import {
  BACKUP_ID,
  type BackupIdOptions,
  backupWords,
  type CommandContext,
  describeCommand,
  type RegisterCommand,
  withEngine,
} from '#commands/command.ts'
import { fetchProgress } from '#commands/fetch-progress.ts'
import { longCells, longName, memberJson, type ShownMember, shortLine } from '#commands/member-words.ts'

interface LsOptions extends BackupIdOptions {
  long?: boolean
  recursive?: boolean
  json?: boolean
}

/** `ls ID [PATH]`: what is in a folder of a directory backup. */
export const registerLs: RegisterCommand = (program, run) => {
  const command = describeCommand(program.command('ls'), {
    description:
      'list a folder of a directory backup. Reads only the list of files, which is encrypted: it needs the private key (BACKUP_AGE_IDENTITY_FILE)',
    argument: BACKUP_ID,
    options: {
      '-l, --long': 'print mode, owner, group, size and time too',
      '-R, --recursive': 'list the folders below too; with --json and without a path, they are always listed',
    },
    examples: [
      'telegram-backup ls latest:etc',
      'telegram-backup ls latest:etc nginx --long',
      'telegram-backup ls 8d1b0a42 "ssl/*.pem" --before 7d',
      'telegram-backup ls 8d1b0a42 --recursive | grep nginx',
    ],
  })
  command
    .argument('[path]', 'a folder or file in it, or a pattern with *, ?, […] and **')
    .action((id: string, path: string | undefined, options: LsOptions) =>
      run(async context => {
        const members = await list(context, { words: backupWords(id, options), path, options })
        context.output.answer(members.map(memberJson), () => describeMembers(members, options))
        return ExitCode.DONE
      }, options),
    )
}

async function list(
  context: CommandContext,
  of: { words: BackupWords; path: string | undefined; options: LsOptions },
): Promise<ShownMember[]> {
  const { words, path, options } = of
  const { output, signal, note } = context
  return await withEngine(context, async engine => {
    const { findBackup } = await import('@telegram-backup/engine/operations/find-backup.ts')
    const { listFolder } = await import('@telegram-backup/engine/operations/members.ts')
    const backup = await findBackup(engine.database, words, context)
    const recursive = options.recursive === true || (options.json === true && path === undefined)
    const progress = fetchProgress(output.progressLine())
    return await listFolder(
      { backup, path, recursive, long: options.long === true },
      { ...engine, ...progress, catalog: async () => engine.database, signal, note },
    ).finally(progress.end)
  })
}

function describeMembers(members: readonly ShownMember[], { long }: LsOptions): string {
  if (members.length === 0) return 'The folder is empty.'
  if (!long) return members.map(shortLine).join('\n')
  return formatTable(members.map(member => [...longCells(member), longName(member)]))
}
