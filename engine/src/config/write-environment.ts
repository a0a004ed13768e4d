import { BackupError } from '@telegram-backup/errors'
import { readTrusted } from '#config/environment-files.ts'
import { changeAssignments, formatAssignment } from '#config/environment-syntax.ts'
import { createFile, replaceFile } from '#durable-files.ts'

/**
 * Makes an environment file that only its owner can read. It appears whole, with its data on the disk, or not
 * at all, and a file that exists is never replaced: then `CONFIGURATION` is thrown.
 * @param comment lines for people, without `#`
 */
export async function createEnvironmentFile(
  path: string,
  values: Readonly<Record<string, string>>,
  comment: readonly string[] = [],
): Promise<void> {
  const lines = comment.map(line => `# ${line}\n`)
  const assignments = Object.entries(values).map(([name, value]) => formatAssignment(name, value))
  if (await createFile(path, [...lines, ...assignments].join(''))) return
  throw new BackupError(`The environment file ${path} already exists, and is not replaced`, {
    code: 'CONFIGURATION',
    hint: 'Change the file by hand, or choose another folder.',
  })
}

/**
 * Changes values of an environment file that exists: all at once or not at all, with the same owner and mode.
 * Other lines stay, undefined removes a name, and a link to the file stays a link. Throws `CONFIGURATION`.
 */
export async function changeEnvironmentFile(
  path: string,
  changes: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const text = await readTrusted(path)
  if (text !== undefined) return await replaceFile(path, changeAssignments(text, changes))
  throw new BackupError(`The environment file ${path} does not exist any more`, {
    code: 'CONFIGURATION',
    hint: 'Run the command again: it uses the files that are there then.',
  })
}
