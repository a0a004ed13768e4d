import { findBackup, type RegisterCommand, withCatalog, withCommonOptions } from '#cli/command.ts'
import { ExitCode } from '#cli/exit-codes.ts'
import { count, formatBytes } from '#cli/human-units.ts'
import { ProgressLine, progressBar } from '#cli/progress-line.ts'
import { BackupError } from '#lib/backups/backup-error.ts'
import { openBackupService } from '#wiring.ts'

/** `fetch ID`: the plain bytes back, verified. */
export const registerFetch: RegisterCommand = (program, run) => {
  withCommonOptions(program.command('fetch'), [
    'telegram-backup fetch 3f0c2c1e-6f0a-4a57-9d5b-2f6f0f3f7c11 --out shop.sql',
    'telegram-backup fetch 3f0c2c1e-6f0a-4a57-9d5b-2f6f0f3f7c11 --out - | less',
  ])
    .description(
      'fetch a backup’s plain bytes back, every part verified; the file appears only when it is whole',
    )
    .argument('<id>', 'the backup’s id, from "telegram-backup list", or its first eight characters')
    .requiredOption('--out <file>', 'where to; "-" is standard output')
    .action((id: string, options: { out: string; json?: boolean }) =>
      run(async context => {
        const { output, config, signal } = context
        if (options.out === '-' && output.json) {
          throw new BackupError('--json and --out - both want standard output', { code: 'USAGE' })
        }
        const { planFetch } = await import('#lib/backups/fetch-plan.ts')
        const { readIdentities } = await import('#restore/identities.ts')
        const { writeToFile, writeToStream } = await import('#restore/write-back.ts')
        const backup = await withCatalog(context, database => findBackup(database, id))
        const plan = planFetch(backup)
        const identities = await readIdentities(config, plan.encrypted)
        const service = await openBackupService(config)
        const progress = new ProgressLine(output.stderr)
        let partsFetched = 0
        const bytes = service.fetchBackup({
          ...plan,
          identities,
          signal,
          onPart: () => {
            partsFetched++
            progress.update(
              () =>
                `${progressBar(partsFetched / plan.parts.length)}  ${partsFetched} of ${count(plan.parts.length, 'part')}`,
            )
          },
        })
        const size = await (options.out === '-'
          ? writeToStream(bytes, process.stdout)
          : writeToFile(bytes, options.out)
        ).finally(() => progress.end())
        if (options.out === '-') return ExitCode.DONE
        output.answer(
          {
            id: backup.id,
            out: options.out,
            size,
            parts: plan.parts.length,
            plain_sha256: backup.plain_sha256,
          },
          () => `${options.out}: ${formatBytes(size)} from ${count(plan.parts.length, 'part')}, all verified`,
        )
        return ExitCode.DONE
      }, options),
    )
}
