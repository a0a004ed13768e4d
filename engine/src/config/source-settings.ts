import type { SourceChoice } from '@telegram-backup/connectors/connector.ts'
import { type Allowance, parseAllowances } from '@telegram-backup/connectors/directory/pack/allowances.ts'
import type { DirectoryOptions } from '@telegram-backup/connectors/directory/pack/tar-source.ts'
import type { PgDumpOptions } from '@telegram-backup/connectors/postgres/dump/pg-dump-arguments.ts'
import { BackupError, hint, option } from '@telegram-backup/errors'
import { parsePastTime, parseSpanMs } from '#units/quantities.ts'

/** One source as a person writes it: under a name in `telegram-backup.yaml`, or as the options of `send`. */
export interface SourceSettings {
  project?: string | undefined
  type?: string | undefined
  filename?: string | undefined
  caption?: string | undefined
  chat?: string | undefined
  expires?: string | undefined
  limit_rate?: string | undefined
  /** Somebody is told when there was no complete backup for so long. */
  no_backup_for?: string | undefined

  /** Exactly one of these four. */
  file?: string | undefined
  postgres?: string | undefined
  directory?: string | undefined
  stdin?: boolean | undefined

  format?: string | undefined
  schema?: string[] | undefined
  exclude_schema?: string[] | undefined
  table?: string[] | undefined
  exclude_table?: string[] | undefined
  exclude_table_data?: string[] | undefined
  lock_timeout?: string | undefined
  count_rows?: boolean | undefined
  /** Drills of its backups run what is in the dump as a superuser. */
  trust_dump?: boolean | undefined

  exclude?: string[] | undefined
  include?: string[] | undefined
  since?: string | undefined
  one_file_system?: boolean | undefined
  allow?: string[] | undefined
}

const KINDS = ['file', 'postgres', 'directory', 'stdin'] as const

/** The settings that not every kind of source has. */
const OWN_SETTINGS: Readonly<Record<(typeof KINDS)[number], ReadonlyArray<keyof SourceSettings>>> = {
  file: [],
  stdin: ['allow'],
  postgres: [
    'format',
    'schema',
    'exclude_schema',
    'table',
    'exclude_table',
    'exclude_table_data',
    'lock_timeout',
    'count_rows',
    'trust_dump',
  ],
  directory: ['exclude', 'include', 'since', 'one_file_system', 'allow'],
}

const DEFAULT_LOCK_TIMEOUT = '60s'

/** Chooses the source. Throws `USAGE` unless there is exactly one, with none of another's settings. */
export function chooseSource(settings: SourceSettings): SourceChoice {
  const [kind, ...others] = KINDS.filter(name => settings[name] !== undefined && settings[name] !== false)
  if (kind === undefined || others.length > 0) {
    throw new BackupError('Name exactly one source', {
      code: 'USAGE',
      hint: hint`Give ${option('file', 'PATH')}, ${option('postgres', 'URL')}, ${option('directory', 'PATH')}, ${option('source', 'NAME')}, or - for standard input.`,
    })
  }
  for (const other of KINDS) {
    const foreign = OWN_SETTINGS[other].find(
      name => settings[name] !== undefined && !OWN_SETTINGS[kind].includes(name),
    )
    if (foreign !== undefined) {
      throw usage(
        `${optionOf(foreign)} is of no use with ${optionOf(kind)}`,
        `It belongs to ${optionOf(other)}.`,
      )
    }
  }
  const { file, postgres, directory } = settings
  if (postgres !== undefined) return { kind: 'postgres', url: postgres, options: pgDumpOptions(settings) }
  if (directory !== undefined) {
    return { kind: 'directory', path: notEmpty(directory, 'directory'), options: directoryOptions(settings) }
  }
  if (file !== undefined) return { kind: 'file', path: notEmpty(file, 'file') }
  return { kind: 'stdin', mayBeEmpty: mayInputBeEmpty(settings) }
}

function mayInputBeEmpty({ allow = [] }: SourceSettings): boolean {
  const allowed = allow.flatMap((text): Allowance[] => parseAllowances(text))
  const foreign = allowed.find(allowance => allowance !== 'empty')
  if (foreign === undefined) return allowed.length > 0
  throw usage(`--allow ${foreign} is of no use with standard input`, 'It belongs to --directory.')
}

function pgDumpOptions(settings: SourceSettings): PgDumpOptions {
  const { format = 'plain' } = settings
  if (format !== 'plain' && format !== 'custom') {
    throw usage(`The format ${JSON.stringify(format)} is unknown`, 'Use plain or custom.')
  }
  return {
    format,
    schemas: settings.schema ?? [],
    excludeSchemas: settings.exclude_schema ?? [],
    tables: settings.table ?? [],
    excludeTables: settings.exclude_table ?? [],
    excludeTableData: settings.exclude_table_data ?? [],
    lockTimeoutMs: parseSpanMs(settings.lock_timeout ?? DEFAULT_LOCK_TIMEOUT),
    countRows: settings.count_rows ?? true,
  }
}

function directoryOptions(settings: SourceSettings): DirectoryOptions {
  const { include, since, type } = settings
  const isSelection = include !== undefined || since !== undefined
  if (isSelection && type !== 'logs') {
    throw usage(
      '--include and --since choose log files',
      'Use them with --type logs, or leave out with --exclude.',
    )
  }
  return {
    exclude: settings.exclude ?? [],
    oneFileSystem: settings.one_file_system ?? false,
    allow: (settings.allow ?? []).flatMap((text): Allowance[] => parseAllowances(text)),
    mayGrow: type === 'logs',
    ...(isSelection
      ? { logs: { include: include ?? [], since: since === undefined ? undefined : parsePastTime(since) } }
      : {}),
  }
}

function notEmpty(path: string, name: keyof SourceSettings): string {
  if (path !== '') return path
  throw usage(`${optionOf(name)} names nothing`, 'Give a path.')
}

/** As it is written on the command line. */
function optionOf(name: keyof SourceSettings): string {
  return name === 'stdin' ? 'standard input' : `--${name.replaceAll('_', '-')}`
}

function usage(message: string, hint: string): BackupError {
  return new BackupError(message, { code: 'USAGE', hint })
}
