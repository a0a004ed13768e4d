import { type BackupSource, type BackupType, openFile } from 'telegram-deployment-bot'
import { BackupError } from '#lib/backups/backup-error.ts'
import type { SkippedFile } from '#sources/directory/allowances.ts'
import { findFilePath } from '#sources/file-path.ts'
import type { SourceChoice } from '#sources/source-settings.ts'

/** What is sent: a path, or a source at work. */
export type OpenedSource = string | (BackupSource & { readonly skipped?: readonly SkippedFile[] })

/**
 * Opens the source, which starts the program that it needs; whoever opens it closes it, or hands it to a send, which
 * does. Throws what the kinds of source throw, or `CANCELLED`.
 */
export async function openSource(
  choice: SourceChoice,
  { type, signal }: { type: BackupType; signal?: AbortSignal | undefined },
): Promise<OpenedSource> {
  try {
    switch (choice.kind) {
      case 'file':
        return await openFileSource(choice.path, { type, signal })
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

/** A path is opened by the send itself; a name that no text can say is opened here. */
async function openFileSource(
  text: string,
  options: { type: BackupType; signal?: AbortSignal | undefined },
): Promise<OpenedSource> {
  const { path, shown } = await findFilePath(text)
  if (typeof path !== 'string') return openFile({ bytes: path, shown }, options)
  if (!path.includes('\ufffd')) return path
  // Of such bytes in an argument only this much arrives here: it would be the name of another file.
  throw new BackupError(`The name ${JSON.stringify(path)} is not UTF-8`, {
    code: 'INVALID',
    hint: 'Write it as "ls -b" prints it, in single quotes.',
  })
}
