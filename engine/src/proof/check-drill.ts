import { findTar } from '@telegram-backup/connectors/directory/tar-program.ts'
import { assertMayMakeDevices } from '@telegram-backup/connectors/directory/unpack/making-devices.ts'
import { newestClientProgram } from '@telegram-backup/connectors/postgres/client-programs.ts'
import type { PostgresConnection } from '@telegram-backup/connectors/postgres/connection.ts'
import { planRehearsal } from '@telegram-backup/connectors/postgres/restore/rehearse-database.ts'
import type { BackupDetails } from '@telegram-backup/database'
import { databaseSizeOf } from '#proof/drill-database.ts'
import { inOwnFolder, onOwnServer } from '#proof/own-server.ts'
import { assertNeedsNoSuperuser } from '#proof/trusted-dump.ts'
import { holdsDirectory } from '#restore/restore-target.ts'

/** What is to be drilled, and where. */
export interface DrillPlace {
  /** For databases: a server on which one is made and dropped; undefined: a server of its own. */
  on: PostgresConnection | undefined
  /** Make roles that it lacks. */
  createRoles: boolean
  /** On a server of one's own, run what is in the dump as its superuser. */
  trustDump: boolean
  stateFolder: string
  signal: AbortSignal
}

/**
 * Whether a backup can be drilled there, as far as that is known before its bytes are read: programs, room, and for a database the server,
 * with its version, rights, roles and extensions. A server of its own is started for it. Leaves nothing. Throws what the drill would.
 */
export async function checkDrill(backup: BackupDetails, place: DrillPlace): Promise<void> {
  const { on, createRoles, trustDump, stateFolder, signal } = place
  if (holdsDirectory(backup)) {
    assertMayMakeDevices(backup)
    await findTar(signal)
    await inOwnFolder({ stateFolder, sizeBytes: backup.size }, async () => {})
    return
  }
  // Whether a file is a dump its first bytes tell; what they are not needs no room.
  if (backup.source?.['kind'] !== 'postgres') return
  if (backup.source['format'] === 'custom') await newestClientProgram('pg_restore', signal)
  if (on !== undefined) {
    await planRehearsal({ backup, connection: on, createRoles, signal })
    return
  }
  if (!trustDump) assertNeedsNoSuperuser(backup.source)
  await onOwnServer({ stateFolder, sizeBytes: databaseSizeOf(backup), signal }, async ({ superuser }) => {
    await planRehearsal({ backup, connection: superuser, createRoles: true, signal })
  })
}

/** Whether databases can be made on that server at all. Changes nothing. Throws `UNREACHABLE`, `CONFIGURATION`, `CANCELLED`. */
export async function checkServer(connection: PostgresConnection, signal: AbortSignal): Promise<void> {
  await planRehearsal({
    backup: { source: { kind: 'postgres' }, size: 0 },
    connection,
    createRoles: false,
    signal,
  })
}
