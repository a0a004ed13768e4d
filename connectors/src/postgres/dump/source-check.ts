import { BackupError } from '@telegram-backup/errors'
import type { BackupType } from 'telegram-deployment-bot'
import { type Finding, oddType } from '#finding.ts'
import { choosePgDump, findClientPrograms, newestClientProgram } from '#postgres/client-programs.ts'
import { parsePostgresUrl } from '#postgres/connection.ts'
import { queryJson } from '#postgres/psql.ts'
import type { PostgresChoice } from '#postgres/settings.ts'
import { refuseSharedSessions } from '#postgres/shared-sessions.ts'
import { readSelection } from '#postgres/table-patterns.ts'

/** Tables and sequences that the role may not fully read. */
const LOOK = `
select pg_catalog.jsonb_build_object(
  'version', pg_catalog.current_setting('server_version_num')::pg_catalog.int4,
  'user', current_user,
  'closed', (
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(nspname, relname)), '[]')
    from pg_catalog.pg_class class join pg_catalog.pg_namespace namespace on namespace.oid = relnamespace
    where relkind in ('r', 'p', 'S') and nspname !~ '^pg_' and nspname <> 'information_schema'
      and not exists (select from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = class.oid and d.deptype = 'e')
      and (not pg_catalog.has_schema_privilege(namespace.oid, 'USAGE')
        or not pg_catalog.has_table_privilege(class.oid, 'SELECT')
        or pg_catalog.row_security_active(class.oid))))`

interface Seen {
  version: number
  user: string
  closed: [schema: string, name: string][]
}

/** Throws why pg_dump could not dump now: a pooler, an old pg_dump, a missing right, no connection. */
export async function checkDatabase(
  { url, options }: PostgresChoice,
  { type, signal }: { type: BackupType; signal: AbortSignal },
): Promise<Finding> {
  const connection = parsePostgresUrl(url)
  const psql = (await newestClientProgram('psql', signal)).path
  await refuseSharedSessions(connection, { psql, signal })
  const { version, user, closed } = (await queryJson(connection, LOOK, { psql, signal })) as Seen
  const serverMajor = Math.floor(version / 10_000)
  const program = choosePgDump(await findClientPrograms('pg_dump', signal), serverMajor)
  const selection = readSelection(options)
  const lacking = closed.filter(([schema, name]) => {
    const isVisible = schema === 'public' || schema === user
    return selection?.isDumped({ schema, name, isVisible }) !== false
  })
  const [first, ...others] = lacking
  if (first !== undefined) {
    const example = `${first[0]}.${first[1]}`
    throw new BackupError(
      `${user} may not read all of ${connection.display}: ${example}${others.length === 0 ? '' : ` and ${others.length} more`}`,
      {
        code: 'CONFIGURATION',
        hint: `Let the user read everything that is dumped (GRANT pg_read_all_data TO ${user}; with row level security, ALTER ROLE ${user} BYPASSRLS), or leave the tables out with exclude_table.`,
      },
    )
  }
  return {
    message: `${connection.display}, PostgreSQL ${serverMajor}, by pg_dump ${program.version}`,
    warning: type === 'database' ? undefined : oddType(`it is a database, and its type is ${type}`),
  }
}
