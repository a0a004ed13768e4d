import type { Scratch, ScratchPostgres } from '#drilling.ts'
import { type PostgresConnection, parsePostgresUrl } from '#postgres/connection.ts'
import type { RestrictedRoles } from '#postgres/drill/restricted-restore.ts'
import type { RecordedBackup } from '#recorded-backup.ts'

/** A server for a drill: the same one for three who log in. The superuser has to make the roles of the other two. */
export interface OwnServer extends RestrictedRoles {
  superuser: PostgresConnection
  /** Whether the kernel keeps it from all but its own folder. */
  isConfined: boolean
}

/** Gives a server for a drill, which goes again. Throws what {@link Scratch} throws. */
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

/** So many bytes a restored database takes, as far as anybody knows. */
export function databaseSizeOf({ source, size }: Pick<RecordedBackup, 'source' | 'size'>): number {
  return Math.max(Number(source?.['database_size'] ?? 0), size)
}

/** Nothing of the user's own `PG…` variables: with PGHOSTADDR, it would be another server. */
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
