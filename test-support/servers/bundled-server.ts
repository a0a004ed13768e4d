import { sqlRunner } from '@telegram-backup/database'
import { type PostgresServer, startPostgresServer } from '#servers/postgres-server.ts'
import { openTestCatalog } from '#vault.ts'

/**
 * A PostgreSQL that is reached by a URL; its programs are those of the embedded server, so that npm is
 * enough.
 */
export async function startBundledServer(): Promise<PostgresServer> {
  const catalog = await openTestCatalog()
  try {
    const { rows } = await sqlRunner(catalog).executeSql(
      "select setting from pg_config where name = 'BINDIR'",
    )
    const server = await startPostgresServer(String(rows[0]?.['setting']))
    // The programs lie in the catalog's folder.
    return { ...server, stop: () => server.stop().finally(catalog.discard) }
  } catch (error) {
    await catalog.discard()
    throw error
  }
}
