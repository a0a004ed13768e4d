import { programVersion } from '@telegram-backup/engine/program-version.ts'
import { BackupError, ExitCode } from '@telegram-backup/errors'
import { describeCommand, type RegisterCommand } from '#commands/command.ts'

/** `man`: writes the pages of the manual. */
export const registerMan: RegisterCommand = (program, run) => {
  describeCommand(program.command('man').requiredOption('--out <folder>', 'where to write them'), {
    description: 'write the pages of the manual into a folder, which is made if need be',
    examples: ['telegram-backup man --out ~/.local/share/man/man1 && man telegram-backup-send'],
  }).action((options: { out: string; json?: boolean }) =>
    run(
      async ({ output }) => {
        const { manualPages } = await import('#manual/pages.ts')
        const { mkdir, writeFile } = await import('node:fs/promises')
        const { join } = await import('node:path')
        const pages = manualPages(program, { version: programVersion(), date: new Date() })
        try {
          await mkdir(options.out, { recursive: true })
          for (const { fileName, text } of pages) await writeFile(join(options.out, fileName), text)
        } catch (cause) {
          const { code } = cause as NodeJS.ErrnoException
          throw new BackupError(`The manual cannot be written into ${options.out}: ${code}`, {
            code: 'USAGE',
            hint: 'Name a folder that you may write in.',
            cause,
          })
        }
        const files = pages.map(({ fileName }) => fileName)
        output.outcome({ folder: options.out, files }, () => `${files.length} pages are in ${options.out}.`)
        return ExitCode.DONE
      },
      options,
      { settings: false },
    ),
  )
}
