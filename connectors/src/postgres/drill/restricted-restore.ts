import { atDatabase, type PostgresConnection } from '#postgres/connection.ts'
import { linesIn } from '#postgres/lines/lines-record.ts'
import { queryJson } from '#postgres/psql.ts'
import type { DatabasePlan } from '#postgres/restore/database-plan.ts'
import type { DatabaseProperties } from '#postgres/restore/database-properties.ts'
import { quoteName } from '#postgres/sql-text.ts'
import type { RecordedBackup } from '#recorded-backup.ts'

/** Roles of a temporary server with no rights but to restore, and to read the result. */
export interface RestrictedRoles {
  /** Their logins; the roles need not exist yet. */
  restorer: PostgresConnection
  reader: PostgresConnection
  roles: { restorer: string; reader: string }
}

/** No rights outside of its database. It sees rows that a policy of the dump hides. */
const WITHOUT_RIGHTS = 'NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION BYPASSRLS'

/**
 * Makes, as the superuser, the two roles and each role that the dump names, all without rights except over
 * one another's objects. The returned plan has no roles left to make. To be called before the restore. Throws
 * `POSTGRES`.
 */
export async function makeRestrictedRoles(
  plan: DatabasePlan,
  of: { backup: Pick<RecordedBackup, 'source'>; as: RestrictedRoles; signal: AbortSignal },
): Promise<DatabasePlan> {
  const { restorer, reader } = of.as.roles
  const roles = rolesOfDump(plan, of.backup)
  const statements = [
    ...[restorer, reader].map(role => `CREATE ROLE ${quoteName(role)} LOGIN ${WITHOUT_RIGHTS}`),
    `GRANT pg_read_all_data TO ${quoteName(reader)}`,
    // That role reads no large objects of others; only a superuser can make this setting.
    `ALTER ROLE ${quoteName(reader)} SET lo_compat_privileges = on`,
    ...roles.flatMap(role => [
      `CREATE ROLE ${quoteName(role)} NOLOGIN ${WITHOUT_RIGHTS}`,
      `GRANT ${quoteName(role)} TO ${quoteName(restorer)}`,
    ]),
    // Settings that only a superuser may make can point to files and libraries.
    `SELECT pg_catalog.jsonb_agg(name) FROM pg_catalog.pg_settings WHERE context = 'user' AND name !~ '_preload_libraries$'`,
  ]
  const options = { psql: plan.psql.path, signal: of.signal }
  const settable = await queryJson(plan.target.server.maintenance, statements.join(';\n'), options)
  const like = plan.like && withHarmlessSettings(plan.like, { restorer, settable: settable as string[] })
  return { ...plan, newRoles: [], like }
}

/** For a trusted dump: makes each of its roles a superuser, since some objects need one. */
export async function makeSuperusers(
  plan: DatabasePlan,
  of: { backup: Pick<RecordedBackup, 'source'>; signal: AbortSignal },
): Promise<DatabasePlan> {
  const statements = rolesOfDump(plan, of.backup).map(
    role => `CREATE ROLE ${quoteName(role)} NOLOGIN SUPERUSER`,
  )
  await queryJson(plan.target.server.maintenance, statements.join(';\n'), {
    ...{ psql: plan.psql.path, signal: of.signal },
  })
  return { ...plan, newRoles: [] }
}

/** Gives the new database to the restorer, and lets each role of the dump own objects in it. */
export async function openToRestorer(
  plan: DatabasePlan,
  of: { database: PostgresConnection; as: RestrictedRoles; signal: AbortSignal },
): Promise<void> {
  const name = quoteName(of.database.database ?? '')
  const restorer = quoteName(of.as.roles.restorer)
  const statements = [
    // The database has the settings of its source already.
    'SET LOCAL statement_timeout = 0',
    `ALTER DATABASE ${name} OWNER TO ${restorer}`,
    `GRANT CREATE ON DATABASE ${name} TO PUBLIC`,
    'GRANT CREATE ON SCHEMA public TO PUBLIC',
    `ALTER DEFAULT PRIVILEGES FOR ROLE ${restorer} GRANT CREATE ON SCHEMAS TO PUBLIC`,
    // Dumps of upgraded servers comment on plpgsql, which only its owner may.
    `UPDATE pg_catalog.pg_extension SET extowner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = :'restorer')`,
  ]
  await queryJson(of.database, statements.join(';\n'), {
    psql: plan.psql.path,
    signal: of.signal,
    mode: 'read write',
    variables: { restorer: of.as.roles.restorer },
  })
}

export function restrictedAt(
  { restorer, reader }: RestrictedRoles,
  database: PostgresConnection,
): { restorer: PostgresConnection; reader: PostgresConnection } {
  const name = database.database ?? ''
  return { restorer: atDatabase(restorer, name), reader: atDatabase(reader, name) }
}

function withHarmlessSettings(
  like: DatabaseProperties,
  { restorer, settable }: { restorer: string; settable: readonly string[] },
): DatabaseProperties {
  const names = new Set(settable)
  const settings = like.settings.filter(({ name }) => name.includes('.') || names.has(name.toLowerCase()))
  return { ...like, settings, owner: restorer, database_acl: null }
}

/** The source's first superuser may own objects without being among the recorded owners. */
function rolesOfDump(plan: DatabasePlan, { source }: Pick<RecordedBackup, 'source'>): string[] {
  const first = source?.['bootstrap_superuser']
  const isName = typeof first === 'string' && !first.startsWith('pg_')
  const ofLines = linesIn(source)?.roles.filter(name => !name.startsWith('pg_')) ?? []
  const names = new Set([...plan.newRoles, 'postgres', ...(isName ? [first] : []), ...ofLines])
  return [...names].filter(name => !plan.target.server.roles.includes(name))
}
