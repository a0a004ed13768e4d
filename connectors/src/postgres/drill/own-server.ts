import type { Scratch, ScratchPostgres } from '#drilling.ts'
import { type PostgresConnection, parsePostgresUrl } from '#postgres/connection.ts'
import type { RestrictedRoles } from '#postgres/drill/restricted-restore.ts'
import type { RecordedBackup } from '#recorded-backup.ts'

/** A temporary server, with its three logins. The superuser has to make the other two roles. */
export interface OwnServer extends RestrictedRoles {
  superuser: PostgresConnection
  /** Whether the kernel confines it to its own folder. */
  isConfined: boolean
}

export async function onOwnServer<Result>(
  scratch: Scratch,
  place: { sizeBytes: number; signal: AbortSignal },
  use: (server: OwnServer) => Promise<Result>,
): Promise<Result> {
  return await scratch.postgres(place, async server => {
    const { restorer, reader } = server
    return await use({
      superuser: connectionTo(server, server.superuser),
      restorer: connectionTo(server, restorer),
      reader: connectionTo(server, reader),
      roles: { restorer, reader },
      isConfined: server.isConfined,
    })
  })
}

export function databaseSizeOf({ source, size }: Pick<RecordedBackup, 'source' | 'size'>): number {
  return Math.max(Number(source?.['database_size'] ?? 0), size)
}

/** Without the user's `PG…` variables: PGHOSTADDR would lead to another server. */
function connectionTo({ host, port }: ScratchPostgres, user: string): PostgresConnection {
  const connection = parsePostgresUrl(
    `postgresql://${user}@/postgres?host=${encodeURIComponent(host)}&port=${port}&sslmode=disable`,
  )
  const environment = Object.fromEntries(
    Object.entries(connection.environment).filter(
      ([name]) => !name.startsWith('PG') || name === 'PGCONNECT_TIMEOUT',
    ),
  )
  return { ...connection, environment, host: 'a server of its own', display: 'a server of its own' }
}
