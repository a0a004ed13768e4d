import { BackupError } from '@telegram-backup/errors'
import type { GroupMember } from '#connector.ts'
import { newestClientProgram } from '#postgres/client-programs.ts'
import type { ClusterChoice, ClusterTarget } from '#postgres/cluster-settings.ts'
import { atDatabase, type PostgresTarget, parsePostgresUrl, urlAtDatabase } from '#postgres/connection.ts'
import { queryJson } from '#postgres/psql.ts'
import type { PostgresChoice } from '#postgres/settings.ts'
import { refuseSharedSessions } from '#postgres/shared-sessions.ts'
import type { RestoreTarget } from '#restoring.ts'

/** The member that holds roles and tablespaces. No database is confused with it, whatever its name. */
export const GLOBALS = 'globals'
const DATABASE = 'database:'

/** A limit of -2 marks a database whose DROP was interrupted: nobody can connect to it. */
const DATABASES = `
select coalesce(pg_catalog.jsonb_agg(datname order by datname), '[]') from pg_catalog.pg_database
where datallowconn and not datistemplate and datconnlimit <> -2`

/** NAMEDATALEN of a server that was built with longer names; `member` has room for it. */
const LONGEST_NAME = 240

/**
 * The globals, and each database that may be connected to. Throws `CONFIGURATION` behind a pooler in
 * transaction mode, `SOURCE` for a list that no PostgreSQL gives, and what `queryJson` throws.
 */
export async function listCluster(choice: ClusterChoice, signal: AbortSignal): Promise<GroupMember[]> {
  const { url, excludeDatabases, options } = choice
  const connection = parsePostgresUrl(url)
  const psql = (await newestClientProgram('psql', signal)).path
  await refuseSharedSessions(connection, { psql, signal })
  const names = await queryJson(connection, DATABASES, { psql, signal })
  if (!Array.isArray(names) || !names.every(isName)) {
    throw new BackupError('The server gave no list of its databases', { code: 'SOURCE' })
  }
  const wanted = names.filter(name => !excludeDatabases.some(pattern => pattern.test(name)))
  return [
    { name: GLOBALS, choice },
    ...wanted.map((name): GroupMember & { choice: PostgresChoice } => ({
      name: `${DATABASE}${name}`,
      choice: { kind: 'postgres', url: urlAtDatabase(url, name), options },
    })),
  ]
}

/** A hostile server may answer anything. */
function isName(name: unknown): name is string {
  return (
    typeof name === 'string' &&
    name !== '' &&
    name.length <= LONGEST_NAME &&
    name.isWellFormed() &&
    !name.includes('\0')
  )
}

/** Undefined for a target that is no PostgreSQL server, and a name that no member has. */
export function targetOfMember(member: string, server: RestoreTarget): RestoreTarget | undefined {
  if (server.kind !== 'postgres') return undefined
  const { connection } = server as PostgresTarget
  if (member === GLOBALS) {
    const target: ClusterTarget = { kind: 'postgres-cluster', connection }
    return target
  }
  if (!member.startsWith(DATABASE) || !isName(member.slice(DATABASE.length))) return undefined
  const target: PostgresTarget = {
    kind: 'postgres',
    connection: atDatabase(connection, member.slice(DATABASE.length)),
  }
  return target
}
