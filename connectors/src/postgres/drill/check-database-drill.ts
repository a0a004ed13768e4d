import type { DrillPlace } from '#drilling.ts'
import { newestClientProgram } from '#postgres/client-programs.ts'
import type { PostgresConnection, PostgresTarget } from '#postgres/connection.ts'
import { databaseSizeOf, onOwnServer } from '#postgres/drill/own-server.ts'
import { planRehearsal } from '#postgres/drill/rehearse-database.ts'
import { assertNeedsNoSuperuser } from '#postgres/drill/trusted-dump.ts'
import type { RecordedBackup } from '#recorded-backup.ts'

/** Throws what a drill would, as far as that is known before the backup is read. Leaves nothing. */
export async function checkDatabaseDrill(
  backup: RecordedBackup,
  place: DrillPlace<PostgresTarget>,
): Promise<void> {
  const { on, createRoles, trustDump, scratch, signal } = place
  if (backup.source?.['format'] === 'custom') await newestClientProgram('pg_restore', signal)
  if (on !== undefined) {
    await planRehearsal({ backup, connection: on.connection, createRoles, signal })
    return
  }
  if (!trustDump) assertNeedsNoSuperuser(backup.source)
  await onOwnServer(scratch, { sizeBytes: databaseSizeOf(backup), signal }, async ({ superuser }) => {
    await planRehearsal({ backup, connection: superuser, createRoles: true, signal })
  })
}

/** Throws `UNREACHABLE`, `CONFIGURATION` for a server without a right to make databases. Changes nothing. */
export async function checkDrillServer(connection: PostgresConnection, signal: AbortSignal): Promise<void> {
  await planRehearsal({
    backup: { source: { kind: 'postgres' }, size: 0 },
    ...{ connection, createRoles: false, signal },
  })
}
