import { type PostgresConnection, parsePostgresUrl } from '@telegram-backup/connectors/postgres/connection.ts'
import {
  CatalogError,
  makeScratchFolder,
  type ScratchFolder,
  type ScratchServer,
  startScratchServer,
} from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'

/** Where drills have what they make. */
interface Place {
  stateFolder: string
  /** What has to fit there. */
  sizeBytes: number
  signal: AbortSignal
}

/** A server for a drill: one and the same, as three who log in. */
export interface OwnServer {
  superuser: PostgresConnection
  /** The roles that these two log in as have to be made by the superuser. */
  restorer: PostgresConnection
  reader: PostgresConnection
  roles: Pick<ScratchServer, 'restorer' | 'reader'>
  /** Whether the kernel keeps it from all but its own folder. */
  isConfined: boolean
}

/** Gives a folder for a drill, which goes again. Throws `DISK_FULL`, `CONFIGURATION` and what `use` throws. */
export async function inOwnFolder<Result>(
  { stateFolder, sizeBytes }: Omit<Place, 'signal'>,
  use: (folder: ScratchFolder) => Promise<Result>,
): Promise<Result> {
  const folder = await makeScratchFolder(stateFolder, sizeBytes).catch((error: unknown) => {
    throw notOfTheCatalog(error, 'DISK_FULL')
  })
  try {
    return await use(folder)
  } finally {
    await folder.discard()
  }
}

/** Starts a server for a drill, which goes again. Throws what {@link inOwnFolder} throws, and `POSTGRES` when it does not start. */
export async function onOwnServer<Result>(
  place: Place,
  use: (server: OwnServer) => Promise<Result>,
): Promise<Result> {
  return await inOwnFolder(place, async folder => {
    const server = await startScratchServer(folder, place.signal).catch((error: unknown) => {
      if (place.signal.aborted) throw new BackupError('Cancelled', { code: 'CANCELLED' })
      throw notOfTheCatalog(error, 'POSTGRES')
    })
    try {
      return await use({
        superuser: connectionTo(server, server.superuser),
        restorer: connectionTo(server, server.restorer),
        reader: connectionTo(server, server.reader),
        roles: server,
        isConfined: server.isConfined,
      })
    } finally {
      await server.stop()
    }
  })
}

/** It is the drill's server or disk that fails, and the catalog goes on. */
function notOfTheCatalog(error: unknown, code: 'DISK_FULL' | 'POSTGRES'): unknown {
  if (!(error instanceof CatalogError) || error.code !== 'CATALOG') return error
  const { message, hint } = error
  return new BackupError(message, { code, cause: error, ...(hint === undefined ? {} : { hint }) })
}

/** Nothing of the user's own `PG…` variables: with PGHOSTADDR, it would be another server. */
function connectionTo({ host, port }: ScratchServer, user: string): PostgresConnection {
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
