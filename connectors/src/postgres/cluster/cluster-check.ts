import { BackupError } from '@telegram-backup/errors'
import type { BackupType } from 'telegram-deployment-bot'
import type { Finding } from '#finding.ts'
import { choosePgDump, findClientPrograms } from '#postgres/client-programs.ts'
import { listCluster } from '#postgres/cluster/cluster-members.ts'
import type { ClusterChoice } from '#postgres/cluster-settings.ts'
import { parsePostgresUrl } from '#postgres/connection.ts'
import { checkDatabase } from '#postgres/dump/source-check.ts'
import { queryJson } from '#postgres/psql.ts'
import type { PostgresChoice } from '#postgres/settings.ts'

const LOOK = `
select pg_catalog.jsonb_build_object(
  'version', pg_catalog.current_setting('server_version_num')::pg_catalog.int4,
  'user', current_user,
  'isSuperuser', rolsuper)
from pg_catalog.pg_roles where rolname = current_user`

/** Throws why the globals or one of the databases could not be dumped now. */
export async function checkCluster(
  choice: ClusterChoice,
  of: { type: BackupType; signal: AbortSignal },
): Promise<Finding> {
  const { signal } = of
  const connection = parsePostgresUrl(choice.url)
  const members = await listCluster(choice, signal)
  const { version, user, isSuperuser } = (await queryJson(connection, LOOK, { signal })) as {
    version: number
    user: string
    isSuperuser: boolean
  }
  choosePgDump(await findClientPrograms('pg_dumpall', signal), Math.floor(version / 10_000), 'pg_dumpall')
  if (choice.rolePasswords && !isSuperuser) {
    throw new BackupError(`${user} may not read the hashes of passwords: only a superuser may`, {
      code: 'CONFIGURATION',
      hint: 'Leave role_passwords out, and set the passwords of roles again after a restore; or use a superuser.',
    })
  }
  let warning: string | undefined
  for (const { choice: member } of members) {
    if (member.kind !== 'postgres') continue
    warning = (await checkDatabase(member as PostgresChoice, of)).warning
  }
  return { message: `the globals and ${members.length - 1} databases of ${connection.display}`, warning }
}
