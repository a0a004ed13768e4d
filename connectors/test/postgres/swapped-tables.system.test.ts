import { existsSync } from 'node:fs'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newestClientProgram } from '#postgres/client-programs.ts'
import { parsePostgresUrl } from '#postgres/connection.ts'
import { countRows, prepareCounting, readRelations } from '#postgres/database-contents.ts'
import { PsqlSession } from '#postgres/psql-session.ts'

/** Up to 15, a rule could still make a view of a table; all of these know how to be told to read no views. */
const OLDER = '/usr/lib/postgresql/15/bin'
const WORD = 'a view has run'

let servers: PostgresServer[]

beforeAll(async () => {
  const folders = [await installedServer(), OLDER].filter(bin => existsSync(bin))
  servers = await Promise.all(folders.map(bin => startPostgresServer(bin)))
  for (const { sql } of servers) await sql('postgres', 'create role mallory')
})

afterAll(async () => {
  for (const server of servers) await server.stop()
})

const FUNCTION = `create function public.evil() returns int language plpgsql as $$ begin raise log '${WORD}'; return 1; end $$`
const SWAPS = {
  'DROP and CREATE VIEW': 'drop table public.t; create view public.t as select public.evil() as n',
  'a rule _RETURN': `create rule "_RETURN" as on select to public.t do instead select public.evil() as n`,
}

describe.each(Object.entries(SWAPS))(
  'a table that %s makes a view between the list and its count',
  (name, swap) => {
    // By the server's own refusal, and, for one that cannot be told to, by the way in which rows are counted.
    it.each([true, false])('is not read with our rights (the server told so: %s)', async isToldSo => {
      let swapped = 0
      for (const server of servers) {
        const database = `swap_${isToldSo}_${name.length}`
        await server.sql('postgres', `create database ${database} owner mallory`)
        const asMallory = (sql: string): Promise<string> =>
          server.sql(database, `set session authorization mallory; ${sql}`)
        await asMallory(`create table public.t (n int); ${FUNCTION}`)
        const session = new PsqlSession(parsePostgresUrl(server.url(database)), {
          psql: (await newestClientProgram('psql')).path,
        })
        try {
          await session.beginShared()
          const [table] = await readRelations(session)
          if (isToldSo) await prepareCounting(session, 0)
          // From 16 on, PostgreSQL refuses such a rule.
          const isSwapped = await asMallory(swap).then(
            () => true,
            () => false,
          )
          if (isSwapped) swapped++
          expect(await countRows(session, table ?? { schema: '', name: '', column: null })).toBe(
            isSwapped ? null : 0,
          )
        } finally {
          await session.close()
        }
        expect(await server.log()).not.toContain(`LOG:  ${WORD}`)
      }
      expect(swapped, 'servers on which it could be swapped').toBeGreaterThan(0)
    })
  },
)

it('a count refuses views also by the setting that newer servers have for it', async () => {
  for (const server of servers) {
    const session = new PsqlSession(parsePostgresUrl(server.url('postgres')), {
      psql: (await newestClientProgram('psql')).path,
    })
    await session.begin('read only')
    await prepareCounting(session, 0)
    const setting = `select pg_catalog.to_json(pg_catalog.current_setting('restrict_nonsystem_relation_kind', true))`
    expect(await session.ask(setting)).toBe('view, foreign-table')
    await session.close()
  }
})
