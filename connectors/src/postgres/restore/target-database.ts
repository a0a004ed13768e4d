import { BackupError, describeError } from '@telegram-backup/errors'
import { atDatabase, type PostgresConnection } from '#postgres/connection.ts'
import { DATABASE_PROPERTIES } from '#postgres/database-properties-query.ts'
import { queryJson } from '#postgres/psql.ts'
import type { DatabaseProperties } from '#postgres/restore/database-properties.ts'
import { LOOKING, refuseSharedSessions } from '#postgres/shared-sessions.ts'

interface TargetServer {
  /** A database that always exists; CREATE DATABASE is sent to it. */
  maintenance: PostgresConnection
  versionNumber: number
  user: string
  isSuperuser: boolean
  canCreateDatabases: boolean
  canCreateRoles: boolean
  isStandby: boolean
  roles: string[]
  /** Null when we may not know. */
  dataDirectory: string | null
  /** Databases left by earlier restores into this name, and whether anybody uses them. */
  leftovers: Array<{ name: string; inUse: boolean }>
}

interface ExistingDatabase extends DatabaseProperties {
  oid: number
  sizeBytes: number
  sessions: number
  /** Whether we may rename and drop it. */
  isOurs: boolean
  /** New databases are copies of it. */
  isTemplate: boolean
  /** What it holds, for people; empty for a new database. */
  contents: string[]
}

/** `database` is undefined when it does not exist. */
export interface Target {
  name: string
  server: TargetServer
  database: ExistingDatabase | undefined
}

/** Sessions of a restore; the digits in its databases' names follow, so leftovers in use are known. */
export const RESTORE_SESSION = 'telegram-backup restore'
export const STAGING_SESSION = 'telegram-backup beside'

const SERVER = `
select pg_catalog.jsonb_build_object(
  'versionNumber', pg_catalog.current_setting('server_version_num')::int,
  'user', current_user,
  'isSuperuser', rolsuper,
  'canCreateDatabases', rolsuper or rolcreatedb,
  'canCreateRoles', rolsuper or rolcreaterole,
  'isStandby', pg_catalog.pg_is_in_recovery(),
  'roles', (select pg_catalog.jsonb_agg(rolname) from pg_catalog.pg_roles),
  'dataDirectory', case when pg_catalog.pg_has_role('pg_read_all_settings', 'usage') then pg_catalog.current_setting('data_directory') end,
  'leftovers', (
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', datname, 'inUse', exists (
      select from pg_catalog.pg_stat_activity a
      where a.datid = d.oid or a.application_name in
        ('${RESTORE_SESSION} ' || pg_catalog.right(datname, 8), '${STAGING_SESSION} ' || pg_catalog.right(datname, 8))
    )) order by datname), '[]')
    from pg_catalog.pg_database d
    where pg_catalog.left(datname, pg_catalog.length(:'stem')) = :'stem' and pg_catalog.substr(datname, pg_catalog.length(:'stem') + 1) ~ '^_(restoring|before)_[0-9a-f]{8}$'
      and pg_catalog.pg_has_role(datdba, 'usage')
  )
) from pg_catalog.pg_roles where rolname = current_user
`

const DATABASE = `
with here as (
  select d.*, pg_catalog.to_jsonb(d) as row from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()
), own as (
  select oid, nspname from pg_catalog.pg_namespace
  where nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and nspname !~ '^pg_(toast_)?temp_'
), counts (number, one, many) as (
  values
    ((select pg_catalog.count(*) from pg_catalog.pg_class where relnamespace in (select oid from own) and relkind in ('r', 'p', 'f')), 'table', 'tables'),
    ((select pg_catalog.count(*) from pg_catalog.pg_class where relnamespace in (select oid from own) and relkind in ('v', 'm', 'S')), 'view or sequence', 'views and sequences'),
    ((select pg_catalog.count(*) from pg_catalog.pg_proc where pronamespace in (select oid from own)), 'function', 'functions'),
    ((select pg_catalog.count(*) from pg_catalog.pg_type where typnamespace in (select oid from own) and typtype in ('d', 'e', 'r')), 'type', 'types'),
    ((select pg_catalog.count(*) from own where nspname <> 'public'), 'schema', 'schemas'),
    ((select pg_catalog.count(*) from pg_catalog.pg_extension where extname <> 'plpgsql'), 'extension', 'extensions'),
    ((select pg_catalog.count(*) from pg_catalog.pg_largeobject_metadata), 'large object', 'large objects'),
    ((select pg_catalog.count(*) from pg_catalog.pg_event_trigger), 'event trigger', 'event triggers'),
    ((select pg_catalog.count(*) from pg_catalog.pg_publication), 'publication', 'publications'),
    ((select pg_catalog.count(*) from pg_catalog.pg_foreign_data_wrapper), 'foreign data wrapper', 'foreign data wrappers')
)
select pg_catalog.jsonb_build_object(
  'oid', oid::bigint,
${DATABASE_PROPERTIES},
  'sizeBytes', pg_catalog.pg_database_size(here.oid),
  'sessions', (select pg_catalog.count(*) from pg_catalog.pg_stat_activity
    where datid = here.oid and pid <> pg_catalog.pg_backend_pid() and application_name <> '${LOOKING}'),
  'isOurs', pg_catalog.pg_has_role(datdba, 'usage'),
  'isTemplate', datistemplate,
  'contents', (select coalesce(pg_catalog.jsonb_agg(number || ' ' || case number when 1 then one else many end), '[]') from counts where number > 0)
) from here
`

export const MAINTENANCE_DATABASES: readonly string[] = ['postgres', 'template1']
const NO_SUCH_DATABASE = /database "[\s\S]*" does not exist/

/**
 * Looks at the target; changes nothing. `stem`: beginning of the names of its staging databases. Throws
 * `USAGE` for a URL without a database, `CONFIGURATION` behind a pooler in transaction mode, and what {@link
 * queryJson} throws.
 */
export async function inspectTarget(
  connection: PostgresConnection,
  options: { psql: string; stem: string; signal: AbortSignal },
): Promise<Target> {
  const { psql, stem, signal } = options
  const name = connection.database
  if (name === undefined) {
    throw new BackupError('The URL names no database', {
      code: 'USAGE',
      hint: 'Write postgresql://USER@HOST:PORT/DATABASE.',
    })
  }
  const database = await inspectDatabase(connection, { psql, signal })
  let failure: unknown
  for (const other of MAINTENANCE_DATABASES.filter(candidate => candidate !== name)) {
    const maintenance = atDatabase(connection, other)
    try {
      await refuseSharedSessions(maintenance, { psql, signal })
      const server = await queryJson(maintenance, SERVER, { psql, signal, variables: { stem } })
      return { name, database, server: { ...(server as Omit<TargetServer, 'maintenance'>), maintenance } }
    } catch (error) {
      failure ??= error
    }
  }
  throw failure
}

async function inspectDatabase(
  connection: PostgresConnection,
  options: { psql: string; signal: AbortSignal },
): Promise<ExistingDatabase | undefined> {
  try {
    await refuseSharedSessions(connection, options)
    return (await queryJson(connection, DATABASE, options)) as ExistingDatabase
  } catch (error) {
    if (saysNoSuchDatabase(error)) return undefined
    throw error
  }
}

/** Whether we could log in, and the server has no such database. */
export function saysNoSuchDatabase(error: unknown): boolean {
  return NO_SUCH_DATABASE.test(describeError(error).message)
}
