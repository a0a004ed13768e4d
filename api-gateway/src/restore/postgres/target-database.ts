import { BackupError, describeError } from '#lib/backups/backup-error.ts'
import { atDatabase, type PostgresConnection } from '#postgres/connection.ts'
import { DATABASE_PROPERTIES } from '#postgres/database-properties-query.ts'
import { queryJson } from '#postgres/psql.ts'
import type { DatabaseProperties } from '#restore/postgres/database-properties.ts'

/** The server that a restore goes to. */
interface TargetServer {
  /** A database of it that is always there; CREATE DATABASE is sent to it. */
  maintenance: PostgresConnection
  /** For example 150004. */
  versionNumber: number
  user: string
  isSuperuser: boolean
  canCreateDatabases: boolean
  canCreateRoles: boolean
  isStandby: boolean
  roles: string[]
  /** Where it keeps its data; null when we may not know. */
  dataDirectory: string | null
  /** Databases that an earlier restore into this name left behind, with whether anybody uses them. */
  leftovers: Array<{ name: string; inUse: boolean }>
}

/** The database that is to be restored, as it is now. */
interface ExistingDatabase extends DatabaseProperties {
  oid: number
  /** Bytes on disk. */
  sizeBytes: number
  sessions: number
  /** Whether we may rename and drop it. */
  isOurs: boolean
  /** New databases are copies of it. */
  isTemplate: boolean
  /** What it holds, for people; empty when it is as good as new. */
  contents: string[]
}

/** A server and the database of that name; undefined when there is none. */
export interface Target {
  name: string
  server: TargetServer
  database: ExistingDatabase | undefined
}

const SERVER = `
select jsonb_build_object(
  'versionNumber', current_setting('server_version_num')::int,
  'user', current_user,
  'isSuperuser', rolsuper,
  'canCreateDatabases', rolsuper or rolcreatedb,
  'canCreateRoles', rolsuper or rolcreaterole,
  'isStandby', pg_is_in_recovery(),
  'roles', (select jsonb_agg(rolname) from pg_catalog.pg_roles),
  'dataDirectory', case when pg_has_role('pg_read_all_settings', 'usage') then current_setting('data_directory') end,
  'leftovers', (
    select coalesce(jsonb_agg(jsonb_build_object('name', datname, 'inUse', exists (
      select from pg_catalog.pg_stat_activity a
      where a.datid = d.oid or a.application_name in
        ('telegram-backup restore ' || right(datname, 8), 'telegram-backup beside ' || right(datname, 8))
    )) order by datname), '[]')
    from pg_catalog.pg_database d
    where left(datname, length(:'stem')) = :'stem' and substr(datname, length(:'stem') + 1) ~ '^_(restoring|before)_[0-9a-f]{8}$'
      and pg_catalog.pg_has_role(datdba, 'usage')
  )
) from pg_catalog.pg_roles where rolname = current_user
`

const DATABASE = `
with here as (
  select d.*, to_jsonb(d) as row from pg_catalog.pg_database d where d.datname = current_database()
), own as (
  select oid, nspname from pg_catalog.pg_namespace
  where nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and nspname !~ '^pg_(toast_)?temp_'
), counts (number, one, many) as (
  values
    ((select count(*) from pg_catalog.pg_class where relnamespace in (select oid from own) and relkind in ('r', 'p', 'f')), 'table', 'tables'),
    ((select count(*) from pg_catalog.pg_class where relnamespace in (select oid from own) and relkind in ('v', 'm', 'S')), 'view or sequence', 'views and sequences'),
    ((select count(*) from pg_catalog.pg_proc where pronamespace in (select oid from own)), 'function', 'functions'),
    ((select count(*) from pg_catalog.pg_type where typnamespace in (select oid from own) and typtype in ('d', 'e', 'r')), 'type', 'types'),
    ((select count(*) from own where nspname <> 'public'), 'schema', 'schemas'),
    ((select count(*) from pg_catalog.pg_extension where extname <> 'plpgsql'), 'extension', 'extensions'),
    ((select count(*) from pg_catalog.pg_largeobject_metadata), 'large object', 'large objects'),
    ((select count(*) from pg_catalog.pg_event_trigger), 'event trigger', 'event triggers'),
    ((select count(*) from pg_catalog.pg_publication), 'publication', 'publications'),
    ((select count(*) from pg_catalog.pg_foreign_data_wrapper), 'foreign data wrapper', 'foreign data wrappers')
)
select jsonb_build_object(
  'oid', oid::bigint,
${DATABASE_PROPERTIES},
  'sizeBytes', pg_catalog.pg_database_size(here.oid),
  'sessions', (select count(*) from pg_catalog.pg_stat_activity where datid = here.oid and pid <> pg_backend_pid()),
  'isOurs', pg_catalog.pg_has_role(datdba, 'usage'),
  'isTemplate', datistemplate,
  'contents', (select coalesce(jsonb_agg(number || ' ' || case number when 1 then one else many end), '[]') from counts where number > 0)
) from here
`

/** Databases that nearly every server has. */
const MAINTENANCE_DATABASES: readonly string[] = ['postgres', 'template1']
const NO_SUCH_DATABASE = /database "[\s\S]*" does not exist/

/**
 * Looks at the target without changing anything. `stem` is what the names of databases beside it begin with. Throws
 * `USAGE` for a URL without a database, and what {@link queryJson} throws.
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
  const database = (await queryJson(connection, DATABASE, { psql, signal }).catch((error: unknown) => {
    if (NO_SUCH_DATABASE.test(describeError(error).message)) return undefined
    throw error
  })) as ExistingDatabase | undefined
  let failure: unknown
  for (const other of MAINTENANCE_DATABASES.filter(candidate => candidate !== name)) {
    const maintenance = atDatabase(connection, other)
    try {
      const server = await queryJson(maintenance, SERVER, { psql, signal, variables: { stem } })
      return { name, database, server: { ...(server as Omit<TargetServer, 'maintenance'>), maintenance } }
    } catch (error) {
      failure = error
    }
  }
  throw failure
}
