import { sqlRunner } from '@telegram-backup/database'
import { type PostgresServer, startPostgresServer } from '#servers/postgres-server.ts'
import { openTestCatalog } from '#vault.ts'

/** A PostgreSQL server with a URL, from the programs of the embedded server: it needs only npm. */
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
