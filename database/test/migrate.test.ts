import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { inTransaction } from '#connections.ts'
import { chatRecord, createBackup, type Database, getBackupById, migrate, openDatabase } from '#index.ts'
import { applyMigrations } from '#migrate.ts'
import { startProgram } from '#test/client-process.ts'
import { bundledPrograms, type PostgresServer, startPostgresServer } from '#test/postgres-server.ts'

const original = fileURLToPath(new URL('.', import.meta.resolve('#migrations/001_create_catalog_table.sql')))
const names = readdirSync(original).sort()

let server: PostgresServer
let url: string
let database: Database
let folder: string
beforeAll(async () => {
  server = await startPostgresServer(bundledPrograms)
})
afterAll(() => server.stop())
beforeEach(async () => {
  url = await server.newDatabase()
  database = await openDatabase({ url })
  folder = mkdtempSync(join(tmpdir(), 'migrations-test-'))
  cpSync(original, folder, { recursive: true })
})
afterEach(async () => {
  await database.close()
  rmSync(folder, { recursive: true })
})

const apply = (waits?: { starter: number; table: number }) =>
  applyMigrations(database.kysely, pathToFileURL(`${folder}/`), waits)

async function tables(): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables where table_schema = 'control_plane' order by 1
  `.execute(database.kysely)
  return rows.map(({ name }) => name)
}

test('an empty database gets all of them, in order, once', async () => {
  expect(names).toContain('009_create_backups_table.sql')
  expect(names).toContain('010_create_backup_history_table.sql')
  expect(await migrate(database)).toEqual(names)
  expect(await migrate(database)).toEqual([])
  expect(await tables()).toEqual(
    expect.arrayContaining(['backups', 'backup_history', 'jobs', 'migrations', 'schedules']),
  )
})

test('starters at once, in this process and in two others, apply each of them once', async () => {
  const others = [1, 2].map(() =>
    startProgram(import.meta.resolve('#test/programs/migrate-at-once.ts'), [url]),
  )
  await Promise.all(others.map(other => other.said(/^ready/)))
  for (const other of others) other.child.stdin?.write('go\n')
  const here = await Promise.all([1, 2, 3, 4].map(() => migrate(database)))
  const there = await Promise.all(
    others.map(async other => Number((await other.said(/^applied/)).split(' ')[1])),
  )
  const applied = [...here.map(list => list.length), ...there].sort((a, b) => b - a)
  expect(applied).toEqual([names.length, 0, 0, 0, 0, 0])
  expect(await Promise.all(others.map(other => other.ended))).toEqual([0, 0])
})

test('one that fails takes all of them back, and the next try applies them all', async () => {
  const bad = join(folder, '999_bad.sql')
  writeFileSync(bad, 'create table control_plane.half (id int); select 1/0;')
  await expect(apply()).rejects.toMatchObject({ name: 'CatalogError' })
  expect(await tables()).toEqual([])
  writeFileSync(bad, 'create table control_plane.half (id int);')
  expect(await apply()).toEqual([...names, '999_bad.sql'])
  expect(await tables()).toContain('half')
})

test('a new one is applied to a catalog in use, whose rows stay', async () => {
  await migrate(database)
  const { id } = await createBackup(database, { project_id: 'p', type: 'logs', file_id: 'f', size: 1 })
  writeFileSync(
    join(folder, '900_later.sql'),
    "alter table control_plane.backups add column note text default 'new';",
  )
  expect(await apply()).toEqual(['900_later.sql'])
  const { rows } = await sql`select note from control_plane.backups where id = ${id}`.execute(database.kysely)
  expect(rows).toEqual([{ note: 'new' }])
})

test('a catalog of before knows the newest message of each of its chats afterwards', async () => {
  for (const name of names.filter(name => name >= '014')) rmSync(join(folder, name))
  await apply()
  await sql`
    with project as (insert into control_plane.projects (id) values ('p')),
      backup as (
        insert into control_plane.backups (project_id, type, file_id, size) values ('p', 'logs', 'f', 1) returning id
      )
    insert into control_plane.backup_parts (backup_id, chat_id, kind, part_no, message_id, file_name, size, sha256)
    select backup.id, '-1', 'part', number, 100 - number, 'f', 1, repeat('a', 64) from backup, generate_series(1, 3) as number
  `.execute(database.kysely)
  await migrate(database)
  expect(await chatRecord(database, '-1')).toMatchObject({ newestMessageId: 99, index: null })
})

const newestKnown = names.at(-1)?.slice(0, 3)

test.each([
  ['says nothing', 'select 1;'],
  ['says it too late', `select 1;\n-- Programs that know ${newestKnown} may go on.`],
  ['lets only later programs go on', '-- Programs that know 900 may go on.\nselect 1;'],
])('a catalog of a newer version whose migration %s is refused and left alone', async (_, text) => {
  writeFileSync(join(folder, '901_from_the_future.sql'), text)
  await apply()
  await expect(migrate(database)).rejects.toMatchObject({
    code: 'CATALOG',
    message: expect.stringContaining('901_from_the_future.sql'),
    hint: expect.stringContaining('Update'),
  })
})

test('a catalog of the next version is gone on with where its migrations allow it, as long as all of them do', async () => {
  const header = `-- Programs that know ${newestKnown} may go on.\n`
  writeFileSync(
    join(folder, '901_column.sql'),
    `${header}alter table control_plane.backups add column note text;`,
  )
  writeFileSync(join(folder, '902_table.sql'), `${header}create table control_plane.notes (id int);`)
  expect(await apply()).toEqual([...names, '901_column.sql', '902_table.sql'])
  expect(await migrate(database)).toEqual([])
  const { id } = await createBackup(database, { project_id: 'p', type: 'logs', file_id: 'f', size: 1 })
  expect(await getBackupById(database, id)).toMatchObject({ id, note: null })
  writeFileSync(join(folder, '903_contract.sql'), 'alter table control_plane.backups drop column caption;')
  expect(await apply()).toEqual(['903_contract.sql'])
  await expect(migrate(database)).rejects.toMatchObject({ code: 'CATALOG' })
})

test('a starter that is killed in the middle leaves nothing half done, and the next one does it all', async () => {
  writeFileSync(
    join(folder, '900_slow.sql'),
    'create table control_plane.slow (id int); select pg_advisory_xact_lock(900);',
  )
  const program = import.meta.resolve('#test/programs/migrate-at-once.ts')
  const starter = startProgram(program, [url, `${folder}/`])
  await starter.said(/^ready/)
  await whileLocked('select pg_advisory_xact_lock(900)', async () => {
    starter.child.stdin?.write('go\n')
    const waiting = sql`select from pg_locks where locktype = 'advisory' and objid = 900 and not granted`
    await expect.poll(async () => (await waiting.execute(database.kysely)).rows.length).toBe(1)
    expect(await tables()).toEqual([])
    starter.child.kill('SIGKILL')
    await starter.ended
  })
  expect(await tables()).toEqual([])
  rmSync(join(folder, '900_slow.sql'))
  expect(await apply()).toEqual(names)
  expect(await tables()).not.toContain('slow')
})

/** Runs `work` while another connection holds a lock. */
async function whileLocked(lock: string, work: () => Promise<void>): Promise<void> {
  const other = await openDatabase({ url })
  await inTransaction(other.kysely, async trx => {
    await sql.raw(lock).execute(trx)
    await work()
  })
  await other.close()
}

test('a starter that hangs is not waited for without bound', async () => {
  await whileLocked('select pg_advisory_xact_lock(8387218650087945584)', async () => {
    await expect(apply({ starter: 200, table: 200 })).rejects.toMatchObject({
      code: 'CATALOG',
      hint: expect.stringContaining('Try again'),
    })
  })
  expect(await apply()).toEqual(names)
})

test('a table that is in use is not waited for without bound; nothing is applied, and the next try does it all', async () => {
  await migrate(database)
  writeFileSync(join(folder, '901_note.sql'), 'create table control_plane.first (id int);')
  writeFileSync(join(folder, '902_note.sql'), 'alter table control_plane.backups add column note text;')
  await whileLocked('lock table control_plane.backups in access share mode', async () => {
    await expect(apply({ starter: 5_000, table: 200 })).rejects.toMatchObject({ code: 'CATALOG' })
    expect(await tables()).not.toContain('first')
  })
  expect(await apply()).toEqual(['901_note.sql', '902_note.sql'])
})

test('a migration may take longer than any other statement', async () => {
  const impatient = await openDatabase({ url, statementTimeoutMs: 2_000 })
  writeFileSync(join(folder, '900_slow.sql'), 'select pg_sleep(3);')
  const applied = await applyMigrations(impatient.kysely, pathToFileURL(`${folder}/`))
  expect(applied).toContain('900_slow.sql')
  await impatient.close()
})

test('a schema that somebody else has made for us is enough: no right to make one is needed', async () => {
  await sql
    .raw("create role tenant login password 'x'; create schema control_plane authorization tenant")
    .execute(database.kysely)
  const { pathname, port } = new URL(url)
  const tenant = await openDatabase({ url: `postgresql://tenant:x@127.0.0.1:${port}${pathname}` })
  expect(await migrate(tenant)).toEqual(names)
  await tenant.close()
})
