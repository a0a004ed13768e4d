import type { BackupDetails } from '@telegram-backup/database'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import {
  copyServerPrograms,
  SERVER_MAJORS,
  type ServerPrograms,
} from '@telegram-backup/test-support/servers/npm-server.ts'
import {
  checksumsOf,
  dumpOf,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { largeRow, RICH_ROLES, richSchema } from '@telegram-backup/test-support/servers/rich-schema.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

let vault: TestVault
let env: Record<string, string>

beforeAll(async () => {
  vault = await openTestVault()
  // Parts as a user has them.
  const { TELEGRAM_PART_SIZE: _, ...rest } = await cliEnvironment(vault)
  env = rest
})

afterAll(async () => {
  await vault.close()
})

async function cli(...args: string[]): Promise<unknown> {
  const ended = await runCli([...args, '--json'], { env })
  expect(ended.code, ended.stderr).toBe(0)
  return ended.json()
}

async function send(url: string, format: string): Promise<BackupDetails> {
  const result = await cli(
    ...['send', '--project', 'rich', '--type', 'database', '--postgres', url, '--format', format],
  )
  const { databaseRecord } = result as IntegratedBackupResult
  return (await cli('show', databaseRecord?.id ?? '')) as BackupDetails
}

async function fill(server: PostgresServer, database: string, sql: string): Promise<void> {
  await server.sql('postgres', `create database "${database}"`)
  await server.sql(database, sql)
}

async function expectEqual(
  a: { server: PostgresServer; database: string },
  b: { server: PostgresServer; database: string },
): Promise<void> {
  expect(await checksumsOf(b.server, b.database)).toBe(await checksumsOf(a.server, a.database))
  const [one, other] = [await dumpOf(a.server.url(a.database)), await dumpOf(b.server.url(b.database))]
  // Not by expect: the texts have many megabytes.
  if (one === other) return
  const [lines, others] = [one.split('\n'), other.split('\n')]
  const index = lines.findIndex((line, at) => line !== others[at])
  expect(others[index]?.slice(0, 500)).toBe(lines[index]?.slice(0, 500))
}

describe.each(SERVER_MAJORS)('PostgreSQL %i', major => {
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
    const backup = await send(server.url('reich & schön'), format)
    expect(backup.source).toMatchObject({ database: 'reich & schön', owner: 'Überadmin', encoding: 'UTF8' })
    await server.sql('postgres', 'create database back')
    await cli('restore', backup.id, '--to', server.url('back'), '--yes')
    await expectEqual({ server, database: 'reich & schön' }, { server, database: 'back' })
    await server.sql('postgres', 'drop database back')
  })

  test('a database that has changed since is replaced, with its owner, grants, settings and comment', async () => {
    const backup = await send(server.url('reich & schön'), 'plain')
    await fill(server, 'before', richSchema({ serverMajor: major, rows: 20_000 }))
    await cli('restore', backup.id, '--to', server.url('before'), '--overwrite', '--yes')
    const facts = await properties()
    const databases = await server.databases()
    await server.sql('reich & schön', 'drop schema app cascade; create table app_is_gone ()')
    await cli('restore', backup.id, '--to', server.url('reich & schön'), '--overwrite', '--yes')
    await expectEqual({ server, database: 'before' }, { server, database: 'reich & schön' })
    expect(await properties()).toBe(facts)
    expect(await server.databases()).toEqual(databases)
  })

  test('a database that was dropped is made again, as it was', async () => {
    const backup = await send(server.url('reich & schön'), 'plain')
    const facts = await properties()
    await server.sql('postgres', 'drop database "reich & schön"')
    await cli('restore', backup.id, '--to', server.url('reich & schön'), '--yes')
    await expectEqual({ server, database: 'before' }, { server, database: 'reich & schön' })
    expect(await properties()).toBe(facts)
  })
})

describe('from one server to a newer one', () => {
  test('a million small rows and a row of 100 MiB of PostgreSQL 13 come back in 17, without the roles it lacks', async () => {
    const [oldPrograms, newPrograms] = [await copyServerPrograms(13), await copyServerPrograms(17)]
    const [old, young] = [
      await startPostgresServer(oldPrograms.bin),
      await startPostgresServer(newPrograms.bin),
    ]
    try {
      await old.sql('postgres', RICH_ROLES)
      await fill(
        old,
        'big',
        `${richSchema({ serverMajor: 13, rows: 1_000_000 })}; create extension if not exists pgcrypto; ${largeRow(100)}`,
      )
      const backup = await send(old.url('big'), 'plain')
      expect(backup.parts.length).toBeGreaterThan(5)
      await cli('restore', backup.id, '--to', young.url('big'), '--create-roles', '--yes')
      // A dump says which server it is from, and public has another owner since 15.
      expect(await checksumsOf(young, 'big')).toBe(await checksumsOf(old, 'big'))
    } finally {
      await old.stop()
      await young.stop()
      await oldPrograms.remove()
      await newPrograms.remove()
    }
  })
})
