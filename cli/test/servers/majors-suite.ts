import { copyServerPrograms, type ServerPrograms } from '@telegram-backup/test-support/servers/npm-server.ts'
import {
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { RICH_ROLES, richSchema } from '@telegram-backup/test-support/servers/rich-schema.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectEqual, fill, type MajorsBench, openMajorsBench } from '#test/servers/majors-bench.ts'

/** What has to come back of a rich database, for each of these servers. */
export function describeMajors(majors: readonly number[]): void {
  let bench: MajorsBench

  beforeAll(async () => {
    bench = await openMajorsBench()
  })

  afterAll(() => bench.close())

  describe.each(majors)('PostgreSQL %i', major => {
    let programs: ServerPrograms
    let server: PostgresServer

    beforeAll(async () => {
      programs = await copyServerPrograms(major)
      server = await startPostgresServer(programs.bin)
      await server.sql('postgres', RICH_ROLES)
      await fill(server, 'reich & schön', richSchema({ serverMajor: major, rows: 20_000 }))
      await server.sql(
        'postgres',
        `alter database "reich & schön" owner to "Überadmin";
       alter database "reich & schön" set search_path = app, public;
       alter database "reich & schön" set application_name = 'it''s';
       alter role reader in database "reich & schön" set work_mem = '7MB';
       grant connect, temporary on database "reich & schön" to "o'brien" with grant option;
       revoke temporary on database "reich & schön" from public;
       alter database "reich & schön" connection limit 42;
       comment on database "reich & schön" is 'the "shop"'`,
      )
    })

    afterAll(async () => {
      await server.stop()
      await programs.remove()
    })

    const properties = (): Promise<string> =>
      server.sql(
        'postgres',
        `select datname, datdba::regrole, encoding, datcollate, datconnlimit, datacl, shobj_description(oid, 'pg_database'),
         (select array_agg(format('%s %s', setrole::regrole, setting) order by setrole, setting)
            from pg_db_role_setting, unnest(setconfig) setting where setdatabase = d.oid)
       from pg_database d where datname like 'reich%'`,
      )

    test.each(['plain', 'custom'])('a rich schema comes back whole, format %s', async format => {
      const backup = await bench.send(server.url('reich & schön'), format)
      expect(backup.source).toMatchObject({ database: 'reich & schön', owner: 'Überadmin', encoding: 'UTF8' })
      await server.sql('postgres', 'create database back')
      await bench.cli('restore', backup.id, '--to', server.url('back'), '--yes')
      await expectEqual({ server, database: 'reich & schön' }, { server, database: 'back' })
      await server.sql('postgres', 'drop database back')
    })

    test('a database that has changed since is replaced, with its owner, grants, settings and comment', async () => {
      const backup = await bench.send(server.url('reich & schön'), 'plain')
      await fill(server, 'before', richSchema({ serverMajor: major, rows: 20_000 }))
      await bench.cli('restore', backup.id, '--to', server.url('before'), '--overwrite', '--yes')
      const facts = await properties()
      const databases = await server.databases()
      await server.sql('reich & schön', 'drop schema app cascade; create table app_is_gone ()')
      await bench.cli('restore', backup.id, '--to', server.url('reich & schön'), '--overwrite', '--yes')
      await expectEqual({ server, database: 'before' }, { server, database: 'reich & schön' })
      expect(await properties()).toBe(facts)
      expect(await server.databases()).toEqual(databases)
    })

    test('a database that was dropped is made again, as it was', async () => {
      const backup = await bench.send(server.url('reich & schön'), 'plain')
      const facts = await properties()
      await server.sql('postgres', 'drop database "reich & schön"')
      await bench.cli('restore', backup.id, '--to', server.url('reich & schön'), '--yes')
      await expectEqual({ server, database: 'before' }, { server, database: 'reich & schön' })
      expect(await properties()).toBe(facts)
    })
  })
}
