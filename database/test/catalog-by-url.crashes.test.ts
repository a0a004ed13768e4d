import { afterAll, beforeAll } from 'vitest'
import { openDatabase } from '#index.ts'
import { describeCatalog } from '#test/catalog-suite.ts'
import { bundledPrograms, type PostgresServer, startPostgresServer } from '#test/postgres-server.ts'

let server: PostgresServer
let url: string
beforeAll(async () => {
  server = await startPostgresServer(bundledPrograms)
  url = await server.newDatabase()
})
afterAll(() => server.stop())

describeCatalog(() => openDatabase({ url }))
