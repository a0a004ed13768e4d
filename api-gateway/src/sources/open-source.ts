import type { BackupSource, BackupType } from 'telegram-deployment-bot'
import { BackupError } from '#lib/backups/backup-error.ts'
import type { SkippedFile } from '#sources/directory/allowances.ts'
import type { SourceChoice } from '#sources/source-settings.ts'

/** A source at work. */
export type OpenedSource = BackupSource & { readonly skipped?: readonly SkippedFile[] }

/**
 * Opens the source, which starts the program that it needs; whoever opens it closes it, or hands it to a send, which
 * does. `waits`: for whoever is to write into a FIFO. Throws what the kinds of source throw, or `CANCELLED`.
 */
export async function openSource(
  choice: SourceChoice,
  { type, waits, signal }: { type: BackupType; waits: boolean; signal?: AbortSignal | undefined },
): Promise<OpenedSource> {
  try {
    switch (choice.kind) {
      case 'file': {
        const { openFileSource } = await import('#sources/file-source.ts')
        return await openFileSource(choice.path, { type, waits, signal })
      }
      case 'stdin': {
        const { openStandardInput } = await import('#sources/standard-input.ts')
        return openStandardInput(type, choice)
      }
      case 'postgres': {
        const { openPostgresSource } = await import('#sources/postgres/pg-dump-source.ts')
        return await openPostgresSource(choice.url, { ...choice.options, signal })
      }
      case 'directory': {
        const { openDirectorySource } = await import('#sources/directory/tar-source.ts')
        return await openDirectorySource(choice.path, { ...choice.options, signal })
      }
    }
  } catch (error) {
    throw signal?.aborted ? new BackupError('Cancelled', { code: 'CANCELLED', cause: error }) : error
  }
}
