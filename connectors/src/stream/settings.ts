import { BackupError, hint, option } from '@telegram-backup/errors'
import { parseAllowances } from '#allowances.ts'
import { assertNamed, type SourceChoice } from '#connector.ts'
import { type ProofMode, type ProofSettings, readProofMode } from '#proof-mode.ts'

export interface FileSettings extends Pick<ProofSettings, 'proof'> {
  /** Its path, or its name as `ls -b` writes it. */
  file?: string | undefined
}

export interface FileChoice extends SourceChoice {
  kind: 'file'
  path: string
  proof: ProofMode
}

/** Throws `USAGE`. */
export function chooseFile({ file: path = '', proof }: FileSettings): FileChoice {
  assertNamed(path, '--file')
  return { kind: 'file', path, proof: readProofMode({ proof }) }
}

export interface StdinSettings extends Pick<ProofSettings, 'proof'> {
  stdin?: boolean | undefined
  allow?: string[] | undefined
}

export interface StdinChoice extends SourceChoice {
  kind: 'stdin'
  mayBeEmpty: boolean
  proof: ProofMode
}

/** Throws `USAGE`. */
export function chooseStdin({ allow = [], proof }: StdinSettings): StdinChoice {
  const allowed = allow.flatMap(parseAllowances)
  const foreign = allowed.find(allowance => allowance !== 'empty')
  if (foreign === undefined)
    return { kind: 'stdin', mayBeEmpty: allowed.length > 0, proof: readProofMode({ proof }) }
  throw new BackupError(`"allow: ${foreign}" cannot be used with standard input`, {
    code: 'USAGE',
    hint: hint`It belongs to ${option('directory')}.`,
  })
}
