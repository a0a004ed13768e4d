import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { newestClientProgram } from '#postgres/client-programs.ts'
import { parsePostgresUrl } from '#postgres/connection.ts'
import { SourceSession } from '#postgres/dump/source-session.ts'
import { readTablesAlone } from '#postgres/dump/tables-alone.ts'
import { PsqlSession } from '#postgres/psql-session.ts'
import type { DatabaseProperties } from '#postgres/restore/database-properties.ts'
import { StagingDatabase } from '#postgres/restore/staging-database.ts'
import { type Answer, startHostileServer } from '#test/postgres/hostile-server.ts'

// Who owns a whole server answers what he likes: no row of it may become a command of the psql that asks.

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hostile-server-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

const NOTHING = {
  schemas: [],
  excludeSchemas: [],
  tables: [],
  excludeTables: [],
  excludeTableData: [],
  lockTimeoutMs: 0,
  proof: 'count',
  format: 'plain',
} as const

/** Its last byte is the first one of a character in SJIS, and takes the quote behind it along. */
const HALF = 'Á'

/** An answer to the questions which session it is: each connection has its own. */
const sessionOf = (query: string, connection: number): Answer =>
  query.includes('pg_stat_activity') && query.includes('jsonb_build_array')
    ? [['answer', `[${connection}]`]]
    : undefined

async function makeStaging(
  answer: (query: string, connection: number) => Answer,
  { like, encoding = 'UTF8' }: { like?: DatabaseProperties; encoding?: string } = {},
): Promise<void> {
  const server = await startHostileServer(answer, { encoding })
  try {
    const staging = await StagingDatabase.create({
      target: {
        name: 'shop',
        database: undefined,
        server: {
          maintenance: parsePostgresUrl(server.url('postgres')),
          ...{ versionNumber: 170_006, user: 'owner', isSuperuser: false, canCreateDatabases: true },
          ...{ canCreateRoles: false, isStandby: false, roles: [], dataDirectory: null, leftovers: [] },
        },
      },
      psql: await newestClientProgram('psql'),
      ...{ staging: 'shop_restoring_00000000', before: 'shop_before_00000000', like },
      ...{ newRoles: [], keepOld: false, session: 'telegram-backup beside 00000000' },
    })
    await staging.swapIn()
  } catch {
    // It is refused, or fails: what counts is what was not run.
  } finally {
    await server.close()
  }
}

test('what a target server answers becomes no command of the psql that makes the database', async () => {
  const names = ['path', 'create', 'properties', 'swap', 'staging_oid', 'old_oid', 'keep', 'is_swapped']
  const command = (name: string): string => `0 \\! touch ${join(folder, name)}\n`
  await makeStaging((query, connection) => {
    const session = sessionOf(query, connection)
    if (session !== undefined || !/^\s*select/i.test(query)) return session
    return names.map(name => [name, command(name)])
  })
  expect(readdirSync(folder)).toEqual([])
})

test('an encoding that a target server makes up lets no locale of it become a command', async () => {
  const command = (name: string): string => `${HALF}\\! touch ${join(folder, name)} #`
  await makeStaging(sessionOf, {
    encoding: 'SJIS',
    like: {
      ...{ encoding: HALF, collation: command('encoding'), ctype: HALF, locale: command('ctype') },
      ...{ locale_provider: 'icu', icu_rules: null, owner: HALF, database_acl: null },
      ...{ settings: [], connection_limit: -1, comment: command('owner') },
    },
  })
  expect(readdirSync(folder)).toEqual([])
})

test('an encoding that a source server makes up lets no name of a table become a command', async () => {
  const column = `\\! touch ${join(folder, 'column')} #`
  const server = await startHostileServer(
    (query, connection) => {
      if (query.includes('pg_export_snapshot')) return [['snapshot', '"1-1"']]
      if (query.includes("case relkind when 'S'"))
        return [['relations', JSON.stringify([['public', HALF, 'table', 1, column]])]]
      if (query.includes('pg_sequence_last_value')) return [['sequences', '[]']]
      if (query.includes('pg_table_is_visible')) return [['visible', '[1]']]
      return sessionOf(query, connection)
    },
    { encoding: 'SJIS' },
  )
  try {
    const session = await SourceSession.begin(parsePostgresUrl(server.url('shop')), undefined)
    await session.contents(NOTHING, { dumpEnded: Promise.resolve(), partsSent: Promise.resolve() })
    await session.close()
  } catch {
    // As above.
  } finally {
    await server.close()
  }
  expect(readdirSync(folder)).toEqual([])
})

test('a text that a source server gives for a number becomes no command', async () => {
  const oid = `1}'\n\\! touch ${join(folder, 'oid')}\n'`
  const server = await startHostileServer((query, connection) => {
    if (query.includes('pg_table_is_visible')) return [['visible', '[]']]
    if (query.includes("in ('r', 'p', 'v'"))
      return [['candidates', JSON.stringify([['s', 't', oid, 'owner']])]]
    return sessionOf(query, connection)
  })
  const { path } = await newestClientProgram('psql')
  const session = new PsqlSession(parsePostgresUrl(server.url('shop')), { psql: path })
  try {
    await session.begin('read only')
    await readTablesAlone(session, { ...NOTHING, tables: ['s.t'] })
  } catch {
    // As above.
  } finally {
    await session.close()
    await server.close()
  }
  expect(readdirSync(folder)).toEqual([])
})
