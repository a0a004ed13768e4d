import { BackupError } from '@telegram-backup/errors'
import type { BackupType } from 'telegram-deployment-bot'
import type { OpenedSource, SourceChoice } from '#connector.ts'

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
        const { openFileSource } = await import('#stream/file-source.ts')
        return await openFileSource(choice.path, { type, waits, signal })
      }
      case 'stdin': {
        const { openStandardInput } = await import('#stream/standard-input.ts')
        return openStandardInput(type, choice)
      }
      case 'postgres': {
        const { openPostgresSource } = await import('#postgres/dump/pg-dump-source.ts')
        return await openPostgresSource(choice.url, { ...choice.options, signal })
      }
      case 'directory': {
        const { openDirectorySource } = await import('#directory/pack/tar-source.ts')
        return await openDirectorySource(choice.path, { ...choice.options, signal })
      }
    }
  } catch (error) {
    throw signal?.aborted ? new BackupError('Cancelled', { code: 'CANCELLED', cause: error }) : error
  }
}
