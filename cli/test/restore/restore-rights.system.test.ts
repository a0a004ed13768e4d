import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { newestClientProgram } from '@telegram-backup/connectors/postgres/client-programs.ts'
import { checkPsql } from '@telegram-backup/connectors/postgres/program-checks.ts'
import type { BackupDetails } from '@telegram-backup/database'
import { placeChecks } from '@telegram-backup/engine/doctor/place-checks.ts'
import { readConfig } from '@telegram-backup/engine/environment.ts'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRestoreBench, type RestoreBench } from '#test/restore-bench.ts'

// With whose rights a dump runs, and what is said of it before it does.

let server: PostgresServer
let bench: RestoreBench
let backup: BackupDetails

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  bench = await openRestoreBench()
  await server.sql(
    'postgres',
    `create role keeper; create role plain login password 'p'; create role reader login password 'p' createrole;
     create role member login password 'p'; grant keeper to member; create role other_app; create role deputy login password 'p';
     grant keeper, other_app, owner to deputy; grant pg_read_server_files to reader; create database source;
     create database member_one owner member; create database deputy_one owner deputy;
     create database plain_one owner plain; create database reader_one owner reader`,
  )
  await server.sql(
    'source',
    'create table kept (x int); alter table kept owner to keeper; create extension pageinspect',
  )
  backup = await bench.send('--postgres', server.url('source'))
})

afterAll(async () => {
  await bench.close()
  await server.stop()
})

const urlOf = (role: string): string => server.url(`${role}_one`).replace(/\/\/[^@]*@/, `//${role}:p@`)
const tables = (database: string): Promise<string> =>
  server.sql(database, `select count(*) from pg_tables where schemaname = 'public'`)

describe('the plan of a restore says, before anything is fetched,', () => {
  const planOf = async (url: string): Promise<string> => {
    const run = await bench.cli(['restore', backup.id, '--to', url])
    expect(run.code).toBe(2)
    return run.stderr
  }

  it('that a superuser’s rights are those of whoever wrote into the source', async () => {
    expect(await planOf(server.url('plain_one'))).toMatch(
      /^Rights .*CHECK, defaults, casts, index expressions.* runs as owner, a superuser/m,
    )
  })

  it('which rights another role has beyond its database', async () => {
    expect(await planOf(urlOf('reader'))).toMatch(
      /^Rights .* runs as reader, who has CREATEROLE and is a member of pg_read_server_files/m,
    )
  })

  it('nothing of a role that the owners in the backup were granted to, and all of one with more', async () => {
    expect(await planOf(urlOf('member'))).not.toMatch(/^Rights/m)
    expect(await planOf(urlOf('deputy'))).toMatch(/^Rights .* is a member of other_app, owner;$/m)
  })

  it('what a role without further rights cannot restore', async () => {
    const plan = await planOf(urlOf('plain'))
    expect(plan).not.toMatch(/^Rights/m)
    expect(plan).toMatch(/^Warning .*only a superuser can restore the extension pageinspect; plain is none/m)
    expect(plan).toMatch(
      /^Warning .*belongs to a role can be restored only when that role is granted to plain; the backup names .*keeper/m,
    )
  })
})

it('a role that is no member of an owner is told what to do, and the target stays as it was', async () => {
  const file = join(bench.vault.folder, 'owned.sql')
  await writeFile(file, 'create table kept (x int);\nalter table kept owner to keeper;\n')
  const owned = await bench.send('--file', file)
  const args = ['restore', owned.id, '--to', urlOf('plain'), '--yes', '--json']
  const run = await bench.cli(args)
  expect(run.code).toBe(1)
  expect(run.json()).toMatchObject({
    code: 'POSTGRES',
    hint: expect.stringMatching(/GRANT the role TO the restoring role/),
  })
  expect(await tables('plain_one')).toBe('0')

  await server.sql('postgres', 'grant keeper to plain')
  const member = await bench.cli(args)
  expect(member.json()).toMatchObject({
    code: 'POSTGRES',
    error: expect.stringMatching(/permission denied for schema public/),
    hint: expect.stringMatching(/GRANT CREATE ON SCHEMA/),
  })
  expect(await tables('plain_one')).toBe('0')
  await server.sql('plain_one', 'grant create on schema public to keeper')
  expect((await bench.cli(args)).code).toBe(0)
  expect(await tables('plain_one')).toBe('1')
  await server.sql('postgres', 'revoke keeper from plain')
})

it('doctor names the rights of each target, and psql', async () => {
  const path = join(bench.vault.folder, 'targets.yaml')
  const entry = (name: string, url: string): string => `  ${name}: { postgres: ${JSON.stringify(url)} }\n`
  const gone = 'postgresql://x@127.0.0.1:1/x'
  const file = [
    'targets:\n',
    entry('root', server.url('new_one')),
    entry('plain', urlOf('plain')),
    entry('member', urlOf('member')),
    entry('deputy', urlOf('deputy')),
    entry('gone', gone),
  ]
  await writeFile(path, file.join(''), { mode: 0o600 })
  const config = readConfig({ TELEGRAM_BACKUP_HOME: bench.vault.folder, TELEGRAM_BACKUP_CONFIG: path })
  const { signal } = new AbortController()
  const targets = new Map((await placeChecks({ config, signal })).map(check => [check.name, check]))
  expect(targets.get('target root')).toMatchObject({
    state: 'warning',
    hint: expect.stringMatching(/^A restore runs as owner, a superuser/),
  })
  expect(targets.get('target plain')?.state).toBe('ok')
  expect(targets.get('target member')?.state).toBe('ok')
  expect(targets.get('target deputy')).toMatchObject({
    state: 'warning',
    hint: expect.stringContaining('who is a member of owner'),
  })
  expect(targets.get('target gone')).toMatchObject({
    state: 'warning',
    hint: expect.stringMatching(/^Nothing can be restored there now/),
  })
  expect(await checkPsql(signal)).toMatchObject({ message: expect.stringMatching(/^version \d+\.\d+/) })
})

it('a psql without \\restrict restores and drills what pg_dump made here, and refuses a dump that was handed in', async () => {
  const { path } = await newestClientProgram('psql')
  const folder = join(bench.vault.folder, 'old')
  await mkdir(folder)
  const psql = join(folder, 'psql')
  await writeFile(
    psql,
    `#!/bin/sh\n[ "$1" = --version ] && echo 'psql (PostgreSQL) 99devel' && exit\nexec ${path} "$@"\n`,
  )
  await chmod(psql, 0o755)
  const env = { PATH: `${folder}:${process.env['PATH']}` }
  const file = join(bench.vault.folder, 'given.sql')
  await writeFile(file, 'create table given (x int);\n')
  const given = await bench.send('--file', file)
  await server.sql('postgres', 'create database target_one')
  const refused = await bench.cli(
    ['restore', given.id, '--to', server.url('target_one'), '--yes', '--json'],
    { env },
  )
  expect(refused.json()).toMatchObject({ code: 'CONFIGURATION', hint: expect.stringContaining('17.6') })
  expect(await tables('target_one')).toBe('0')
  const run = await bench.cli(['restore', backup.id, '--to', server.url('target_one'), '--yes'], { env })
  expect(run.code, run.stderr).toBe(0)
  expect(await tables('target_one')).toBe('1')
  const on = ['--on', server.url('postgres')]
  const drill = await bench.cli(['verify', backup.id, '--drill', ...on], { env })
  expect(drill.code, drill.stderr).toBe(0)
})
