import { BackupError, hint, option } from '@telegram-backup/errors'
import { parseAllowances } from '#allowances.ts'
import { assertNamed, type SourceChoice } from '#connector.ts'

export interface FileSettings {
  /** Its path, or its name as `ls -b` writes it. */
  file?: string | undefined
}

export interface FileChoice extends SourceChoice {
  kind: 'file'
  path: string
}

/** Throws `USAGE`. */
export function chooseFile({ file: path = '' }: FileSettings): FileChoice {
  assertNamed(path, '--file')
  return { kind: 'file', path }
}

export interface StdinSettings {
  stdin?: boolean | undefined
  allow?: string[] | undefined
}

export interface StdinChoice extends SourceChoice {
  kind: 'stdin'
  mayBeEmpty: boolean
}

/** Throws `USAGE`. */
export function chooseStdin({ allow = [] }: StdinSettings): StdinChoice {
  const allowed = allow.flatMap(parseAllowances)
  const foreign = allowed.find(allowance => allowance !== 'empty')
  if (foreign === undefined) return { kind: 'stdin', mayBeEmpty: allowed.length > 0 }
  throw new BackupError(`"allow: ${foreign}" cannot be used with standard input`, {
    code: 'USAGE',
    hint: hint`It belongs to ${option('directory')}.`,
  })
}
