import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readOurSql } from '#test/hostile/our-sql.ts'
import { plantOverloads, ranOf, unplanted } from '#test/hostile/planter.ts'

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  await server.sql(
    'postgres',
    'create role mallory; create database owned owner mallory; create database shared',
  )
  await server.sql('shared', 'grant create on schema public to mallory')
})

afterAll(() => server.stop())

describe.each([
  { database: 'owned', ownsDatabase: true },
  { database: 'shared', ownsDatabase: false },
])('in a database that is $database', ({ database, ownsDatabase }) => {
  it('a role without rights plants all that our SQL calls, and each runs where the search path is believed', async () => {
    const planted = await plantOverloads({
      run: sql => server.sql(database, sql),
      role: 'mallory',
      ownsDatabase,
    })
    expect(unplanted(await readOurSql(), planted), 'calls that nobody has planted or explained').toEqual([])
    const questions: Record<string, string> = {
      "to_json('a'::text)": 'to_json of text',
      'to_jsonb(d) from pg_catalog.pg_database d limit 1': 'to_jsonb of pg_database',
      'jsonb_agg(datname) from pg_catalog.pg_database': 'step of jsonb_agg',
      'pg_catalog.count(*) from pg_catalog.pg_cast where castsource = 23::bigint': 'operator =',
      "pg_catalog.to_json('planted'::public.planted_type)": 'cast to json',
      'pg_catalog.count(*) from public.planted_rows': 'predicate',
      ...(ownsDatabase && {
        'pg_catalog.pg_backend_pid(), 1::pg_catalog.int4 = 1::pg_catalog.int4': 'operator =',
        "'a'::text": 'type text',
        'from pg_class': 'view pg_class',
        'count(*) from pg_catalog.pg_class': 'step of count',
      }),
    }
    for (const [question, what] of Object.entries(questions)) {
      const before = ranOf(planted, await server.log()).length
      // What stands in for a function gives null, with which a query may fail afterwards.
      await server.sql(database, `begin read only; select ${question}`).catch(() => '')
      expect(ranOf(planted, await server.log()).slice(before), question).toContain(what)
      // No matter of the path: who asks such a thing is the owner's.
      if (['cast to json', 'predicate'].includes(what)) continue
      const after = ranOf(planted, await server.log()).length
      const safely = `begin; select pg_catalog.set_config('search_path', '', true); select ${question}`
      await server.sql(database, safely)
      expect(ranOf(planted, await server.log()).slice(after), question).toEqual([])
    }
  })
})
