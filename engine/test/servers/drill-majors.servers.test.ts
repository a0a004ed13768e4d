import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parsePostgresUrl } from '@telegram-backup/connectors/postgres/connection.ts'
import { drillDatabase } from '@telegram-backup/connectors/postgres/drill/drill-database.ts'
import type { PgDumpOptions } from '@telegram-backup/connectors/postgres/dump/pg-dump-arguments.ts'
import { SourceSession } from '@telegram-backup/connectors/postgres/dump/source-session.ts'
import { copyServerPrograms, SERVER_MAJORS } from '@telegram-backup/test-support/servers/npm-server.ts'
import { dumpOf, startPostgresServer } from '@telegram-backup/test-support/servers/postgres-server.ts'
import { RICH_ROLES, richSchema } from '@telegram-backup/test-support/servers/rich-schema.ts'
import { expect, test } from 'vitest'
import { scratchIn } from '#proof/scratch.ts'

const OPTIONS: PgDumpOptions = {
  format: 'plain',
  proof: 'fast',
  lockTimeoutMs: 60_000,
  ...{ schemas: [], excludeSchemas: [], tables: [], excludeTables: [], excludeTableData: [] },
}

test.each(SERVER_MAJORS)(
  'a database of PostgreSQL %i is drilled without any rights, and what needs a superuser is known',
  async major => {
    const programs = await copyServerPrograms(major)
    const server = await startPostgresServer(programs.bin)
    const stateFolder = await mkdtemp(join(tmpdir(), 'drill-majors-'))
    const signal = new AbortController().signal
    const session = async (): Promise<SourceSession> =>
      await SourceSession.begin(parsePostgresUrl(server.url('rich')), signal)
    try {
      await server.sql('postgres', `${RICH_ROLES} create database rich`)
      await server.sql('rich', richSchema({ serverMajor: major, rows: 500 }))
      const first = await session()
      expect((await first.facts(OPTIONS)).superuser).toEqual({
        ...{ bootstrap_superuser: 'owner', needs_superuser: [{ kind: 'event trigger', name: 'watch' }] },
        c_libraries: [],
      })
      await first.close()
      await server.sql('rich', 'drop event trigger watch')
      const second = await session()
      const { facts, superuser } = await second.facts(OPTIONS)
      expect(superuser?.needs_superuser).toEqual([])
      const contents = await second.contents(OPTIONS, {
        ...{ dumpEnded: Promise.resolve(), partsSent: new Promise(() => {}) },
      })
      const dump = Buffer.from(await dumpOf(server.url('rich')))
      const drilled = await drillDatabase(
        {
          id: 'b',
          size: dump.length,
          source: { kind: 'postgres', ...facts, ...superuser, contents } as never,
        },
        {
          ...{ on: undefined, createRoles: false, trustDump: false },
          ...{ scratch: scratchIn(stateFolder), signal, members: async () => undefined },
          open: async function* () {
            yield dump
          },
        },
      )
      expect(drilled).toMatchObject({
        ...{ differences: [], depth: 'contents' },
        compared: { contents: 'equal in part', rows: expect.any(Number) },
      })
      expect(drilled.not_covered.map(({ table }) => table).sort()).toEqual([
        ...['app.customers', 'app.m1', 'app.m2', 'app.m3', 'app.remote'],
      ])
      expect(drilled.notes.join()).toMatch(/amcheck has checked \d+ B-tree indexes and \d+ tables .* sound/)
    } finally {
      await server.stop()
      await programs.remove()
      await rm(stateFolder, { recursive: true, force: true })
    }
  },
)
