import { BackupError, hint, option } from '@telegram-backup/errors'
import { type Allowance, parseAllowances } from '#allowances.ts'
import { assertNamed, type SettingReaders, type SourceChoice } from '#connector.ts'
import type { LogSelection } from '#directory/pack/log-files.ts'
import { type ProofMode, type ProofSettings, readProofMode } from '#proof-mode.ts'

export interface DirectorySettings extends Pick<ProofSettings, 'proof'> {
  directory?: string | undefined
  /** The type of the backup: files of `logs` may be chosen by name and time, and may grow meanwhile. */
  type?: string | undefined
  exclude?: string[] | undefined
  include?: string[] | undefined
  since?: string | undefined
  one_file_system?: boolean | undefined
  allow?: string[] | undefined
}

export interface DirectoryOptions {
  /** tar's patterns: `*` also matches a slash; `./` binds a pattern to the top. */
  exclude: readonly string[]
  oneFileSystem: boolean
  allow: readonly Allowance[]
  /** A file that only grew while it was read counts as whole; for logs. */
  mayGrow: boolean
  /** fast and sha256: the SHA-256 of each file is recorded. */
  proof: ProofMode
  /** Only these files, without folders. */
  logs?: LogSelection | undefined
}

export interface DirectoryChoice extends SourceChoice {
  kind: 'directory'
  path: string
  options: DirectoryOptions
}

/** Throws `USAGE`. */
export function chooseDirectory(settings: DirectorySettings, read: SettingReaders): DirectoryChoice {
  const { directory: path = '', include, since, type, allow = [] } = settings
  assertNamed(path, '--directory')
  const isSelection = include !== undefined || since !== undefined
  if (isSelection && type !== 'logs') {
    throw new BackupError('Patterns to include and a time to begin at select log files only', {
      code: 'USAGE',
      hint: hint`Use them with ${option('type', 'logs')}, or leave out with ${option('exclude')}.`,
    })
  }
  const options: DirectoryOptions = {
    exclude: settings.exclude ?? [],
    oneFileSystem: settings.one_file_system ?? false,
    allow: allow.flatMap(parseAllowances),
    mayGrow: type === 'logs',
    proof: readProofMode({ proof: settings.proof }),
    ...(isSelection && {
      logs: { include: include ?? [], since: since === undefined ? undefined : read.pastTime(since) },
    }),
  }
  return { kind: 'directory', path, options }
}
