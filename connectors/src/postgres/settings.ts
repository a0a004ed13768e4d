import { BackupError } from '@telegram-backup/errors'
import type { SettingReaders, SourceChoice } from '#connector.ts'
import type { PgDumpOptions } from '#postgres/dump/pg-dump-arguments.ts'
import { type ProofSettings, readProofMode } from '#proof-mode.ts'

/** The settings of a database; lists hold pg_dump's patterns. */
export interface PostgresSettings extends ProofSettings {
  postgres?: string | undefined
  format?: string | undefined
  schema?: string[] | undefined
  exclude_schema?: string[] | undefined
  table?: string[] | undefined
  exclude_table?: string[] | undefined
  exclude_table_data?: string[] | undefined
  lock_timeout?: string | undefined
  /** Drills run its dumps as a superuser. */
  trust_dump?: boolean | undefined
  /** The target on whose server drills restore; default: a temporary server. */
  drill_on?: string | undefined
}

export const POSTGRES_SETTINGS: ReadonlyArray<keyof PostgresSettings> = [
  'format',
  'schema',
  'exclude_schema',
  'table',
  'exclude_table',
  'exclude_table_data',
  'lock_timeout',
  'proof',
  'count_rows',
  'trust_dump',
  'drill_on',
]

export interface PostgresChoice extends SourceChoice {
  kind: 'postgres'
  url: string
  options: PgDumpOptions
}

const DEFAULT_LOCK_TIMEOUT = '60s'

/** Throws `USAGE`. */
export function choosePostgres(settings: PostgresSettings, read: SettingReaders): PostgresChoice {
  const { postgres: url = '', format = 'plain' } = settings
  if (format !== 'plain' && format !== 'custom') {
    throw new BackupError(`The format ${JSON.stringify(format)} is unknown`, {
      code: 'USAGE',
      hint: 'Use plain or custom.',
    })
  }
  const options: PgDumpOptions = {
    format,
    schemas: settings.schema ?? [],
    excludeSchemas: settings.exclude_schema ?? [],
    tables: settings.table ?? [],
    excludeTables: settings.exclude_table ?? [],
    excludeTableData: settings.exclude_table_data ?? [],
    lockTimeoutMs: read.spanMs(settings.lock_timeout ?? DEFAULT_LOCK_TIMEOUT),
    proof: readProofMode(settings),
  }
  return { kind: 'postgres', url, options }
}
