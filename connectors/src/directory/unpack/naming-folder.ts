import { realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { rewordError } from '@telegram-backup/errors'

/**
 * Says a restore's failure to readers of jobs: with the target's name in telegram-backup.yaml instead of its
 * path, whether that is as it was written or with its links resolved. An error that is not ours comes back as
 * it is: only the log gets it.
 */
export async function namingFolder({
  name,
  path,
}: {
  name: string
  path: string
}): Promise<(error: unknown) => unknown> {
  const above = await realpath(dirname(path)).catch(() => dirname(path))
  const resolved = join(above, basename(path))
  // The folder may be missing, and may itself be a link.
  const whole = await realpath(path).catch(() => resolved)
  const folders = longestFirst([path, resolved, whole])
  const words = [
    ...folders.map(folder => [folder, `target ${name}`] as const),
    // Longest first: each may contain the next.
    ...longestFirst(folders.map(dirname)).map(folder => [folder, '…'] as const),
  ].filter(([folder]) => folder !== '/')
  const named = (text: string): string =>
    words.reduce((rest, [folder, instead]) => rest.replaceAll(folder, () => instead), text)
  return error => rewordError(error, named)
}

function longestFirst(texts: readonly string[]): string[] {
  return texts.toSorted((one, other) => other.length - one.length)
}
