import { BackupError } from '@telegram-backup/errors'
import type { SettingReaders, SourceChoice } from '#connector.ts'
import type { PostgresConnection } from '#postgres/connection.ts'
import type { PgDumpOptions } from '#postgres/dump/pg-dump-arguments.ts'
import { choosePostgres, type PostgresSettings } from '#postgres/settings.ts'
import { namePattern } from '#postgres/table-patterns.ts'
import type { RestoreTarget } from '#restoring.ts'

/** The settings of a cluster; those of single databases apply to each of its databases. */
export interface ClusterSettings extends Pick<PostgresSettings, OfEachDatabase> {
  /** The URL of any of its databases. */
  postgres_cluster?: string | undefined
  /** Patterns of `psql`'s `\d` for names of databases. */
  exclude_database?: string[] | undefined
  /** Back up the hashes of the roles' passwords too; only a superuser may read them. */
  role_passwords?: boolean | undefined
}

type OfEachDatabase =
  | 'format'
  | 'exclude_table_data'
  | 'lock_timeout'
  | 'proof'
  | 'count_rows'
  | 'trust_dump'
  | 'drill_on'

export const CLUSTER_SETTINGS: ReadonlyArray<keyof ClusterSettings> = [
  'exclude_database',
  'role_passwords',
  'format',
  'exclude_table_data',
  'lock_timeout',
  'proof',
  'count_rows',
  'trust_dump',
  'drill_on',
]

/** By itself, it stands for the globals of the cluster: roles with all of theirs, and tablespaces. */
export interface ClusterChoice extends SourceChoice {
  kind: 'postgres-cluster'
  url: string
  excludeDatabases: readonly RegExp[]
  rolePasswords: boolean
  /** For each database. */
  options: PgDumpOptions
}

/** A server that gets the globals. */
export interface ClusterTarget extends RestoreTarget {
  kind: 'postgres-cluster'
  connection: PostgresConnection
}

/** Throws `USAGE`. */
export function chooseCluster(settings: ClusterSettings, read: SettingReaders): ClusterChoice {
  const {
    postgres_cluster: url = '',
    exclude_database = [],
    role_passwords: rolePasswords = false,
  } = settings
  const excludeDatabases = exclude_database.map(text => {
    const pattern = namePattern(text)
    if (pattern !== undefined) return pattern
    throw new BackupError(`The pattern ${JSON.stringify(text)} for databases cannot be read`, {
      code: 'USAGE',
      hint: 'Write a name, with * and ? as for files; put a name with capital letters or dots in double quotes.',
    })
  })
  const { options } = choosePostgres({ ...settings, postgres: url }, read)
  return { kind: 'postgres-cluster', url, excludeDatabases, rolePasswords, options }
}
