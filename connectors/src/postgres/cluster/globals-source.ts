import { BackupError } from '@telegram-backup/errors'
import type { BackupSource, SourceFacts } from 'telegram-deployment-bot'
import { choosePgDump, findClientPrograms, newestClientProgram } from '#postgres/client-programs.ts'
import { GLOBALS_RECORD } from '#postgres/cluster/globals.ts'
import type { ClusterChoice } from '#postgres/cluster-settings.ts'
import { type PostgresConnection, parsePostgresUrl, withoutPassword } from '#postgres/connection.ts'
import { assertGoodDump } from '#postgres/dump/dump-end.ts'
import { PgDumpWords } from '#postgres/dump/pg-dump-words.ts'
import { queryJson } from '#postgres/psql.ts'
import { refuseSharedSessions } from '#postgres/shared-sessions.ts'
import { startChild } from '#programs/child-output.ts'

const FACTS = `
select pg_catalog.jsonb_build_object(
  'server_version', pg_catalog.current_setting('server_version'),
  'server_version_num', pg_catalog.current_setting('server_version_num')::pg_catalog.int4,
  'database', pg_catalog.current_database(),
  'globals', ${GLOBALS_RECORD})`

/** As for the settings of a database: everybody's list of backups reads the record. */
const MOST_CHARACTERS = 256 * 1024

/**
 * Starts pg_dumpall for the roles and tablespaces of a cluster. Throws `CONFIGURATION` without a pg_dumpall
 * that is new enough and behind a pooler in transaction mode, `SOURCE`, and what `queryJson` throws; later
 * failures make `finish` throw `SOURCE`.
 */
export async function openGlobals(
  { url, rolePasswords }: ClusterChoice,
  signal: AbortSignal | undefined,
): Promise<BackupSource> {
  const connection = parsePostgresUrl(url)
  const startedAt = new Date()
  const psql = (await newestClientProgram('psql', signal)).path
  await refuseSharedSessions(connection, { psql, signal })
  const known = (await queryJson(connection, FACTS, { psql, signal })) as SourceFacts
  if (typeof known !== 'object' || known === null) {
    throw new BackupError('The server gave no facts about its roles', { code: 'SOURCE' })
  }
  const serverMajor = Math.floor(Number(known['server_version_num']) / 10_000)
  const program = choosePgDump(await findClientPrograms('pg_dumpall', signal), serverMajor, 'pg_dumpall')
  const words = new PgDumpWords()
  const options = ['--globals-only', '--encoding=UTF8', ...(rolePasswords ? [] : ['--no-role-passwords'])]
  const child = await startChild({
    program: program.path,
    args: [...options, '--no-password', ...connectionOptions(connection, String(known['database']))],
    env: connection.environment,
    encoding: 'utf8',
    onErrorLine: line => words.hear(withoutPassword(line, connection)),
  })
  const isTooLong = JSON.stringify(known['globals']).length > MOST_CHARACTERS
  return {
    archiveSource: { fd: child.fd },
    filename: 'globals.sql',
    sizeBytes: undefined,
    facts: {
      kind: 'postgres-cluster',
      host: connection.host,
      server_version: known['server_version'] ?? null,
      server_version_num: known['server_version_num'] ?? null,
      ...(isTooLong ? {} : { globals: known['globals'] ?? null }),
      role_passwords: rolePasswords,
      pg_dumpall_version: program.version,
      options,
      started_at: startedAt.toISOString(),
    },
    finish: async plainBytesRead => {
      const end = await child.ended
      assertGoodDump(end, { program: 'pg_dumpall', words, plainBytesRead, hintFor })
      const facts: SourceFacts = { ended_at: new Date().toISOString() }
      return { facts: words.warnings.length > 0 ? { ...facts, warnings: words.warnings } : facts }
    },
    close: () => child.close(),
  }
}

/**
 * pg_dumpall ignores the database in a URL. It reads `--database` as a connection string if it looks like
 * one, which any name may: as a URL, the name is a name.
 */
function connectionOptions({ uri }: PostgresConnection, database: string): string[] {
  return [`--database=postgresql:///${encodeURIComponent(database)}`, `--dbname=${uri}`]
}

function hintFor(error: string): string {
  if (/permission denied/.test(error)) {
    return 'Only a superuser may read the hashes of passwords: leave role_passwords out, or use a superuser.'
  }
  return 'The messages that were already sent are deleted. Fix the cause and send again.'
}
