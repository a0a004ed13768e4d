import { dirname } from 'node:path'
import { BackupError, describeError, hasOwnWords } from '@telegram-backup/errors'

/**
 * A restore's failure for readers of jobs: with the target's name in telegram-backup.yaml instead of its
 * path. An error that is not ours comes back as it is: only the log gets it.
 */
export function namingFolder(error: unknown, { name, path }: { name: string; path: string }): unknown {
  if (!hasOwnWords(error)) return error
  const above = dirname(path)
  const named = (text: string): string => {
    const short = text.replaceAll(path, `target ${name}`)
    return above === '/' ? short : short.replaceAll(above, '…')
  }
  const { code, message, hint } = describeError(error)
  const advice = error instanceof BackupError ? error.advice : undefined
  return new BackupError(named(message), {
    code,
    hint: advice?.map(named) ?? (hint && named(hint)),
    cause: error,
  })
}
