import { migrate, openDatabase } from '@telegram-backup/database'
import { CompiledQuery } from 'kysely'
import { type CatalogServer, query, type Row, urlOf } from '#torture/world/catalog-server.ts'

/** A catalog of one world: a database on the harness's server, or the embedded one of a state folder. */
export interface Catalog {
  readonly kind: 'url' | 'embedded'
  /** State folder of whoever works on it. */
  readonly home: string
  rows(sql: string): Promise<Row[]>
  /** The catalog's address by way of a proxy's port; nothing for an embedded one. */
  environment(port?: number): Record<string, string>
  discard(): Promise<void>
}

/** A new, migrated catalog on the server. */
export async function catalogByUrl(server: CatalogServer, home: string): Promise<Catalog> {
  const name = await server.createCatalog()
  return {
    kind: 'url',
    home,
    rows: sql => query(server.port, name, sql),
    environment: (port = server.port) => ({ DATABASE_URL: urlOf(port, name) }),
    discard: () => server.dropCatalog(name),
  }
}

/** The embedded catalog of a state folder; made by the first command that uses it. */
export function embeddedCatalog(home: string): Catalog {
  return {
    kind: 'embedded',
    home,
    rows: async sql => {
      const database = await openDatabase({ dataDir: home })
      try {
        // The harness may be the first who asks.
        await migrate(database)
        return (await database.kysely.executeQuery<Row>(CompiledQuery.raw(sql))).rows
      } finally {
        await database.close()
      }
    },
    environment: () => ({}),
    discard: async () => {},
  }
}
